/**
 * A ticket's page, live while it is open: new entries and the state appear, comments go out without a reload.
 */

import { Composer } from "./core/composer.js";
import { Conversation } from "./core/conversation.js";
import { draftOf, keepDraft } from "./core/drafts.js";
import { Hub } from "./core/hub.js";
import { Log } from "./core/log.js";
import { Outbox } from "./core/outbox.js";
import { fill } from "./core/page.js";
import { say } from "./core/texts.js";
import { showUnread } from "./core/title.js";

/** @type {Record<string, string>} kind of an entry -> the ticket's state after it */
const STATES = { solved: "solved", reopened: "open", asked: "awaiting", closed: "closed" };

/** @param {HTMLElement} page */
function follow(page) {
  const { log = "", notesLog = "", head = "0" } = page.dataset;
  const { person: me = "", name = "" } = document.documentElement.dataset;
  const hub = new Hub();
  const composer = page.querySelector("holdline-composer");
  if (composer instanceof Composer) composer.bind({ ticket: "", message: log });
  const part = { hub, outbox: new Outbox(hub), view: new Log(page), composer: composer ?? new EventTarget(), typing: null, me, name };
  const conversation = new Conversation(log, /** @type {any} */ (part), { after: Number(head) });
  conversation.addEventListener("unread", () => showUnread(conversation.unread));
  conversation.addEventListener("entries", (event) => {
    for (const { kind } of /** @type {CustomEvent} */ (event).detail) if (STATES[kind]) fill(page, "state", say(`state.${STATES[kind]}`));
  });
  const note = /** @type {HTMLTextAreaElement | null} */ (page.querySelector("textarea[name=note]"));
  if (note) keepNote(note, notesLog);
  hub.start();
}

/**
 * The note's own form is a plain one; its draft is kept all the same.
 * @param {HTMLTextAreaElement} note
 * @param {string} log
 */
function keepNote(note, log) {
  note.value ||= draftOf(log, "note");
  note.addEventListener("input", () => keepDraft(log, "note", note.value));
  note.form?.addEventListener("submit", () => keepDraft(log, "note", ""));
}

const page = /** @type {HTMLElement | null} */ (document.querySelector("holdline-ticket"));
if (page) follow(page);
