/**
 * The customer's chat: one page for the waiting dialog, the conversation and its end (C2).
 */

import "./core/countdown.js";
import { Alerts } from "./core/alerts.js";
import { bindSwitches } from "./core/alert_switch.js";
import { showLine } from "./core/banner.js";
import { Composer } from "./core/composer.js";
import { Conversation } from "./core/conversation.js";
import { forgetForms } from "./core/form_kept.js";
import { Hub } from "./core/hub.js";
import { Log } from "./core/log.js";
import { Outbox } from "./core/outbox.js";
import { say } from "./core/texts.js";
import { showUnread } from "./core/title.js";
import { showVisit } from "./chat/visit.js";
import { bindWishes } from "./chat/wishes.js";

/** @param {HTMLElement} room */
function open(room) {
  const { ticket = "", log = "", head = "0", me: name = "" } = room.dataset;
  const hub = new Hub();
  const outbox = new Outbox(hub);
  const alerts = new Alerts({ message: room.dataset.soundMessage ?? "", accepted: room.dataset.soundAccepted ?? "" });
  const composer = /** @type {Composer} */ (room.querySelector("holdline-composer"));
  composer.bind({ ticket, message: log });
  composer.takeDropsOf(room);
  const me = document.documentElement.dataset.person ?? "";
  const part = { hub, outbox, view: new Log(room), composer, typing: room.querySelector("[data-typing]"), me, name };
  const conversation = new Conversation(log, part, { after: Number(head) });
  conversation.addEventListener("unread", () => showUnread(conversation.unread));
  conversation.addEventListener("news", (event) => {
    const { name: from, body } = /** @type {CustomEvent} */ (event).detail;
    alerts.raise("message", { title: say("message.from", { name: from, text: body.text }), tag: log });
  });
  conversation.addEventListener("entries", (event) => {
    const { detail } = /** @type {CustomEvent<any[]>} */ (event);
    if (detail.some(({ body }) => body.why === "closed")) showLetGo(room);
  });
  hub.watch("visit", ticket, (visit) => {
    if (room.dataset.state === "waiting" && visit.state === "active") {
      alerts.raise("accepted", { title: say("waiting.accepted", { name: visit.representative ?? "" }), tag: ticket });
    }
    showVisit(room, visit);
  });
  bindSwitches(alerts);
  bindWishes(room);
  showLine(hub, room);
  hub.start();
  forgetForms();
}

/**
 * The hours of support have ended this visit: say so, and where to go on.
 * @param {HTMLElement} room
 */
function showLetGo(room) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (room.querySelectorAll("[data-let-go]"))) each.hidden = false;
}

const room = /** @type {HTMLElement | null} */ (document.querySelector("holdline-chat"));
if (room) open(room);
