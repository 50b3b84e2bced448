/**
 * The form before the line: what was typed survives a reload, a wrong turn and a session that ran out; files can be pasted and dropped.
 */

import { takeDropped } from "./core/files.js";
import { keepForm } from "./core/form_kept.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-chat-form]"));
keepForm(form, ["key", "files"]);

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
