/**
 * The form before the line: what is not needed is not asked for; what was typed survives a reload, a wrong turn and a session that ran out;
 * files can be pasted and dropped.
 */

import { holds } from "./core/conditions.js";
import { takeDropped } from "./core/files.js";
import { keepForm } from "./core/form_kept.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-chat-form]"));
keepForm(form, ["key", "files"]);

// What is needed only with other answers is there only with them, and has to be answered then: on a telephone the form is long enough.
const questions = [.../** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-needed-if]"))].map((box) => {
  box.querySelector(".field__optional")?.remove();
  return { box, needed: /** @type {import("./core/conditions.js").Condition} */ (JSON.parse(box.dataset.neededIf ?? "{}")) };
});
const more = /** @type {HTMLDetailsElement | null} */ (form.querySelector("[data-more]"));

function arrange() {
  const answers = Object.fromEntries(new FormData(form));
  for (const { box, needed } of questions) {
    const isNeeded = holds(needed, answers);
    // How urgent it is depends on the others too, then.
    if (isNeeded && box.hidden && more) more.open = true;
    box.hidden = !isNeeded;
    for (const radio of box.querySelectorAll("input")) Object.assign(radio, { disabled: !isNeeded, required: isNeeded });
  }
}

for (const folded of form.querySelectorAll("details")) {
  const controls = /** @type {NodeListOf<HTMLInputElement>} */ (folded.querySelectorAll("input"));
  if ([...controls].some(({ type, value, checked }) => (type === "text" || type === "tel" ? value : checked))) folded.open = true;
}
arrange();
form.addEventListener("change", arrange);
// From now on only what is needed is there.
form.dataset.works = "";

// A double click must not stand in line twice; the server would give back the same place, but why ask.
form.addEventListener("submit", () => {
  const button = form.querySelector("button[type=submit]");
  button?.setAttribute("aria-disabled", "true");
});
form.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[aria-disabled=true]")) event.preventDefault();
});
window.addEventListener("pageshow", () => form.querySelector("[aria-disabled=true]")?.removeAttribute("aria-disabled"));

const input = /** @type {HTMLInputElement | null} */ (form.querySelector("input[type=file]"));
if (input) {
  /** @param {File[]} files */
  const add = (files) => {
    const all = new DataTransfer();
    for (const file of [...(input.files ?? []), ...files]) all.items.add(file);
    input.files = all.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  takeDropped(form, form, add);
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || event.clipboardData?.getData("text/plain")) return;
    event.preventDefault();
    add(files);
  });
}
