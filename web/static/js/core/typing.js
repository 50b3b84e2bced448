/**
 * "… is typing": said at most every three seconds, forgotten after five, and when words arrive (R7).
 */

/** As the frame's description says; milliseconds. */
const SAY_EVERY_MS = 3_000;
const FORGET_AFTER_MS = 5_000;

/** Tells the others that somebody types here, as often as the protocol allows. */
export class Typing {
  #hub;
  #log;
  #last = -Infinity;

  /**
   * @param {import("./hub.js").Hub} hub
   * @param {string} log
   */
  constructor(hub, log) {
    this.#hub = hub;
    this.#log = log;
  }

  /** Something was typed. */
  goesOn() {
    if (performance.now() - this.#last < SAY_EVERY_MS) return;
    this.#last = performance.now();
    this.#hub.tell({ t: "typing", log: this.#log });
  }

  /** The words are on their way, which ends it for the others: what is typed next is news to them. */
  isOver() {
    this.#last = -Infinity;
  }
}

/** Who types in one log, with the end of it. */
export class Typists {
  /** @type {Map<string, {name: string, timer: number}>} */
  #typing = new Map();
  #changed;

  /** @param {(names: string[]) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * @param {string} person
   * @param {string} name
   */
  types(person, name) {
    clearTimeout(this.#typing.get(person)?.timer);
    this.#typing.set(person, { name, timer: window.setTimeout(() => this.stops(person), FORGET_AFTER_MS) });
    this.#tell();
  }

  /**
   * Their words have arrived, or they have been silent for long enough.
   * @param {string} person
   */
  stops(person) {
    clearTimeout(this.#typing.get(person)?.timer);
    if (this.#typing.delete(person)) this.#tell();
  }

  #tell() {
    this.#changed([...this.#typing.values()].map(({ name }) => name));
  }
}
