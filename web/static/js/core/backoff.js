/**
 * How long to wait before the next attempt: exponential with full jitter, so that thousands who lost one server do not return in step.
 */

/** Upper bound of the first wait, in milliseconds: a blink of the network is over before anybody reads a banner. */
const FIRST_MS = 500;

/** Upper bound of every wait, in milliseconds: longer, and people reload the page by hand. */
const LONGEST_MS = 20_000;

/** What is added to a server's hint, in milliseconds: two clients with the same hint still part. */
const SPREAD_MS = 500;

/**
 * @param {number} failures attempts that failed in a row, 0 for none
 * @param {number | null} hint seconds that the server asked for; null without a wish of its own
 * @param {() => number} random from 0 to 1
 * @returns {number} milliseconds
 */
export function waitBefore(failures, hint = null, random = Math.random) {
  if (hint !== null) return hint * 1000 + random() * SPREAD_MS;
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
}
