/**
 * The lists of tickets: choose all at once, ask only for what the chosen change needs, and count down how long it can be undone.
 */

import "./core/countdown.js";
import { setServerTime } from "./core/clock.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-bulk]"));

if (form) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[name=tickets]")]);
  const all = /** @type {HTMLInputElement} */ (form.querySelector("[data-all]"));
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  form.addEventListener("change", () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    arrange();
  });

  const change = /** @type {HTMLSelectElement} */ (form.elements.namedItem("change"));
  const arrange = () => {
    for (const name of ["team", "incident"]) {
      const control = /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
      /** @type {HTMLElement} */ (control.closest(".field")).hidden = change.value !== name;
      control.required = change.value === name;
    }
  };
  all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  arrange();
}

const undo = /** @type {HTMLElement | null} */ (document.querySelector("[data-undo]"));
if (undo) setServerTime(undo.dataset.now ?? "");
