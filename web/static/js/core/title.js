/**
 * The count of unread words in the tab's title: "(2) Your conversation".
 */

import { say } from "./texts.js";

const title = document.title;

/** @param {number} n */
export function showUnread(n) {
  document.title = n ? say("title.unread", { n, title }) : title;
}

/** Whether the person looks at this page: what arrives meanwhile is read, not unread. */
export function isLooking() {
  return !document.hidden && document.hasFocus();
}

/**
 * Call something whenever the person comes back to this page.
 * @param {() => void} back
 */
export function onReturn(back) {
  window.addEventListener("focus", back);
  document.addEventListener("visibilitychange", () => document.hidden || back());
}
