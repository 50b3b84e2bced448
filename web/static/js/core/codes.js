/**
 * What a close code asks of this client; the published table is docs/reference/close-codes.md.
 */

/** The server restarts (1012) or has too much to do (1013); both may carry a hint. */
const HINTED = new Set([1012, 1013]);

/** The session is over: come back after signing in. */
export const SIGNED_OUT = 4500;

/**
 * Whether to connect again. From 4500 on the server says no; everything else, the network's own codes included, is worth another attempt.
 * @param {number} code
 */
export function mayComeBack(code) {
  return code < 4500 || code > 4999;
}

/**
 * Seconds that the server asked to wait, out of the close reason's first number.
 * @param {number} code
 * @param {string} reason
 * @returns {number | null} null without a hint
 */
export function hintOf(code, reason) {
  const found = HINTED.has(code) ? /\d+(\.\d+)?/.exec(reason) : null;
  return found ? Math.min(Number(found[0]), 60) : null;
}
