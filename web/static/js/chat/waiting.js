/**
 * The place in line, as the server's picture has it: position, who serves the line, and a range only where there is an honest one.
 */

import { announce, fill, slot } from "../core/page.js";
import { say, sayNth } from "../core/texts.js";

/**
 * @param {ParentNode} panel
 * @param {any} waiting of `views.Waiting`
 */
export function showWaiting(panel, waiting) {
  const position = waiting.position <= 1 ? say("waiting.next") : sayNth("waiting.position", waiting.position);
  if (slot(panel, "position")?.textContent !== position) announce(position);
  fill(panel, "position", position);
  const n = waiting.representatives;
  fill(panel, "serving", n ? say("waiting.serving", { n }) : say("waiting.nobody"));
  show(panel, "offered", waiting.offered, say("waiting.offered"));
  show(panel, "range", waiting.wait_high_s !== null && waiting.wait_low_s !== null, range(waiting));
}

/**
 * In minutes, rounded outwards so that it stays honest, as on the server.
 * @param {any} waiting
 */
function range({ wait_low_s, wait_high_s }) {
  const low = Math.floor((wait_low_s ?? 0) / 60);
  return say("waiting.range", { low, high: Math.max(Math.ceil((wait_high_s ?? 0) / 60), low + 1) });
}

/**
 * @param {ParentNode} panel
 * @param {string} name
 * @param {boolean} isShown
 * @param {string} text
 */
function show(panel, name, isShown, text) {
  const place = slot(panel, name);
  if (!place) return;
  place.hidden = !isShown;
  if (isShown) fill(panel, name, text);
}
