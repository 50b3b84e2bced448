/**
 * The page of a visit in each of its states: waiting, talking, ending, over, left. Drawn from the server's whole picture, so that a
 * refresh, a second tab and another device show the same.
 */

import { initials } from "../core/entry.js";
import { announce, fill, slot } from "../core/page.js";
import { say } from "../core/texts.js";
import { showWaiting } from "./waiting.js";

/** @type {Record<string, string[]>} state -> panels that are shown */
const PANELS = {
  waiting: ["waiting", "talk"],
  active: ["talk"],
  ending: ["talk", "undo"],
  wrap_up: ["end"],
  closed: ["end"],
  left: ["left"],
};

/** Somebody is in the conversation with the customer. */
const LIVE = new Set(["active", "ending"]);

/**
 * @param {HTMLElement} room
 * @param {any} visit of `views.Visit`
 */
export function showVisit(room, visit) {
  const before = room.dataset.state;
  room.dataset.state = visit.state;
  for (const panel of /** @type {NodeListOf<HTMLElement>} */ (room.querySelectorAll("[data-panel]"))) {
    panel.hidden = !PANELS[visit.state]?.includes(panel.dataset.panel ?? "");
  }
  const end = /** @type {HTMLElement | null} */ (room.querySelector('[data-form="end"]'));
  if (end) end.hidden = visit.state !== "active";
  const text = /** @type {HTMLTextAreaElement | null} */ (room.querySelector("[data-composer-text]"));
  if (text) text.placeholder = say(visit.state === "waiting" ? "composer.waiting" : "composer.talking");
  if (visit.waiting) showWaiting(room, visit.waiting);
  showRepresentative(room, visit);
  showEnding(room, visit);
  if (before !== visit.state) tellChange(visit);
}

/**
 * @param {HTMLElement} room
 * @param {any} visit
 */
function showRepresentative(room, { state, representative: name, representative_there: isThere }) {
  const isLive = LIVE.has(state);
  const key = !name ? "none" : !isLive ? "was" : isThere ? "here" : "away";
  fill(room, "representative", say(`representative.${key}`, { name: name ?? "" }));
  const presence = slot(room, "presence");
  if (presence) {
    presence.hidden = !name || !isLive;
    presence.dataset.there = String(Boolean(isThere));
  }
  const place = slot(room, "avatar");
  if (!name || !place || place.textContent === initials(name)) return;
  const avatar = document.createElement("span");
  avatar.className = "avatar avatar--staff";
  avatar.ariaHidden = "true";
  avatar.textContent = initials(name);
  place.replaceChildren(avatar);
}

/**
 * @param {HTMLElement} room
 * @param {any} visit
 */
function showEnding(room, { undo_until: until, ended_by_customer: byCustomer, representative }) {
  const countdown = /** @type {HTMLElement | null} */ (room.querySelector('[data-panel="undo"] holdline-countdown'));
  if (!until || !countdown) return;
  countdown.dataset.text = "end.undo";
  countdown.dataset.until = until;
  fill(room, "ended-by", byCustomer || !representative ? say("end.by_you") : say("end.by_other", { name: representative }));
}

/** @param {any} visit */
function tellChange({ state, representative }) {
  if (state === "active" && representative) announce(say("waiting.accepted", { name: representative }));
  if (state === "ending" || state === "wrap_up") announce(say("end.over"));
}
