/**
 * What a customer can ask for by a button: leave the line, end, undo, rate. The forms work without this script; with it the page stays.
 */

import { toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { call } from "../core/rest.js";
import { say, sayRefusal } from "../core/texts.js";

/**
 * @param {HTMLElement} room
 */
export function bindWishes(room) {
  const { conversation, ticket } = room.dataset;
  /** @type {Record<string, (form: HTMLFormElement) => Promise<unknown>>} */
  const wishes = {
    leave: () => call("DELETE", `/visits/${ticket}`),
    end: () => call("POST", `/conversations/${conversation}/end`),
    undo: () => call("POST", `/conversations/${conversation}/undo_end`),
    rate: (form) => rate(form, conversation ?? ""),
  };
  for (const [name, carryOut] of Object.entries(wishes)) {
    const form = /** @type {HTMLFormElement | null} */ (room.querySelector(`[data-form="${name}"]`));
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      if (name !== "leave" || confirm(say("leave.confirm"))) attempt(form, () => carryOut(form));
    });
  }
  bindRatingKeys(room);
}

/**
 * Once at a time; the picture that follows shows what came of it.
 * @param {HTMLFormElement} form
 * @param {() => Promise<unknown>} carryOut
 */
async function attempt(form, carryOut) {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  try {
    await carryOut();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(sayRefusal(error));
  } finally {
    form.ariaBusy = null;
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} conversation
 */
async function rate(form, conversation) {
  const fields = new FormData(form);
  const body = { rating: Number(fields.get("rating")), comment: String(fields.get("comment") ?? "") };
  await call("PUT", `/conversations/${conversation}/rating`, { body });
  const thanks = document.createElement("p");
  thanks.className = "strong";
  thanks.tabIndex = -1;
  thanks.textContent = say("rating.thanks");
  form.replaceWith(thanks);
  // The button that had the focus is gone with the form; its owner pressed it just now.
  thanks.focus();
}

/** One key rates: 1 to 5 while the focus is among the stars. @param {HTMLElement} room */
function bindRatingKeys(room) {
  room.querySelector("[data-rating]")?.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    const star = /^[1-5]$/.test(key) ? /** @type {HTMLInputElement | null} */ (room.querySelector(`[name=rating][value="${key}"]`)) : null;
    if (!star) return;
    star.checked = true;
    star.focus();
  });
}
