/**
 * Keys of the desk, as the keys dialog lists them (`[data-action][data-key]`); they can be switched off (WCAG 2.1.4).
 *
 * Letters count only outside of fields. `event.key` is compared, so that the printed letter counts on any Latin keyboard; where a key
 * gives no Latin letter (Korean, Cyrillic), its place does. Nothing needs Ctrl+Alt or Option: those make characters elsewhere.
 */

/** In localStorage: "off" when the representative does not want keys. */
const NAME = "holdline.keys";

/** Where Enter and letters have a meaning of their own. */
const CONTROLS = "input, textarea, select, button, a[href], summary, [contenteditable], [role=option]";

/** @param {KeyboardEvent} event */
function keyOf(event) {
  const place = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code);
  if (event.key.length === 1 && event.key > "\x7f" && place) return (place[1] ?? place[2]).toLowerCase();
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

/**
 * @param {Record<string, () => void>} actions by their names in the dialog
 */
export function bindKeys(actions) {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector('[data-dialog="keys"]'));
  const rows = /** @type {HTMLElement[]} */ ([...dialog.querySelectorAll("[data-action]")]);
  const byKey = new Map(rows.filter((row) => actions[row.dataset.action ?? ""]).map((row) => [row.dataset.key, actions[row.dataset.action ?? ""]]));
  const box = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-keys-enabled]"));
  box.checked = localStorage.getItem(NAME) !== "off";
  box.addEventListener("change", () => localStorage.setItem(NAME, box.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    const focused = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return leave(focused);
    if (!box.checked || document.querySelector("dialog[open]") || isIn(focused.closest(CONTROLS))) return;
    const act = byKey.get(keyOf(event));
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** Whether somebody is in a control: one of a dialog that has just closed keeps the focus until the next frame. @param {Element | null} control */
function isIn(control) {
  return control !== null && control.getClientRects().length > 0;
}

/** Escape leaves a field, so that keys count again; what is typed stays. @param {Element} focused */
function leave(focused) {
  if (focused instanceof HTMLElement && focused.matches("textarea, input, select")) focused.blur();
}
