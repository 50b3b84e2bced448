/**
 * Moments as the server writes them too: in the reader's zone, exact on hover, machine-readable.
 */

import { FORMAT } from "./texts.js";

const timeZone = document.documentElement.dataset.zone || undefined;

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat(FORMAT, { timeZone, ...options });

const clock = format({ timeStyle: "short" });
const stamp = format({ dateStyle: "medium", timeStyle: "short" });
const day = format({ dateStyle: "long" });
const exact = format({ dateStyle: "full", timeStyle: "long" });

/**
 * The reader's calendar day: `22 November 2026`.
 * @param {string} at ISO 8601
 */
export function dayOf(at) {
  return day.format(new Date(at));
}

/**
 * Day and time: `22 Nov 2026, 14:05`.
 * @param {string} at ISO 8601
 */
export function stampOf(at) {
  return stamp.format(new Date(at));
}

/**
 * The clock in another zone, with the weekday: the customer may be in tomorrow.
 * @param {Date} moment
 * @param {string} [zone] IANA name; the reader's own without one
 */
export function clockIn(moment, zone = timeZone) {
  return new Intl.DateTimeFormat(FORMAT, { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit" }).format(moment);
}

/**
 * Fill the blank of `components/time.html`.
 * @param {Element | null} place
 * @param {string} at ISO 8601
 */
export function showTime(place, at) {
  if (!(place instanceof HTMLTimeElement)) return;
  const moment = new Date(at);
  place.dateTime = moment.toISOString();
  place.title = exact.format(moment);
  const short = place.querySelector("[data-time-short]");
  const long = place.querySelector("[data-time-long]");
  if (short) short.textContent = clock.format(moment);
  if (long) long.textContent = stamp.format(moment);
  if (!short && !long) place.textContent = stamp.format(moment);
}

/**
 * A length of time for eyes: `0:45`, `12:03`, `1:02:03`.
 * @param {number} seconds
 */
export function asDuration(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return (hours ? `${hours}:${two(minutes)}` : String(minutes)) + `:${two(seconds % 60)}`;
}
