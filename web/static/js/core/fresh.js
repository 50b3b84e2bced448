/**
 * A page that is loaded again when its state has become another one: the server draws it, a script only knows when to ask.
 *
 * `[data-live][data-href][data-state]`, and `[data-gone]`: where to go when it is not there any more. The answer is not put into the page:
 * its policy takes no markup from scripts.
 */

/** @returns {HTMLElement} */
export function livePart() {
  return /** @type {HTMLElement} */ (document.querySelector("[data-live]"));
}

/** What no bell tells is asked for so often, in milliseconds. */
const EVERY_MS = 3_000;

/** Ask again and again, where a call goes on without the hub hearing of it. */
export function keepAsking() {
  window.setInterval(freshen, EVERY_MS);
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
    if (found && found[1] !== state) location.replace(href);
  } catch {
    // The line is down; the hub says so, and comes back with news.
  } finally {
    isAsking = false;
  }
}
