/**
 * A form whose texts survive a reload, a wrong turn and a session that ran out (docs/adr/0030).
 */

import { keep, read } from "./kept.js";

/**
 * @param {HTMLFormElement} form with a name of its own in `data-draft`
 * @param {string[]} left names of fields that are not kept
 */
export function keepForm(form, left) {
  const name = `form.${form.dataset.draft}`;
  const isKept = (/** @type {string} */ field) => !left.includes(field);

  // What the server has put back after an error counts; what this tab kept fills an empty form only.
  const kept = /** @type {Record<string, string>} */ (read(name) ?? {});
  if (![...new FormData(form)].some(([field, value]) => isKept(field) && value)) {
    for (const [field, value] of Object.entries(kept)) {
      const control = form.elements.namedItem(field);
      if (control instanceof RadioNodeList) control.value = value;
      else if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = control.value === value;
      else if (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) control.value = value;
    }
  }
  form.addEventListener("input", () => {
    keep(name, Object.fromEntries([...new FormData(form)].filter(([field, value]) => isKept(field) && typeof value === "string")));
  });
}

/** The form that led here has done its work. */
export function forgetForms() {
  for (const each of Object.keys(sessionStorage)) if (each.startsWith("holdline.form.")) keep(each.slice("holdline.".length), null);
}
