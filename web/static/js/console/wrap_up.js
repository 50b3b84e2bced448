/**
 * The wrap-up form: prefilled, with the time that is left and a button for more; what is not touched is taken as it is (K4).
 */

import { everySecond, secondsUntil } from "../core/clock.js";
import { announce, fill, slot, toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { call } from "../core/rest.js";
import { has, say, sayRefusal } from "../core/texts.js";
import { asDuration } from "../core/times.js";
import { scoped } from "./parts.js";

const CRITICAL = new Set(["P1", "P2"]);

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
    (values) => {
      if (!form.dataset.touched) prefill(form, values);
      arrange();
    },
    () => {}, // What the desk knows stands there already.
  );
  let [claim, proposed] = ["", ""];
  call("GET", `/tickets/${conversation.ticket}/panel`).then(
    (found) => {
      ({ claim, proposed } = found?.urgency ?? { claim, proposed });
      arrange();
    },
    () => {}, // Whoever completes it without the words that are missing is told.
  );
  form.addEventListener("change", arrange);
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
    if (due) fill(panel, "due", say("wrap_up.left", { time: asDuration(secondsUntil(due)) }));
  });
  return { panel, stop };

  /** Ask for words about the priority where a claim waits for them, and where a critical ticket is lowered; the server insists. */
  function arrange() {
    const to = String(new FormData(form).get("severity"));
    const isLowered = CRITICAL.has(conversation.severity) && to > conversation.severity;
    const isGranted = claim === "appealed" ? to < conversation.severity : CRITICAL.has(to);
    const isAsked = has(`claim.${claim}`);
    fill(panel, "claim", isAsked ? say(`claim.${claim}`, { severity: proposed }) : "");
    offerWords(isAsked || isLowered, isAsked ? !isGranted : isLowered);
  }

  /**
   * @param {boolean} isOffered
   * @param {boolean} isNeeded
   */
  function offerWords(isOffered, isNeeded) {
    const field = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("judgement"));
    Object.assign(field, { disabled: !isOffered, required: isNeeded });
    panel.querySelector("[data-judgement]")?.toggleAttribute("hidden", !isOffered);
  }

  /** @param {Refusal} error about the priority: said beside the words that are missing */
  function askForWords(error) {
    offerWords(true, true);
    const place = slot(panel, "refused");
    if (place) place.hidden = false;
    fill(panel, "refused", sayRefusal(error));
    announce(sayRefusal(error));
    panel.querySelector("textarea")?.focus();
  }

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
      if (error.code.startsWith("severity.")) askForWords(error);
      else toast(sayRefusal(error));
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
  for (const name of ["subject", "reason", "product", "environment", "severity", "team", "judgement"]) {
    const field = form.elements.namedItem(name);
    const isField = field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement;
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
    judgement: text("judgement"),
  };
}
