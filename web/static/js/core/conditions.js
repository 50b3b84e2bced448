/**
 * Conditions as the catalogue has them, read as chatsvc/catalog reads them.
 */

/** @typedef {Record<string, string[]>} Condition field -> the answers that count */

/**
 * Whether all of a condition's fields are answered so that it counts.
 * @param {Condition} condition
 * @param {Record<string, unknown>} answers
 */
export function holds(condition, answers) {
  return Object.entries(condition).every(([field, wanted]) => wanted.includes(String(answers[field] ?? "")));
}
