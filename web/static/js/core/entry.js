/**
 * One line of a log as an element, cloned from the server's own macro; names, words and file names only ever become text.
 */

import { fileLink } from "./attached.js";
import { linked } from "./links.js";
import { blank, blankParts, fill, slot } from "./page.js";
import { dayOf, showTime } from "./times.js";
import { has, say } from "./texts.js";

/**
 * @typedef {object} Shown what an element shows; `number` is 0 while it is on its way
 * @property {string} log
 * @property {number} number
 * @property {string} key
 * @property {string} at ISO 8601
 * @property {string} kind
 * @property {string} sender
 * @property {string} name
 * @property {string} role
 * @property {any} body
 *
 * @typedef {"sending" | "stored" | "seen" | "failed" | "refused"} State
 */

/** @type {Record<string, (body: any) => string>} as in web/texts.py: kinds whose sentence depends on their facts */
const VARIANTS = {
  solved: ({ solution }) => (solution ? "solved_with" : "solved"),
  closed: ({ why }) => (why === "silence" || why === "merged" ? `closed_${why}` : "closed_person"),
  call_off: ({ why }) => (why === "answered" ? "call_off_answered" : "call_off"),
  owner: ({ owner }) => (owner ? "owner_name" : "owner_nobody"),
  incident: ({ incident }) => (incident ? "incident_number" : "incident_none"),
};

/** @param {string} kind */
export function isWords(kind) {
  return kind === "message" || kind === "note";
}

/**
 * @param {Shown} shown
 * @param {boolean} isMine
 * @param {boolean} isRecord on a ticket's page: one side for all, the day beside the time
 * @returns {HTMLElement}
 */
export function entryElement(shown, isMine, isRecord = false) {
  const element = isWords(shown.kind) ? wordsElement(shown, isMine) : blank("entry-event");
  element.toggleAttribute("data-mine", isMine);
  if (isRecord) {
    element.classList.remove("entry--mine");
    element.querySelector("[data-time-short]")?.remove();
    element.querySelector("[data-time-long]")?.remove();
    element.querySelector("time")?.setAttribute("data-time", "stamp");
  }
  if (isWords(shown.kind)) {
    showTime(element.querySelector("time"), shown.at);
    return element;
  }
  fill(element, "text", eventSentence(shown));
  showTime(element.querySelector("time"), shown.at);
  return element;
}

/**
 * @param {Shown} shown
 * @param {boolean} isMine
 */
function wordsElement(shown, isMine) {
  const element = blank(shown.kind === "note" ? "entry-note" : isMine ? "entry-mine" : "entry-theirs");
  const name = isMine && shown.kind === "message" ? say("you") : shown.name;
  fill(element, "author", name);
  const avatar = element.querySelector("[data-initials]");
  avatar?.classList.toggle("avatar--staff", shown.role === "staff");
  if (avatar) avatar.textContent = initials(shown.name);
  showWords(element, shown);
  return element;
}

/**
 * Fill in text, files and time; a text that is there already is left alone.
 * @param {HTMLElement} element
 * @param {Shown} shown
 */
export function showWords(element, { at, body }) {
  const place = slot(element, "text");
  if (place && place.textContent !== body.text) place.replaceChildren(...linked(body.text ?? ""));
  slot(element, "files")?.replaceChildren(...(body.files ?? []).map(fileLink));
  showTime(element.querySelector("time"), at);
}

/**
 * Show how far one's own words have got.
 * @param {HTMLElement} element
 * @param {State} state
 */
export function showState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  slot(element, "state")?.replaceChildren(blankParts(`state-${state}`));
}

/** @param {string} at ISO 8601 */
export function dayElement(at) {
  const element = blank("entry-day");
  fill(element, "text", dayOf(at));
  return element;
}

/**
 * As `event_sentence` on the server.
 * @param {Shown} shown
 */
export function eventSentence({ kind, name, body }) {
  const facts = { ...body, name };
  for (const fact of ["line", "to_line"]) if (has(`line.${facts[fact]}`)) facts[fact] = say(`line.${facts[fact]}`);
  if (kind === "handed_over") return say(body.to_name ? "event.handed_over_to_name" : "event.handed_over_to_line", facts);
  if (kind === "left_line") return say(`event.left_line_${["lost", "closed"].includes(body.why) ? body.why : "left"}`, facts);
  if (kind === "ended" && body.why === "closed") return say("event.ended_closed", facts);
  if (kind === "judged") return say(`event.judged${body.before === body.after ? "_kept" : ""}${body.reason ? "_reason" : ""}`, facts);
  if (kind === "due") return say(`event.due_${body.promise}_${body.what}`, facts);
  if (has(`team.${facts.team}`)) facts.team = say(`team.${facts.team}`);
  const variant = VARIANTS[kind]?.(body);
  if (variant) return say(`event.${variant}`, facts);
  if (kind === "rated") return say("event.rated", { ...facts, n: body.rating });
  return has(`event.${kind}`) ? say(`event.${kind}`, facts) : kind.replaceAll("_", " ");
}

/**
 * As `initials` on the server: `Ana Ruiz` is `AR`, `王芳` is `王`.
 * @param {string} name
 */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const [first, last] = [words[0] ?? "?", words.at(-1) ?? "?"];
  const one = [...first][0];
  return (words.length < 2 || one > "\x7f" ? one : one + [...last][0]).toUpperCase();
}
