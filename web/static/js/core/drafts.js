/**
 * What is typed and not sent: kept per log and per kind, so that a note's draft never turns up in a reply.
 */

import { keep, read } from "./kept.js";

/** @typedef {"message" | "note" | "needed" | "solution" | "team"} Kind what is said, a note, what is needed, how it was solved, a note for the next team */

/**
 * @param {string} log
 * @param {Kind} kind
 */
const name = (log, kind) => `draft.${log}.${kind}`;

/**
 * @param {string} log
 * @param {Kind} kind
 * @returns {string} empty when there is none
 */
export function draftOf(log, kind) {
  return read(name(log, kind)) ?? "";
}

/**
 * @param {string} log
 * @param {Kind} kind
 * @param {string} text
 */
export function keepDraft(log, kind, text) {
  keep(name(log, kind), text.trim() ? text : null);
}

/**
 * Keep what is typed into plain forms, `textarea[data-kept]` with its kind, until the page to which one of them leads says that it was done:
 * a session that ran out or a line that is down takes nothing away.
 * @param {HTMLElement} page
 * @param {string} log
 */
export function keepForms(page, log) {
  const sent = read("sent");
  keep("sent", null);
  if (sent?.log === log && document.querySelector("[data-news=good]")) keepDraft(log, sent.kind, "");
  for (const words of /** @type {NodeListOf<HTMLTextAreaElement>} */ (page.querySelectorAll("textarea[data-kept]"))) {
    const kind = /** @type {Kind} */ (words.dataset.kept);
    // What the server has put back after an error counts.
    words.value ||= draftOf(log, kind);
    const folded = words.closest("details");
    if (folded && words.value) folded.open = true;
    words.addEventListener("input", () => keepDraft(log, kind, words.value));
    words.form?.addEventListener("submit", () => keep("sent", { log, kind }));
  }
}
