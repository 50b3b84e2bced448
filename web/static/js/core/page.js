/**
 * What every part of a page needs: the server's blank templates, the one live region, short news.
 */

/** How long short news stay, in milliseconds: about twice the time that reading them takes. */
const TOAST_MS = 8_000;

/**
 * Show what needs a script, and hide what stands in for one.
 * @param {ParentNode} within
 */
export function reveal(within) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (within.querySelectorAll("[data-needs-script]"))) each.hidden = false;
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (within.querySelectorAll("[data-without-script]"))) each.hidden = true;
}

/**
 * A copy of a `<template data-template="…">`.
 * @param {string} name
 * @param {ParentNode} [within]
 * @returns {HTMLElement} its first element
 */
export function blank(name, within = document) {
  const template = /** @type {HTMLTemplateElement | null} */ (within.querySelector(`template[data-template="${name}"]`));
  if (!template?.content.firstElementChild) throw new Error(`The page has no template ${name}.`);
  const copy = /** @type {HTMLElement} */ (document.importNode(template.content.firstElementChild, true));
  reveal(copy);
  return copy;
}

/**
 * All nodes of a template, for those that are text and glyph side by side.
 * @param {string} name
 */
export function blankParts(name) {
  const template = /** @type {HTMLTemplateElement | null} */ (document.querySelector(`template[data-template="${name}"]`));
  return template ? document.importNode(template.content, true) : document.createDocumentFragment();
}

/**
 * The place in a copy that a script fills.
 * @param {ParentNode} within
 * @param {string} name
 * @returns {HTMLElement | null}
 */
export function slot(within, name) {
  return within.querySelector(`[data-slot="${name}"]`);
}

/**
 * Write a text into a slot; touches the page only when it differs, so that nothing is read out again.
 * @param {ParentNode} within
 * @param {string} name
 * @param {string} text
 */
export function fill(within, name, text) {
  const place = slot(within, name);
  if (place && place.textContent !== text) place.textContent = text;
}

/**
 * Tell it to screen readers, politely. One live region per page (role=status).
 * @param {string} text
 */
export function announce(text) {
  const region = document.querySelector("[data-status]");
  if (region) region.textContent = text;
}

/**
 * Short news that are seen and heard.
 * @param {string} text
 */
export function toast(text) {
  announce(text);
  const place = document.querySelector("[data-toasts]");
  if (!place) return;
  const news = blank("toast");
  fill(news, "text", text);
  news.querySelector("[data-dismiss]")?.addEventListener("click", () => news.remove());
  place.append(news);
  window.setTimeout(() => news.remove(), TOAST_MS);
}
