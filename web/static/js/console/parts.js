/**
 * Copies of the desk's blanks: ids in them are told apart by the conversation's or the offer's own.
 */

import { blank } from "../core/page.js";
import { say } from "../core/texts.js";

/** Stands in the blanks where an id belongs. */
const SCOPE = "__scope__";

const ATTRIBUTES = ["id", "for", "href", "aria-labelledby", "aria-describedby", "data-scope", "data-talk"];

/**
 * @param {string} name
 * @param {string} scope
 * @returns {HTMLElement}
 */
export function scoped(name, scope) {
  const part = blank(name);
  for (const element of [part, ...part.querySelectorAll("*")]) {
    for (const attribute of ATTRIBUTES) {
      const value = element.getAttribute(attribute);
      if (value?.includes(SCOPE)) element.setAttribute(attribute, value.replaceAll(SCOPE, scope));
    }
  }
  return part;
}

/**
 * @param {HTMLElement} part
 * @param {string} severity
 */
export function showSeverity(part, severity) {
  const tag = part.querySelector('[data-slot="severity"]');
  if (!tag) return;
  tag.className = `tag tag--${severity}`;
  tag.textContent = say(`severity.${severity}`);
}

/**
 * The name of a line, from the page's own lists; its key where they lack it.
 * @param {string} key
 */
export function lineName(key) {
  const own = document.querySelector(`[data-line="${key}"] dt`)?.textContent;
  const any = document.querySelector(`[data-form="hand_over"] select[name="line"] option[value="${key}"]`)?.textContent;
  return (own ?? any ?? key).trim();
}
