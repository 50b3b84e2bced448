/**
 * The line's state, in words: "Reconnecting… Your text is safe", in the page's `[data-connection]` and its live region.
 */

import { announce, fill } from "./page.js";
import { say } from "./texts.js";

/** A line that is back within so many milliseconds is not worth a word. */
const PATIENCE_MS = 800;

/** @type {Partial<Record<import("./hub.js").LineState, string>>} */
const SENTENCES = { lost: "connection.lost", offline: "connection.offline", rest: "connection.rest", over: "connection.over" };

/**
 * @param {import("./hub.js").Hub} hub
 * @param {ParentNode} page
 */
export function showLine(hub, page) {
  const bar = /** @type {HTMLElement} */ (page.querySelector("[data-connection]"));
  let timer = 0;
  const show = (/** @type {string | undefined} */ key) => {
    if (key) fill(bar, "text", say(key));
    if (key || !bar.hidden) announce(say(key ?? "connection.back"));
    bar.hidden = !key;
  };
  hub.onState((state) => {
    clearTimeout(timer);
    const key = SENTENCES[state];
    if (key && bar.hidden && state !== "over") timer = window.setTimeout(show, PATIENCE_MS, key);
    else if (state !== "connecting") show(key);
  });
}
