/**
 * The form before the line: what was typed survives a reload, a wrong turn and a session that ran out; files can be pasted and dropped.
 */

import { takeDropped } from "./core/files.js";
import { keep, read } from "./core/kept.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-chat-form]"));
const name = `form.${form.dataset.draft}`;
const isKept = (/** @type {string} */ field) => field !== "key" && field !== "files";

// What the server has put back after an error counts; what this tab kept fills an empty form only.
const kept = /** @type {Record<string, string>} */ (read(name) ?? {});
if (![...new FormData(form)].some(([field, value]) => isKept(field) && value)) {
  for (const [field, value] of Object.entries(kept)) {
    const control = form.elements.namedItem(field);
    if (control instanceof RadioNodeList) control.value = value;
    else if (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) control.value = value;
  }
}

form.addEventListener("input", () => {
  keep(name, Object.fromEntries([...new FormData(form)].filter(([field, value]) => isKept(field) && typeof value === "string")));
});

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
