/**
 * Who stands behind the conversation in front: company, language, both clocks, impact as stated, past tickets.
 */

import { initials } from "../core/entry.js";
import { blank, fill, slot } from "../core/page.js";
import { showUrgency } from "./urgency.js";
import { call } from "../core/rest.js";
import { everySecond } from "../core/clock.js";
import { clockIn } from "../core/times.js";
import { FORMAT, has, say } from "../core/texts.js";

export class Context {
  #place;
  #empty;
  // The ticket that is shown; empty for none.
  #ticket = "";
  // What was fetched, by ticket: going back and forth between conversations asks once.
  /** @type {Map<string, any>} */
  #known = new Map();
  #stop = () => {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#place = /** @type {HTMLElement} */ (root.querySelector(".desk__side"));
    this.#empty = /** @type {Element} */ (this.#place.querySelector("[data-context]"));
  }

  /** @param {any | null} conversation of `views.DeskConversation`; null when there is none in front */
  async show(conversation) {
    const ticket = conversation?.ticket ?? "";
    if (ticket === this.#ticket) return;
    this.#ticket = ticket;
    this.#stop();
    if (!conversation) return this.#place.replaceChildren(this.#empty);
    this.#draw(conversation, this.#known.get(ticket) ?? null);
    if (this.#known.has(ticket)) return;
    const about = await call("GET", `/tickets/${ticket}/customer`).catch(() => null);
    if (!about) return;
    this.#known.set(ticket, about);
    if (this.#ticket === ticket) this.#draw(conversation, about);
  }

  /**
   * @param {any} conversation
   * @param {any | null} about of `views.CustomerContext`; null while it is on its way
   */
  #draw(conversation, about) {
    const panel = blank("context");
    const avatar = panel.querySelector("[data-initials]");
    if (avatar) avatar.textContent = initials(conversation.customer);
    fill(panel, "customer", conversation.customer);
    fill(panel, "company", conversation.company);
    fill(panel, "email", about?.email ?? "");
    fill(panel, "language", languageName(conversation.customer_language));
    fill(panel, "description", about?.description ?? "");
    fill(panel, "zone", zoneName(conversation.customer_zone));
    const impact = Object.entries(about?.impact ?? {}).map(([question, answer]) => impactRow(question, String(answer)));
    slot(panel, "impact")?.replaceChildren(...impact);
    if (about) slot(panel, "past")?.replaceChildren(...(about.past.length ? about.past.map(pastRow) : [firstRow()]));
    this.#place.replaceChildren(panel);
    if (about) showUrgency(panel, conversation);
    this.#stop();
    this.#stop = everySecond(() => {
      fill(panel, "clock-theirs", clockIn(new Date(), conversation.customer_zone));
      fill(panel, "clock-mine", clockIn(new Date()));
    });
  }
}

/** @param {string} code such as `pt_BR` */
function languageName(code) {
  return new Intl.DisplayNames(FORMAT, { type: "language" }).of(code.replace("_", "-")) ?? code;
}

/** @param {string} zone IANA name */
function zoneName(zone) {
  const parts = new Intl.DateTimeFormat(FORMAT, { timeZone: zone, timeZoneName: "long" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/**
 * @param {string} question
 * @param {string} answer
 */
function impactRow(question, answer) {
  const row = blank("fact");
  const words = (/** @type {string} */ key, /** @type {string} */ otherwise) => (has(key) ? say(key) : otherwise);
  const [term, value] = [row.querySelector("dt"), row.querySelector("dd")];
  if (term) term.textContent = words(`impact.${question}`, question);
  if (value) value.textContent = words(`impact.${question}.${answer}`, answer);
  return row;
}

/** @param {any} ticket of `views.PastTicket` */
function pastRow(ticket) {
  const row = blank("past");
  const link = slot(row, "number");
  if (link instanceof HTMLAnchorElement) link.href = `/desk/tickets/${ticket.number}`;
  fill(row, "number", String(ticket.number));
  fill(row, "subject", ticket.subject);
  fill(row, "state", say(`state.${ticket.state}`));
  return row;
}

function firstRow() {
  const row = document.createElement("li");
  row.className = "small muted";
  row.textContent = say("context.first_ticket");
  return row;
}
