/**
 * The place in line, as the server's picture has it: position, who serves the line, and a range only where there is an honest one.
 */

import { now } from "../core/clock.js";
import { announce, fill, slot } from "../core/page.js";
import { say, sayNth } from "../core/texts.js";
import { stampOf } from "../core/times.js";

/**
 * @param {ParentNode} panel
 * @param {any} waiting of `views.Waiting`
 */
export function showWaiting(panel, waiting) {
  const position = waiting.position <= 1 ? say("waiting.next") : sayNth("waiting.position", waiting.position);
  const news = [slot(panel, "position")?.textContent !== position ? position : "", showLonger(panel, waiting)].filter(Boolean);
  if (news.length) announce(news.join(" "));
  fill(panel, "position", position);
  const n = waiting.representatives;
  fill(panel, "serving", n ? say("waiting.serving", { n }) : nobody(waiting));
  show(panel, "offered", waiting.offered, say("waiting.offered"));
  const closing = slot(panel, "closing");
  if (closing) closing.hidden = !passesClosing(waiting);
  show(panel, "range", waiting.wait_high_s !== null && waiting.wait_low_s !== null, range(waiting));
}

/** So long before closing a wait may well be too long while nobody knows how long it is, in milliseconds; as on the server. */
const SOON_MS = 900_000;

/**
 * Whether the wait is likely to last beyond the hours.
 * @param {any} waiting
 */
function passesClosing({ closes_at, wait_high_s }) {
  if (!closes_at) return false;
  return now() + (wait_high_s === null ? SOON_MS : wait_high_s * 1_000) > Date.parse(closes_at);
}

/**
 * That nobody is there, and before when nobody is planned, where that is known.
 * @param {any} waiting
 */
function nobody({ served_from }) {
  return served_from ? say("waiting.nobody_before", { at: stampOf(served_from) }) : say("waiting.nobody");
}

/**
 * That it takes longer than was told, and why; or that it may take hours. Returns what has not been said on this page before: each rise once,
 * however often its picture comes, and a rise that the page was drawn with not again.
 * @param {ParentNode} panel
 * @param {any} waiting
 */
function showLonger(panel, waiting) {
  const place = slot(panel, "longer");
  if (!place) return "";
  const { longer, longer_at: at, wait_high_s: high } = waiting;
  const text = longer ? say(`waiting.longer_${longer}`) : (high ?? 0) > HOUR_S ? say("waiting.hour") : "";
  place.hidden = !text;
  fill(panel, "longer-why", text);
  if (!longer || Date.parse(at) <= Date.parse(place.dataset.said || EVER)) return "";
  place.dataset.said = at;
  return `${text} ${range(waiting)}`;
}

/** Before anything was told. */
const EVER = "1970-01-01T00:00:00Z";

/** Longer waits are told in hours, in seconds; as on the server. */
const HOUR_S = 3_600;

/**
 * In minutes or hours, rounded up so that it stays honest, as on the server.
 * @param {any} waiting
 */
function range({ wait_low_s: lowS, wait_high_s: highS }) {
  const [low, high] = [lowS, highS].map((seconds) => Math.ceil((seconds ?? 0) / 60));
  if (high <= 1) return say("waiting.minute");
  if (highS <= HOUR_S) return say("waiting.range", { low: Math.max(low, 1), high });
  const hours = Math.ceil(highS / HOUR_S);
  if (lowS <= HOUR_S) return say("waiting.range_hour", { low: Math.max(low, 1), high: hours });
  return say("waiting.range_hours", { low: Math.ceil(lowS / HOUR_S), high: hours });
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
