/**
 * How far this page has a log. It takes consecutive entries only: what it has already is passed over, and a hole is never guessed over.
 */

export class Cursor {
  /** The last number this page has; 0 for none. */
  after;

  /** @param {number} [after] */
  constructor(after = 0) {
    this.after = after;
  }

  /**
   * @template {{number: number}} E
   * @param {E[]} entries
   * @returns {{fresh: E[], gap: boolean}} what follows without a hole, and whether there was one behind it
   */
  take(entries) {
    /** @type {E[]} */
    const fresh = [];
    for (const entry of entries) {
      if (entry.number <= this.after) continue;
      if (entry.number !== this.after + 1) return { fresh, gap: true };
      this.after = entry.number;
      fresh.push(entry);
    }
    return { fresh, gap: false };
  }
}
