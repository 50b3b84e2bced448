/**
 * A page that is loaded again when its state has become another one: the server draws it, a script only knows when to ask. Whoever was at a
 * link of it, or had scrolled, is there again.
 *
 * `[data-live][data-href][data-state]`, and `[data-gone]`: where to go when it is not there any more. The answer is not put into the page:
 * its policy takes no markup from scripts.
 */

import { keep, read } from "./kept.js";

/** @returns {HTMLElement} */
export function livePart() {
  return /** @type {HTMLElement} */ (document.querySelector("[data-live]"));
}

/** What no bell tells is asked for so often, in milliseconds. */
const EVERY_MS = 3_000;

/**
 * Ask again and again, where a call goes on without the hub hearing of it.
 * @param {number} [everyMs]
 */
export function keepAsking(everyMs = EVERY_MS) {
  window.setInterval(freshen, everyMs);
}

const STATE = /data-live [^>]*data-state="(\w+)"/;

let isAsking = false;

/** Ask, and load the page again when it would say something else. What cannot be fetched now is asked for with the next news. */
export async function freshen() {
  if (isAsking) return;
  isAsking = true;
  try {
    const { href = "", gone, state } = livePart().dataset;
    const answer = await fetch(href, { headers: { accept: "text/html" } });
    if (answer.status === 404 && gone) return location.assign(gone);
    const found = answer.ok ? STATE.exec(await answer.text()) : null;
    if (!found || found[1] === state) return;
    keepPlace(href);
    location.replace(href);
  } catch {
    // The line is down; the hub says so, and comes back with news.
  } finally {
    isAsking = false;
  }
}

/** What scrolls by itself, sideways; null where nothing does. */
const wide = () => livePart().querySelector(".scroll-x");

/** @param {string} href */
function keepPlace(href) {
  const at = document.activeElement;
  keep("place", { href, link: at?.getAttribute("href") ?? null, isWide: at === wide(), y: window.scrollY, x: wide()?.scrollLeft ?? 0 });
}

function takePlace() {
  const place = read("place");
  keep("place", null);
  if (!place || place.href !== livePart().dataset.href) return;
  const link = place.link && document.querySelector(`a[href="${CSS.escape(place.link)}"]`);
  const at = /** @type {HTMLElement | null} */ (place.isWide ? wide() : link);
  at?.focus({ preventScroll: true });
  wide()?.scrollTo({ left: place.x });
  window.scrollTo({ top: place.y });
}

takePlace();
