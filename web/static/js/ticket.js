/**
 * A ticket's page, live while it is open: new entries and the state appear, comments go out without a reload.
 */

import { Canned } from "./console/canned.js";
import { Composer } from "./core/composer.js";
import { Conversation } from "./core/conversation.js";
import { keepForms } from "./core/drafts.js";
import { Hub } from "./core/hub.js";
import { Log } from "./core/log.js";
import { Lookers } from "./core/looking.js";
import { Outbox } from "./core/outbox.js";
import { announce, blank, fill } from "./core/page.js";
import { say } from "./core/texts.js";
import { showUnread } from "./core/title.js";

/** @type {Record<string, string>} kind of an entry -> the ticket's state after it */
const STATES = { solved: "solved", reopened: "open", asked: "awaiting", closed: "closed" };

/** What the customer's next word opens again. */
const WAKES = new Set(["awaiting", "solved"]);

/** @param {HTMLElement} page */
function follow(page) {
  const { log = "", notesLog = "", head = "0" } = page.dataset;
  const { person: me = "", name = "" } = document.documentElement.dataset;
  const hub = new Hub();
  const composer = page.querySelector("holdline-composer");
  if (composer instanceof Composer) {
    composer.bind({ ticket: "", message: log });
    if (document.querySelector("script[data-canned]")) offerReplies(page, composer, name);
  }
  const part = { hub, outbox: new Outbox(hub), view: new Log(page), composer: composer ?? new EventTarget(), typing: page.querySelector("[data-typing]"), me, name };
  const conversation = new Conversation(log, /** @type {any} */ (part), { after: Number(head) });
  conversation.addEventListener("unread", () => showUnread(conversation.unread));
  conversation.addEventListener("entries", (event) => {
    for (const { kind, role } of /** @type {CustomEvent} */ (event).detail) {
      const isAnswer = kind === "message" && role === "customer" && WAKES.has(page.dataset.state ?? "");
      showState(page, isAnswer ? "open" : (STATES[kind] ?? page.dataset.state));
    }
  });
  const lookers = /** @type {HTMLElement | null} */ (page.querySelector("[data-lookers]"));
  if (lookers) showLookers(lookers, hub, log, conversation);
  if (notesLog) keepForms(page, notesLog);
  hub.start();
}

/**
 * Show the state of now, and hide what the page says about the one before: what can be done now the server says, with the page.
 * @param {HTMLElement} page
 * @param {string} state
 */
function showState(page, state) {
  if (page.dataset.state === state) return;
  page.dataset.state = state;
  const badge = blank(`badge-${state}`);
  page.querySelector(".page-head .badge")?.replaceWith(badge);
  const word = page.querySelector("dd[data-slot=state]");
  if (word) word.textContent = badge.textContent;
  for (const stale of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-of-state]"))) stale.hidden = true;
  const changed = /** @type {HTMLElement} */ (page.querySelector("[data-changed]"));
  changed.hidden = false;
  announce(changed.querySelector("p")?.textContent ?? "");
}

/**
 * The colleagues who have this ticket in front of them too, by name; who comes is told to screen readers, who goes is not.
 * @param {HTMLElement} place
 * @param {Hub} hub
 * @param {string} log
 * @param {Conversation} conversation
 */
function showLookers(place, hub, log, conversation) {
  const lookers = new Lookers(
    () => hub.tell({ t: "looking", log }),
    (names, hasCome) => {
      place.hidden = !names.length;
      const text = names.length ? say("looking.also", { names: names.join(", ") }) : "";
      fill(place, "names", text);
      if (hasCome) announce(text);
    },
  );
  conversation.addEventListener("live", () => lookers.look());
  conversation.addEventListener("looking", (event) => {
    const { person, name } = /** @type {CustomEvent} */ (event).detail;
    lookers.sees(person, name);
  });
}

/**
 * Saved replies with `/`, as in the console.
 * @param {HTMLElement} page
 * @param {Composer} composer
 * @param {string} representative
 */
function offerReplies(page, composer, representative) {
  const { ticket: number = "", product: line = "", customer = "" } = page.dataset;
  new Canned(composer, { id: number, line, facts: () => ({ customer, number, representative }) });
}

const page = /** @type {HTMLElement | null} */ (document.querySelector("holdline-ticket"));
if (page) follow(page);
