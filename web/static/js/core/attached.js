/**
 * Files as chips and pictures: those of stored entries, out of the server's blanks.
 */

import { blank, fill, slot } from "./page.js";
import { FORMAT } from "./texts.js";

/** Shown as pictures; others, vector graphics with scripts in them above all, only as chips to download. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

const UNITS = /** @type {const} */ ([
  [1e9, "gigabyte"],
  [1e6, "megabyte"],
  [1e3, "kilobyte"],
  [1, "byte"],
]);

/**
 * `240 kB`: decimal units, as the server and file managers show them.
 * @param {number} bytes
 */
export function asSize(bytes) {
  const [size, unit] = UNITS.find(([each]) => bytes >= each) ?? UNITS[3];
  const value = bytes / size;
  // Short for everything but bytes, which have no short name that counts.
  const unitDisplay = unit === "byte" ? "long" : "short";
  const options = { style: "unit", unit, unitDisplay, maximumFractionDigits: value < 10 ? 1 : 0 };
  return new Intl.NumberFormat(FORMAT, /** @type {Intl.NumberFormatOptions} */ (options)).format(value);
}

/** @param {string} mediaType */
export function isPicture(mediaType) {
  return PICTURES.has(mediaType);
}

/**
 * @param {{id: string, name: string, media_type: string, size_bytes: number}} file
 * @returns {HTMLElement}
 */
export function fileLink(file) {
  const address = `/files/${encodeURIComponent(file.id)}`;
  const link = /** @type {HTMLAnchorElement} */ (blank(isPicture(file.media_type) ? "picture" : "file"));
  link.href = address;
  const image = slot(link, "image");
  if (image instanceof HTMLImageElement) image.src = `${address}?inline=1`;
  fill(link, "name", file.name);
  fill(link, "size", asSize(file.size_bytes));
  return link;
}
