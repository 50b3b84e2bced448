/**
 * Whether the customer in front is covered now and why, how urgent the ticket is, and the judgement. The words are the server's.
 */

import { fill, slot } from "../core/page.js";
import { call } from "../core/rest.js";
import { showTime } from "../core/times.js";
import { has, say } from "../core/texts.js";

/**
 * Fill in the panel of a conversation, and again after each judgement.
 * @param {HTMLElement} panel a clone of ``context_panel``
 * @param {any} conversation of `views.DeskConversation`
 */
export async function showUrgency(panel, conversation) {
  const found = await call("GET", `/tickets/${conversation.ticket}/panel`).catch(() => null);
  if (!found) return;
  showCoverage(panel, found.coverage);
  showStanding(panel, found.urgency);
  const form = /** @type {HTMLFormElement} */ (panel.querySelector("[data-form=judge]"));
  form.onsubmit = (event) => {
    event.preventDefault();
    judge(panel, form, conversation, found.urgency.version);
  };
}

/**
 * @param {HTMLElement} panel
 * @param {any} coverage of `answers.CoverageAnswer`
 */
function showCoverage(panel, coverage) {
  shown(panel, "[data-coverage]", true);
  fill(panel, "coverage", coverage.headline);
  fill(panel, "coverage-clock", coverage.clock);
  slot(panel, "coverage-why")?.replaceChildren(...coverage.words.map(line));
}

/**
 * @param {HTMLElement} panel
 * @param {any} urgency of `urgency.Urgency`
 */
function showStanding(panel, urgency) {
  shown(panel, "[data-urgency]", true);
  const isOpen = has(`claim.${urgency.claim}`);
  put(panel, "claim", isOpen ? say(`claim.${urgency.claim}`, { severity: urgency.proposed }) : "");
  const reasons = urgency.reasons.map((/** @type {string} */ key) => (has(`proposal.${key}`) ? say(`proposal.${key}`) : key));
  slot(panel, "claim-why")?.replaceChildren(...(isOpen ? reasons.map(line) : []));
  put(panel, "reach", urgency.contact ? say("claim.reach", urgency.contact) : "");
  const next = slot(panel, "next-word");
  if (next) {
    next.hidden = !urgency.next_word_at;
    const time = document.createElement("time");
    if (urgency.next_word_at) {
      time.dataset.time = "stamp";
      showTime(time, urgency.next_word_at);
      next.replaceChildren(say("claim.next_word"), " ", time);
    }
  }
  const severity = /** @type {HTMLSelectElement} */ (panel.querySelector("[data-form=judge] select"));
  severity.value = urgency.severity;
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLFormElement} form
 * @param {any} conversation
 * @param {number} version the ticket's, as it is shown
 */
async function judge(panel, form, conversation, version) {
  const data = new FormData(form);
  const body = { severity: data.get("severity"), reason: data.get("reason"), version };
  try {
    await call("PUT", `/tickets/${conversation.number}/severity`, { body });
    put(panel, "refused", "");
    form.reset();
  } catch (error) {
    put(panel, "refused", /** @type {any} */ (error).sentence || say("error.unknown"));
  }
  await showUrgency(panel, conversation);
}

/** @param {string} text */
function line(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

/**
 * @param {HTMLElement} panel
 * @param {string} name
 * @param {string} text empty: hidden
 */
function put(panel, name, text) {
  const place = slot(panel, name);
  if (!place) return;
  place.hidden = !text;
  place.textContent = text;
}

/**
 * @param {HTMLElement} panel
 * @param {string} what
 * @param {boolean} isShown
 */
function shown(panel, what, isShown) {
  const place = /** @type {HTMLElement | null} */ (panel.querySelector(what));
  if (place) place.hidden = !isShown;
}
