/**
 * A customer's call, from the line to its end: the place moves by itself, and the page says when somebody takes it and what becomes of it.
 */

import { showWaiting } from "./chat/waiting.js";
import { forgetForms } from "./core/form_kept.js";
import { freshen, keepAsking, livePart } from "./core/fresh.js";
import { Hub } from "./core/hub.js";

/** What the hub last said of the visit. @type {string | null} */
let known = null;

/** @param {any} visit of `views.Visit` */
function follow({ state, waiting }) {
  if (waiting) showWaiting(livePart(), waiting);
  if (known !== state) freshen();
  known = state;
}

forgetForms();
const { ticket = "", state = "" } = livePart().dataset;
// Somebody is about to call, or calls: how far that is stands in no picture of the visit.
if (["preview", "dialing", "talking", "unclear"].includes(state)) keepAsking();
// A slot that has not begun has no place in line yet, and what is over stays over.
if (["due", "preview", "dialing", "talking", "unclear", "retry_wait", "wrap_up"].includes(state)) {
  const hub = new Hub();
  hub.watch("visit", ticket, follow);
  hub.start();
}
