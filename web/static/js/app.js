/**
 * What every page has: parts that need a script or stand in for one, what was wrong with a form, dialogs, password buttons, file lists of plain
 * forms.
 *
 * Pages work without it; it only takes away detours.
 */

import "./core/error_summary.js";
import "./core/kept.js";
import { asSize } from "./core/attached.js";
import { blank, fill, reveal } from "./core/page.js";
import { has, say } from "./core/texts.js";

reveal(document);

document.addEventListener("click", (event) => {
  const clicked = event.target instanceof Element ? event.target : null;
  const opener = /** @type {HTMLElement | null} */ (clicked?.closest("[data-opens]") ?? null);
  if (opener) /** @type {HTMLDialogElement | null} */ (document.querySelector(`[data-dialog="${opener.dataset.opens}"]`))?.showModal();
  if (clicked?.closest("[data-closes]")) clicked.closest("dialog")?.close();
  const toggle = /** @type {HTMLElement | null} */ (clicked?.closest("[data-password-toggle]") ?? null);
  if (toggle) togglePassword(toggle);
});

document.addEventListener("change", (event) => {
  const changed = event.target;
  const form = changed instanceof Element ? changed.closest("form[data-autosubmit]") : null;
  if (form instanceof HTMLFormElement) form.requestSubmit();
  if (changed instanceof HTMLInputElement && changed.type === "file") listFiles(changed);
});

/** @param {HTMLElement} toggle */
function togglePassword(toggle) {
  const field = /** @type {HTMLInputElement | null} */ (toggle.closest("[data-password]")?.querySelector("input") ?? null);
  if (!field) return;
  const isShown = field.type === "password";
  field.type = isShown ? "text" : "password";
  toggle.setAttribute("aria-pressed", String(isShown));
  if (!has("password.show")) return;
  const name = say(isShown ? "password.hide" : "password.show");
  toggle.setAttribute("aria-label", name);
  toggle.title = name;
}

/**
 * Show what was chosen in the file field of a plain form.
 * @param {HTMLInputElement} input
 */
function listFiles(input) {
  const list = input.closest("[data-files]")?.querySelector("[data-files-list]");
  if (!list) return;
  const chips = [...(input.files ?? [])].map((file, index) => {
    const chip = blank("upload");
    fill(chip, "name", file.name);
    fill(chip, "size", asSize(file.size));
    chip.querySelector("progress")?.remove();
    const remove = chip.querySelector("[data-upload-remove]");
    remove?.setAttribute("aria-label", say("file.remove", { name: file.name }));
    remove?.addEventListener("click", () => removeFile(input, index));
    return chip;
  });
  list.replaceChildren(...chips);
}

/**
 * @param {HTMLInputElement} input
 * @param {number} index
 */
function removeFile(input, index) {
  const kept = new DataTransfer();
  [...(input.files ?? [])].forEach((file, each) => each !== index && kept.items.add(file));
  input.files = kept.files;
  listFiles(input);
  input.focus();
}
