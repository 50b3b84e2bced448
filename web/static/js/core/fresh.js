/**
 * A part of a page that is fetched again when something may have changed, and replaced when its state is another one.
 *
 * The server draws it; a script only knows when to ask. `[data-live][data-href][data-state][data-state-name]`, and `[data-gone]`: where to go when
 * it is not there any more.
 */

import { announce, reveal } from "./page.js";

/** @returns {HTMLElement} */
export function livePart() {
  return /** @type {HTMLElement} */ (document.querySelector("[data-live]"));
}

let isAsking = false;

/** Ask, and show what has changed. What cannot be fetched now is asked for the next time. */
export async function freshen() {
  if (isAsking) return;
  isAsking = true;
  try {
    await replace(livePart());
  } catch {
    // Asked for again with the next news.
  } finally {
    isAsking = false;
  }
}

/** @param {HTMLElement} part */
async function replace(part) {
  const { href = "", gone } = part.dataset;
  const answer = await fetch(href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    if (gone && (answer.status === 404 || answer.redirected)) location.assign(gone);
    return;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
  if (!(found instanceof HTMLElement) || found.dataset.state === part.dataset.state) return;
  const hadFocus = part.contains(document.activeElement);
  part.replaceWith(found);
  reveal(found);
  announce(found.dataset.stateName ?? "");
  // What was focused is gone; the next key goes on from here, not from the top of the page.
  if (hadFocus) /** @type {HTMLElement} */ (document.querySelector("#main")).focus();
}
