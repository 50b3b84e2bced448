/**
 * The call on a representative's desk: while this page is open its representative is present, the time runs, and what happens elsewhere (the
 * telephone system, the customer who cancels) is shown.
 */

import { everySecond, secondsSince, secondsUntil } from "./core/clock.js";
import { showLine } from "./core/banner.js";
import { freshen, keepAsking, livePart } from "./core/fresh.js";
import { Hub } from "./core/hub.js";
import { asDuration } from "./core/times.js";

const hub = new Hub();
/** What the desk last said of this call. @type {string | null} */
let known = null;

/** @param {any} desk of `views.Desk` */
function follow({ conversations }) {
  const { conversation } = livePart().dataset;
  const mine = conversations.find((/** @type {any} */ each) => each.id === conversation);
  const now = mine ? `${mine.state} ${mine.call}` : "";
  if (known !== now) freshen();
  known = now;
}

function tick() {
  const part = livePart();
  const timer = /** @type {HTMLElement | null} */ (part.querySelector("[data-timer]"));
  if (timer) timer.textContent = asDuration(secondsSince(timer.dataset.since ?? ""));
  const resting = /** @type {HTMLButtonElement | null} */ (part.querySelector("[data-rest-until]"));
  if (resting && secondsUntil(resting.dataset.restUntil ?? "") === 0) resting.disabled = false;
}

showLine(hub, document);
hub.watch("desk", null, follow);
hub.start();
everySecond(tick);
// A telephone system's progress changes nothing on the desk.
if ("polls" in livePart().dataset) keepAsking();
