/**
 * One conversation of the desk: its column, its row in the list, its two logs in one view.
 *
 * Messages go to the shared log, notes to the staff's; which one a text is for is decided by the composer's mode when it is sent, and
 * the two have different logs, different drafts and different files from the first letter on.
 */

import { asDuration } from "../core/times.js";
import { everySecond, secondsSince } from "../core/clock.js";
import { Conversation } from "../core/conversation.js";
import { isWords, initials } from "../core/entry.js";
import { Log } from "../core/log.js";
import { announce, fill, slot, toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { call } from "../core/rest.js";
import { say, sayRefusal } from "../core/texts.js";
import { Canned } from "./canned.js";
import { scoped, showSeverity } from "./parts.js";
import { wrapUpPanel } from "./wrap_up.js";

/** A customer whose last word waits for an answer so many seconds is marked: about the patience of a chat. */
const LATE_AFTER_S = 60;

/**
 * @typedef {object} Around what all conversations of the desk share
 * @property {import("../core/hub.js").Hub} hub
 * @property {import("../core/outbox.js").Outbox} outbox
 * @property {import("../core/alerts.js").Alerts} alerts
 * @property {string} me
 * @property {string} name
 * @property {(talk: Talk) => void} select
 * @property {(conversation: any) => void} handOver
 * @property {() => void} counted the number of unread words has changed
 */

export class Talk {
  /** @type {any} of `views.DeskConversation` */
  picture;
  column;
  row;
  composer;
  #around;
  // The two logs; null until ``start``.
  /** @type {Conversation | null} */
  #shared = null;
  /** @type {Conversation | null} */
  #notes = null;
  // The last words of either side, and whether they were the customer's.
  #last = { text: "", isCustomer: false };
  #isTyping = false;
  #isCurrent = false;
  /** @type {{panel: HTMLElement, stop: () => void} | null} */
  #wrapUp = null;
  #stop = () => {};

  /**
   * @param {any} picture
   * @param {Around} around
   */
  constructor(picture, around) {
    this.picture = picture;
    this.#around = around;
    this.column = scoped("talk", picture.id);
    this.row = scoped("person", picture.id);
    this.composer = /** @type {import("../core/composer.js").Composer} */ (this.column.querySelector("holdline-composer"));
    this.#button.dataset.conversation = picture.id;
  }

  /** Begin, once the column stands in the page. */
  start() {
    const { picture, composer, column } = this;
    const { hub, outbox, me, name } = this.#around;
    composer.bind({ ticket: picture.ticket, message: picture.log, note: picture.notes_log });
    composer.takeDropsOf(column);
    const part = { hub, outbox, view: new Log(column), composer, typing: column.querySelector("[data-typing]"), me, name };
    const isInFront = () => this.#isCurrent;
    const isOther = (/** @type {string} */ person) => person === this.picture.customer_id;
    this.#shared = new Conversation(picture.log, part, { seen: picture.seen, isInFront, isOther });
    this.#notes = new Conversation(picture.notes_log, { ...part, typing: null }, { kind: "note", isInFront, isOther });
    this.#listen(this.#shared);
    new Canned(composer, { id: picture.id, line: picture.line, facts: () => this.#facts() });
    this.#bind();
    this.#stop = everySecond(() => this.#showSilence());
    this.show(picture);
  }

  get unread() {
    return this.#shared?.unread ?? 0;
  }

  /** @param {boolean} isCurrent */
  set isCurrent(isCurrent) {
    this.#isCurrent = isCurrent;
    this.column.toggleAttribute("data-current", isCurrent);
    this.#button.setAttribute("aria-current", String(isCurrent));
    if (isCurrent) this.#shared?.look();
  }

  /** @param {any} picture */
  show(picture) {
    const before = this.picture.state;
    this.picture = picture;
    for (const part of [this.column, this.row]) {
      fill(part, "name", picture.customer);
      fill(part, "company", picture.company);
    }
    fill(this.column, "subject", picture.subject);
    showSeverity(this.column, picture.severity);
    fill(this.column, "number", String(picture.number));
    const link = slot(this.column, "number");
    if (link instanceof HTMLAnchorElement) link.href = `/desk/tickets/${picture.number}`;
    const presence = slot(this.column, "presence");
    if (presence) presence.dataset.there = String(picture.customer_there);
    const avatar = this.row.querySelector("[data-initials]");
    if (avatar) avatar.textContent = initials(picture.customer);
    this.#showState(before);
    this.#showRow();
  }

  /** Put the focus where this conversation goes on: on the link to its call, or where a reply is written. */
  begin() {
    if (this.picture.call) /** @type {HTMLElement} */ (this.column.querySelector("[data-call]")).focus();
    else this.write();
  }

  /** Put the focus where a reply or a note is written; only ever because of a key or a click. @param {"message" | "note"} [kind] */
  write(kind = this.composer.kind) {
    this.composer.setKind(kind);
    this.composer.text.focus();
  }

  /** @param {"end" | "undo_end"} wish */
  async ask(wish) {
    try {
      await call("POST", `/conversations/${this.picture.id}/${wish}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      toast(sayRefusal(error));
    }
  }

  /** Take it off the desk. */
  close() {
    this.#stop();
    this.#wrapUp?.stop();
    this.#shared?.close();
    this.#notes?.close();
    this.column.remove();
    this.row.remove();
  }

  get #button() {
    return /** @type {HTMLButtonElement} */ (this.row.querySelector("button"));
  }

  #bind() {
    const on = (/** @type {string} */ hook, /** @type {() => void} */ act) => this.column.querySelector(hook)?.addEventListener("click", act);
    on("[data-end]", () => this.ask("end"));
    on("[data-undo]", () => this.ask("undo_end"));
    on("[data-hand-over]", () => this.#around.handOver(this.picture));
    this.column.addEventListener("focusin", () => this.#around.select(this));
    this.column.addEventListener("pointerdown", () => this.#around.select(this));
    this.#button.addEventListener("click", () => {
      this.#around.select(this);
      this.column.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  /** @param {Conversation} shared */
  #listen(shared) {
    shared.addEventListener("entries", (event) => {
      const words = /** @type {CustomEvent} */ (event).detail.findLast((/** @type {any} */ entry) => isWords(entry.kind));
      if (words) this.#last = { text: words.body.text || words.body.files?.[0]?.name, isCustomer: words.role === "customer" };
      this.#showRow();
    });
    shared.addEventListener("unread", () => {
      this.#showRow();
      this.#around.counted();
    });
    shared.addEventListener("typing", (event) => {
      this.#isTyping = /** @type {CustomEvent} */ (event).detail.length > 0;
      this.#showRow();
    });
    shared.addEventListener("news", (event) => {
      const { name, body } = /** @type {CustomEvent} */ (event).detail;
      this.#around.alerts.raise("message", { title: say("message.from", { name, text: body.text }), tag: this.picture.id });
      if (!this.#isCurrent) announce(say("message.from", { name, text: body.text }));
    });
  }

  /** @param {string} before */
  #showState(before) {
    const { state, due_at: due, call } = this.picture;
    const panel = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (this.column.querySelector(`[data-panel="${name}"]`));
    const undo = panel("undo");
    if (undo) undo.hidden = state !== "ending";
    const countdown = undo?.querySelector("holdline-countdown");
    if (state === "ending" && countdown instanceof HTMLElement) Object.assign(countdown.dataset, { until: due, text: "end.undo" });
    for (const hook of ["[data-end]", "[data-hand-over]"]) this.column.querySelector(hook)?.toggleAttribute("hidden", state !== "active" || Boolean(call));
    const isOver = state === "wrap_up";
    this.column.querySelector("[data-log-scroll]")?.toggleAttribute("hidden", isOver);
    panel("talk")?.toggleAttribute("hidden", isOver);
    panel("call")?.toggleAttribute("hidden", !call);
    if (call) fill(this.column, "call", say(`call.${call}`));
    if (isOver && !this.#wrapUp) {
      this.#wrapUp = wrapUpPanel(this.picture, () => this.picture.due_at);
      this.column.append(this.#wrapUp.panel);
    }
    if (before !== state && state === "ending") announce(say("end.over"));
  }

  #showRow() {
    const { state, call } = this.picture;
    const last = state === "wrap_up" ? say("list.wrap_up") : call ? say(`call.${call}`) : this.#isTyping ? say("list.typing") : this.#last.text;
    fill(this.row, "last", last);
    const count = slot(this.row, "unread");
    if (count) count.hidden = this.unread === 0;
    fill(this.row, "unread-count", String(this.unread));
    this.#button.toggleAttribute("data-unread", this.unread > 0);
  }

  #showSilence() {
    const { customer_at: at, state } = this.picture;
    const place = slot(this.row, "silent");
    if (!place) return;
    const silence = at && state === "active" ? secondsSince(at) : null;
    fill(this.row, "silent", silence === null ? "" : asDuration(silence));
    const isLate = silence !== null && silence >= LATE_AFTER_S && this.#last.isCustomer;
    place.classList.toggle("late", isLate);
    place.classList.toggle("muted", !isLate);
  }

  /** What placeholders of prepared replies stand for. @returns {Record<string, string>} */
  #facts() {
    const { customer, number } = this.picture;
    return { customer, name: customer, number: String(number), representative: this.#around.name };
  }
}
