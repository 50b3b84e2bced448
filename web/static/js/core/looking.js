/**
 * Which colleagues have the same ticket in front of them: said every ten seconds while the page is looked at, forgotten after twenty-five.
 */

/** As the frame's description says; milliseconds. */
const SAY_EVERY_MS = 10_000;
const FORGET_AFTER_MS = 25_000;

export class Lookers {
  /** @type {Map<string, {name: string, timer: number}>} */
  #looking = new Map();
  #say;
  #changed;

  /**
   * @param {() => void} say tells the others that somebody looks here
   * @param {(names: string[], hasCome: boolean) => void} changed
   */
  constructor(say, changed) {
    this.#say = say;
    this.#changed = changed;
    window.setInterval(() => this.look(), SAY_EVERY_MS);
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Say it now, unless the page lies behind others. */
  look() {
    if (!document.hidden) this.#say();
  }

  /**
   * @param {string} person
   * @param {string} name
   */
  sees(person, name) {
    const isNew = !this.#looking.has(person);
    clearTimeout(this.#looking.get(person)?.timer);
    this.#looking.set(person, { name, timer: window.setTimeout(() => this.#forget(person), FORGET_AFTER_MS) });
    if (!isNew) return;
    // Whoever has just come does not know of anybody: they are answered at once.
    this.look();
    this.#tell(true);
  }

  /** @param {string} person */
  #forget(person) {
    if (this.#looking.delete(person)) this.#tell(false);
  }

  /** @param {boolean} hasCome */
  #tell(hasCome) {
    this.#changed([...this.#looking.values()].map(({ name }) => name), hasCome);
  }
}
