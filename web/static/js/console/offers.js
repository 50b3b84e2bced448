/**
 * Offers: a card each, with the time left; accepted by its button or Enter, declined with a reason.
 *
 * A new card takes no focus: whoever is writing goes on writing. It is heard, and read out.
 */

import { secondsUntil } from "../core/clock.js";
import { announce, fill, slot, toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { say, sayRefusal } from "../core/texts.js";
import { lineName, scoped, showSeverity } from "./parts.js";

export class Offers {
  #place;
  #hub;
  #alerts;
  /** @type {Map<string, {card: HTMLElement, offer: any}>} */
  #shown = new Map();
  /** Tickets that were accepted here and have not come to the desk yet. @type {Set<string>} */
  #accepted = new Set();

  /**
   * @param {HTMLElement} root
   * @param {import("../core/hub.js").Hub} hub
   * @param {import("../core/alerts.js").Alerts} alerts
   */
  constructor(root, hub, alerts) {
    this.#place = /** @type {HTMLElement} */ (root.querySelector("[data-offers]"));
    this.#hub = hub;
    this.#alerts = alerts;
    this.#place.replaceChildren();
  }

  /** @param {any[]} offers of `views.OfferCard` */
  show(offers) {
    const ids = new Set(offers.map((offer) => offer.id));
    for (const [id, { offer }] of this.#shown) if (!ids.has(id)) this.#end(id, offer);
    for (const offer of offers) if (!this.#shown.has(offer.id)) this.#begin(offer);
  }

  /** How many wait for an answer. */
  get count() {
    return this.#shown.size;
  }

  /** Accept the oldest offer. Does nothing when there is none. */
  acceptFirst() {
    const first = this.#shown.values().next().value;
    if (first) this.#accept(first.offer, first.card);
    return Boolean(first);
  }

  /**
   * Whether this ticket was accepted by this page just now; asked once.
   * @param {string} ticket
   */
  tookHere(ticket) {
    return this.#accepted.delete(ticket);
  }

  /** @param {any} offer */
  #begin(offer) {
    const card = scoped("offer", offer.id);
    card.dataset.offer = offer.id;
    fill(card, "line", lineName(offer.line));
    for (const name of ["subject", "customer", "company"]) fill(card, name, offer[name]);
    fill(card, "number", String(offer.number));
    fill(card, "text", offer.description);
    showSeverity(card, offer.severity);
    const isCall = offer.waiting_for === "call";
    const byPhone = slot(card, "by-phone");
    if (byPhone) byPhone.hidden = !isCall;
    const note = slot(card, "note");
    if (note) note.hidden = !offer.handed_over_note;
    fill(card, "note", offer.handed_over_note ?? "");
    const countdown = /** @type {HTMLElement} */ (card.querySelector("holdline-countdown"));
    const total = Math.max(1, secondsUntil(offer.deadline_at));
    Object.assign(countdown.dataset, { until: offer.deadline_at, total: String(total), text: "offer.left" });
    const bar = slot(card, "bar");
    if (bar instanceof HTMLProgressElement) bar.max = total;
    card.querySelector("[data-accept]")?.addEventListener("click", () => this.#accept(offer, card));
    this.#bindDecline(offer, card);
    this.#place.append(card);
    this.#shown.set(offer.id, { card, offer });
    const sentence = say(isCall ? "offer.call" : "offer.new", { customer: offer.customer, line: lineName(offer.line) });
    announce(sentence);
    this.#alerts.raise("offer", { title: sentence, body: offer.subject, tag: offer.id });
  }

  /**
   * @param {string} id
   * @param {any} offer
   */
  #end(id, offer) {
    const { card } = /** @type {{card: HTMLElement}} */ (this.#shown.get(id));
    card.remove();
    this.#shown.delete(id);
    // Gone without an answer from here: its time is over, or the customer has left meanwhile.
    if (!card.hasAttribute("aria-busy")) toast(say(secondsUntil(offer.deadline_at) <= 1 ? "offer.missed" : "offer.withdrawn"));
  }

  /**
   * @param {any} offer
   * @param {HTMLElement} card
   */
  async #accept(offer, card) {
    if (card.ariaBusy === "true") return;
    this.#accepted.add(offer.ticket);
    const isDone = await this.#answer(card, { t: "accept", offer: offer.id, epoch: offer.epoch });
    if (!isDone) this.#accepted.delete(offer.ticket);
  }

  /**
   * @param {any} offer
   * @param {HTMLElement} card
   */
  #bindDecline(offer, card) {
    const reason = /** @type {HTMLSelectElement} */ (card.querySelector("[data-decline]"));
    const button = /** @type {HTMLElement | null} */ (card.querySelector("[data-decline-send]"));
    // Choosing is not declining: arrow keys run through the reasons.
    reason.addEventListener("change", () => button?.toggleAttribute("hidden", !reason.value));
    button?.addEventListener("click", () => this.#answer(card, { t: "decline", offer: offer.id, epoch: offer.epoch, reason: reason.value }));
  }

  /**
   * @param {HTMLElement} card
   * @param {{t: string} & Record<string, any>} frame
   * @returns {Promise<boolean>} whether it was carried out
   */
  async #answer(card, frame) {
    card.ariaBusy = "true";
    try {
      await this.#hub.ask(frame);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      toast(sayRefusal(error));
      card.ariaBusy = null;
      return false;
    }
  }
}
