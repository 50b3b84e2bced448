/**
 * The representative's desk: status, offers, several conversations side by side, who the customer is; everything by keyboard.
 */

import "./core/countdown.js";
import "./core/composer.js";
import { bindSwitches } from "./core/alert_switch.js";
import { Alerts } from "./core/alerts.js";
import { showLine } from "./core/banner.js";
import { Hub } from "./core/hub.js";
import { Outbox } from "./core/outbox.js";
import { fill } from "./core/page.js";
import { showUnread } from "./core/title.js";
import { Context } from "./console/context.js";
import { HandOver } from "./console/hand_over.js";
import { bindKeys } from "./console/keys.js";
import { Offers } from "./console/offers.js";
import { Status } from "./console/status.js";
import { Talk } from "./console/talk.js";

class Desk {
  #root;
  #hub = new Hub();
  #outbox = new Outbox(this.#hub);
  #alerts;
  #status;
  #offers;
  #context;
  #handOver = new HandOver();
  /** @type {Map<string, Talk>} in the order of the desk */
  #talks = new Map();
  /** @type {Talk | null} */
  #current = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    const { soundOffer = "", soundMessage = "" } = root.dataset;
    this.#alerts = new Alerts({ offer: soundOffer, message: soundMessage });
    this.#status = new Status(root, this.#hub);
    this.#offers = new Offers(root, this.#hub, this.#alerts);
    this.#context = new Context(root);
    this.#outbox.epochOf = (log) => [...this.#talks.values()].find((talk) => talk.picture.log === log)?.picture.epoch ?? null;
    for (const part of root.querySelectorAll("[data-talks] > .talk, [data-talk-list] > *")) part.remove();
    bindSwitches(this.#alerts);
    bindKeys(this.#actions());
    showLine(this.#hub, root);
    this.#hub.watch("desk", null, (desk) => this.#show(desk));
    this.#hub.start();
  }

  /** @param {any} desk of `views.Desk` */
  #show(desk) {
    this.#status.show(desk);
    this.#offers.show(desk.offers);
    this.#showTalks(desk.conversations);
    this.#count();
    for (const { line, waiting } of desk.lines) {
      const row = this.#root.querySelector(`[data-line="${line}"]`);
      if (row) fill(row, "waiting", String(waiting));
    }
  }

  /** @param {any[]} pictures of `views.DeskConversation` */
  #showTalks(pictures) {
    const ids = new Set(pictures.map((picture) => picture.id));
    for (const [id, talk] of this.#talks) if (!ids.has(id)) this.#remove(id, talk);
    for (const picture of pictures) {
      const talk = this.#talks.get(picture.id);
      if (talk) talk.show(picture);
      else this.#add(picture);
    }
    for (const hook of ["[data-empty]", "[data-no-talks]"]) this.#root.querySelector(hook)?.toggleAttribute("hidden", this.#talks.size > 0);
    if (!this.#current) this.#select(this.#talks.values().next().value ?? null);
  }

  /** @param {any} picture */
  #add(picture) {
    const talk = new Talk(picture, {
      hub: this.#hub,
      outbox: this.#outbox,
      alerts: this.#alerts,
      me: document.documentElement.dataset.person ?? "",
      name: document.documentElement.dataset.name ?? "",
      select: (each) => this.#select(each),
      handOver: (conversation) => this.#handOver.open(conversation),
      counted: () => this.#count(),
    });
    this.#talks.set(picture.id, talk);
    this.#root.querySelector("[data-talks]")?.append(talk.column);
    this.#root.querySelector("[data-talk-list]")?.append(talk.row);
    talk.start();
    // Accepted here, by a key or a click: writing, or calling, is what comes next. Taken over from elsewhere: nobody's focus moves.
    if (!this.#offers.tookHere(picture.ticket)) return;
    this.#select(talk);
    if (!(document.activeElement instanceof HTMLTextAreaElement)) talk.begin();
  }

  /**
   * @param {string} id
   * @param {Talk} talk
   */
  #remove(id, talk) {
    this.#talks.delete(id);
    talk.close();
    if (this.#current === talk) this.#current = null;
    if (!this.#talks.size) this.#context.show(null);
    this.#count();
  }

  /** @param {Talk | null} talk */
  #select(talk) {
    if (talk === this.#current) return;
    this.#current = talk;
    for (const each of this.#talks.values()) each.isCurrent = each === talk;
    this.#context.show(talk?.picture ?? null);
  }

  /** What waits for this representative, in the tab's title: offers, and words that were not read. */
  #count() {
    showUnread([...this.#talks.values()].reduce((sum, talk) => sum + talk.unread, this.#offers.count));
  }

  /** @returns {Record<string, () => void>} by their names in the keys dialog */
  #actions() {
    const nth = (/** @type {number} */ index) => () => this.#goTo([...this.#talks.values()][index]);
    return {
      accept: () => this.#offers.acceptFirst(),
      ready: () => this.#status.beReady(),
      "talk-1": nth(0),
      "talk-2": nth(1),
      "talk-3": nth(2),
      reply: () => this.#current?.write("message"),
      note: () => this.#current?.write("note"),
      "hand-over": () => this.#current && this.#handOver.open(this.#current.picture),
      end: () => this.#current?.ask("end"),
      undo: () => this.#current?.ask("undo_end"),
      keys: () => /** @type {HTMLDialogElement} */ (document.querySelector('[data-dialog="keys"]')).showModal(),
    };
  }

  /** @param {Talk | undefined} talk */
  #goTo(talk) {
    if (!talk) return;
    this.#select(talk);
    talk.write();
  }
}

const root = /** @type {HTMLElement | null} */ (document.querySelector("holdline-console"));
if (root) new Desk(root);
