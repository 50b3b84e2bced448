/**
 * The wrap-up form: prefilled, with the time that is left and a button for more; what is not touched is taken as it is (K4).
 */

import { everySecond, secondsUntil } from "../core/clock.js";
import { fill, toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { call } from "../core/rest.js";
import { say, sayRefusal } from "../core/texts.js";
import { scoped } from "./parts.js";

/**
 * @param {any} conversation of `views.DeskConversation`
 * @param {() => string | null} dueAt when it completes by itself, ISO 8601
 * @returns {{panel: HTMLElement, stop: () => void}}
 */
export function wrapUpPanel(conversation, dueAt) {
  const panel = scoped("wrap_up", conversation.id);
  const form = /** @type {HTMLFormElement} */ (panel.querySelector('[data-form="wrap_up"]'));
  prefill(form, { subject: conversation.subject, product: conversation.line, severity: conversation.severity, solved: true });
  call("GET", `/conversations/${conversation.id}/wrap_up`).then(
    (values) => form.dataset.touched || prefill(form, values),
    () => {}, // What the desk knows stands there already.
  );
  form.addEventListener("input", () => (form.dataset.touched = "true"), { once: true });
  // What was touched counts even if the form is never sent.
  form.addEventListener("change", () => call("PUT", `/conversations/${conversation.id}/wrap_up`, { body: values(form) }).catch(() => {}));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, "wrap_up", values(form));
  });
  panel.querySelector("[data-extend]")?.addEventListener("click", () => attempt(form, "extend"));
  const stop = everySecond(() => {
    const due = dueAt();
    if (due) fill(panel, "due", say("wrap_up.left", { n: secondsUntil(due) }));
  });
  return { panel, stop };

  /**
   * @param {HTMLFormElement} busy
   * @param {"wrap_up" | "extend"} wish
   * @param {object} [body]
   */
  async function attempt(busy, wish, body) {
    if (busy.ariaBusy === "true") return;
    busy.ariaBusy = "true";
    try {
      await call("POST", `/conversations/${conversation.id}/${wish}`, { body });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      toast(sayRefusal(error));
    } finally {
      busy.ariaBusy = null;
    }
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {any} values of `views.WrapUpForm`
 */
function prefill(form, values) {
  for (const name of ["subject", "reason", "product", "environment", "severity", "team"]) {
    const field = form.elements.namedItem(name);
    const isField = field instanceof HTMLInputElement || field instanceof HTMLSelectElement;
    if (isField && values[name] !== undefined) field.value = values[name] ?? "";
  }
  const state = form.elements.namedItem("state");
  if (state instanceof RadioNodeList && values.solved !== undefined) state.value = values.solved ? "solved" : "open";
}

/**
 * @param {HTMLFormElement} form
 * @returns {object} of `conversations.model.WrapUp`
 */
function values(form) {
  const fields = new FormData(form);
  const text = (/** @type {string} */ name) => String(fields.get(name) ?? "");
  return {
    subject: text("subject"),
    reason: text("reason") || null,
    product: text("product"),
    environment: text("environment") || null,
    severity: text("severity"),
    team: text("team"),
    solved: text("state") === "solved",
  };
}
