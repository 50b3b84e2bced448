/**
 * What is typed and not sent: kept per log and per kind, so that a note's draft never turns up in a reply.
 */

import { keep, read } from "./kept.js";

/**
 * @param {string} log
 * @param {"message" | "note"} kind
 */
const name = (log, kind) => `draft.${log}.${kind}`;

/**
 * @param {string} log
 * @param {"message" | "note"} kind
 * @returns {string} empty when there is none
 */
export function draftOf(log, kind) {
  return read(name(log, kind)) ?? "";
}

/**
 * @param {string} log
 * @param {"message" | "note"} kind
 * @param {string} text
 */
export function keepDraft(log, kind, text) {
  keep(name(log, kind), text.trim() ? text : null);
}
