/**
 * What was wrong with a form, at the top of the page that comes back: it has the focus first, and its links put it into the fields
 * (WCAG 3.3.1). Without this script they are plain links to them.
 */

const CONTROLS = "input:not([type=hidden]), select, textarea";

/** @param {HTMLElement} field by its id: a control, or the group around several */
function enter(field) {
  for (let each = field.closest("details"); each; each = each.parentElement?.closest("details") ?? null) each.open = true;
  const chosen = field.querySelector("input:checked") ?? field.querySelector(CONTROLS);
  const control = /** @type {HTMLElement} */ (field.matches(CONTROLS) ? field : (chosen ?? field));
  // What is asked for and what is wrong stand above the control, and are to be seen with it.
  (field.closest(".field") ?? field).scrollIntoView();
  control.focus({ preventScroll: true });
}

const summary = /** @type {HTMLElement | null} */ (document.querySelector("[data-error-summary]"));
summary?.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  enter(field);
});
summary?.focus();
