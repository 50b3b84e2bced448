/**
 * The form for a request: fields come and go with the answers at once, what is typed is kept here and on the server, files are dropped or pasted.
 *
 * The rules are the server's own, printed beside each field; this script decides nothing that the server does not decide again.
 */

import { holds } from "./core/conditions.js";
import { takeDropped } from "./core/files.js";
import { keep, read } from "./core/kept.js";
import { announce, blank } from "./core/page.js";
import { call } from "./core/rest.js";
import { sayError } from "./core/texts.js";

/** How long somebody pauses before what they wrote goes to the server: short against losing it, long against a request per key. */
const KEEP_AFTER_MS = 1_500;

/** @typedef {import("./core/conditions.js").Condition} Condition */
/** @typedef {{box: HTMLElement, key: string, shown: Condition[], required: Condition[]}} Field */

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-request-form]"));
let key = form.dataset.draft ?? "";
const name = "form.request";
const NOT_KEPT = new Set(["key", "who", "files", "kept", "copy", "then"]);

/** The button that throws away what the server offers to go on with; null when it offers nothing. */
const offered = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-offered]"));

/** @type {Field[]} */
const fields = [.../** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-request-field]"))].map((box) => ({
  box,
  key: box.dataset.requestField ?? "",
  ...JSON.parse(box.dataset.rules ?? "{}"),
}));

/** Show what belongs to the answers, as chatsvc/catalog/policy.py reads the same rules. */
function arrange() {
  const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=reason]:checked"));
  /** @type {Record<string, string>} */
  const answers = chosen ? { reason: chosen.value } : {};
  const rest = /** @type {HTMLElement} */ (form.querySelector("[data-rest]"));
  rest.hidden = !chosen;
  for (const { box, key, shown, required } of fields) {
    const control = /** @type {HTMLInputElement} */ (box.querySelector(".field__control"));
    const isShown = shown.length === 0 || shown.some((each) => holds(each, answers));
    box.hidden = !isShown;
    control.disabled = !isShown;
    mark(box, control, required.some((each) => holds(each, answers)));
    if (isShown && control.value.trim()) answers[key] = control.value.trim();
  }
}

/**
 * @param {HTMLElement} box
 * @param {HTMLInputElement} control
 * @param {boolean} isRequired
 */
function mark(box, control, isRequired) {
  control.required = isRequired;
  const label = box.querySelector("label");
  const said = label?.querySelector(".field__optional");
  if (isRequired) said?.remove();
  else if (!said) label?.append(" ", blank("optional"));
}

// what is typed --------------------------------------------------------------------------------------------------------

/** @returns {Record<string, string>} what the form says now, fields that are hidden included: whoever changes their mind finds them again */
function texts() {
  const typed = /** @type {Record<string, string>} */ ({});
  for (const control of /** @type {Iterable<HTMLInputElement>} */ (/** @type {unknown} */ (form.elements))) {
    if (!control.name || NOT_KEPT.has(control.name)) continue;
    if (control.type === "radio" && !control.checked) continue;
    if (control.value) typed[control.name] = control.value;
  }
  // Files that the server has already stay with the draft, and so do the colleagues that were chosen.
  for (const several of ["kept", "copy"]) {
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll(`input[name=${several}]:checked`));
    if (boxes.length) typed[several] = [...boxes].map((box) => box.value).join(" ");
  }
  return typed;
}

/** What counts as begun: the language is chosen from the start, and a reason is looked at. */
const isBegun = (/** @type {Record<string, string>} */ typed) => Object.keys(typed).some((field) => !["language", "reason"].includes(field));

function restore() {
  const kept = /** @type {{key: string, texts: Record<string, string>, isSent?: boolean} | null} */ (read(name));
  // What the server has put back counts; what this tab kept fills an empty form only. After it was sent it comes back in that form alone,
  // should the answer have been lost on the way.
  if (!kept || isBegun(texts()) || (kept.isSent && kept.key !== key)) return;
  if (kept.key !== key && kept.key === offered?.dataset.offered) {
    // With files it is not the same: they come back by what the server offers alone.
    if (kept.texts.kept) return;
    goOnUnder(kept.key);
  }
  const { copy = "", ...rest } = kept.texts;
  const copies = new Set(copy.split(" "));
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[name=copy]"))) box.checked = copies.has(box.value);
  for (const [field, value] of Object.entries(rest)) {
    const control = form.elements.namedItem(field);
    if (control && "value" in control) control.value = value;
  }
}

/**
 * Make this form the one that was begun: once it is sent, nothing is left to be offered again. The server has not taken it yet, else it would
 * not offer it.
 * @param {string} begun
 */
function goOnUnder(begun) {
  key = form.dataset.draft = begun;
  /** @type {HTMLInputElement} */ (form.elements.namedItem("key")).value = begun;
  // It is offered no longer: it is here. To throw it away is possible still.
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-offers]"))) each.hidden = true;
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-goes-on]"))) each.hidden = false;
}

// What is thrown away is thrown away here as well.
offered?.addEventListener("submit", () => keep(name, null));

let timer = 0;
let isSent = false;

function typed() {
  const now = texts();
  keep(name, isBegun(now) ? { key, texts: now } : null);
  clearTimeout(timer);
  if (isBegun(now)) timer = window.setTimeout(keepOnServer, KEEP_AFTER_MS);
}

async function keepOnServer() {
  // The tab has it anyway; the server's copy is for another device, and for a session that runs out.
  await call("PUT", `/drafts/${encodeURIComponent(key)}`, { body: { texts: texts() } }).catch(() => null);
}

form.addEventListener("input", () => {
  arrange();
  typed();
});

// what colleagues have open ---------------------------------------------------------------------------------------------

/**
 * Show what colleagues have open about the product that is chosen now, out of the same page as the server makes it for that product.
 * @param {HTMLSelectElement} product
 */
async function showSimilar(product) {
  const asked = product.value;
  const page = await pageAt(`${location.pathname}?${new URLSearchParams({ product: asked })}`);
  const now = page?.querySelector("[data-similar]");
  if (now && product.value === asked) document.querySelector("[data-similar]")?.replaceChildren(...now.children);
}

/**
 * A page of ours, read by the browser itself: text that a script turns into a page is refused here (trusted types).
 * @param {string} address
 * @returns {Promise<Document | null>} null when it did not come
 */
function pageAt(address) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.addEventListener("loadend", () => resolve(request.status === 200 ? request.responseXML : null));
    request.send();
  });
}

form.addEventListener("change", ({ target }) => {
  if (target instanceof HTMLSelectElement && target.name === "product") showSimilar(target);
});

// sending --------------------------------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  if (isSent) return event.preventDefault(); // a double click; the server would make one request all the same
  if (!navigator.onLine) {
    event.preventDefault();
    return announce(sayError("offline"));
  }
  isSent = true;
  clearTimeout(timer);
  keep(name, { key, texts: texts(), isSent });
});
window.addEventListener("pageshow", () => (isSent = false));

// files ----------------------------------------------------------------------------------------------------------------

const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));

/** @param {File[]} files */
function add(files) {
  const all = new DataTransfer();
  for (const file of [...(input.files ?? []), ...files]) all.items.add(file);
  input.files = all.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

takeDropped(form, form, add);
form.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  // Office programs put a picture of copied text beside the text: then the text is meant.
  if (!files.length || event.clipboardData?.getData("text/plain")) return;
  event.preventDefault();
  add(files);
});

// Enter sends by the first button of a form, be it hidden: it must not be the one that stands in for this script.
form.querySelector("[data-without-script] button")?.remove();
restore();
arrange();
