/**
 * Messages on their way: each gets its key once, stays in this tab until the server has stored it, and is sent again after every return.
 *
 * The same key twice is stored once (R2), so sending again is always safe. One message per log is under way at a time: the order in
 * which they were written is the order in which they are stored.
 */

import { waitBefore } from "./backoff.js";
import { keep, read } from "./kept.js";
import { OFFLINE, Refusal } from "./refusal.js";

/** Name in the tab's store. */
const NAME = "outbox";

/**
 * @typedef {object} Unsent
 * @property {string} key
 * @property {string} log
 * @property {"message" | "note"} kind
 * @property {string} text
 * @property {{id: string, name: string, media_type: string, size_bytes: number}[]} files
 * @property {string} at when it was written, ISO 8601 of this device's server time
 * @property {string} [refused] the code of a refusal that trying again does not heal
 *
 * @typedef {{state: "sending" | "failed" | "refused", code?: string} | {state: "stored", number: number, at: string}} Progress
 * @typedef {(unsent: Unsent, progress: Progress) => void} Listener
 */

export class Outbox {
  #hub;
  /** @type {Unsent[]} */
  #unsent = read(NAME) ?? [];
  /** @type {Set<string>} */
  #busy = new Set();
  /** @type {Map<string, Listener>} */
  #listeners = new Map();
  #failures = 0;

  /** @param {import("./hub.js").Hub} hub */
  constructor(hub) {
    this.#hub = hub;
    // Epoch of the conversation that a log belongs to, for representatives; null where nobody asks for one.
    /** @type {(log: string) => number | null} */
    this.epochOf = () => null;
    hub.onState(() => this.flush());
  }

  /**
   * Be told how the messages of a log fare; told at once of those that are still here.
   * @param {string} log
   * @param {Listener} listener
   */
  listen(log, listener) {
    this.#listeners.set(log, listener);
    for (const unsent of this.#of(log)) listener(unsent, unsent.refused ? { state: "refused", code: unsent.refused } : { state: "sending" });
    this.#flushLog(log);
  }

  /**
   * Nobody shows this log any more. What is on its way goes on all the same.
   * @param {string} log
   */
  ignore(log) {
    this.#listeners.delete(log);
  }

  /**
   * @param {string} log
   * @param {"message" | "note"} kind
   * @param {string} text
   * @param {Unsent["files"]} files
   * @param {string} at
   */
  add(log, kind, text, files, at) {
    const unsent = { key: newKey(), log, kind, text, files, at };
    this.#unsent.push(unsent);
    this.#keep();
    this.#tell(unsent, { state: "sending" });
    this.#flushLog(log);
  }

  /**
   * It has come back in the log: it is stored, whatever became of the answer.
   * @param {string} key
   */
  settle(key) {
    const count = this.#unsent.length;
    this.#unsent = this.#unsent.filter((unsent) => unsent.key !== key);
    if (this.#unsent.length !== count) this.#keep();
  }

  /**
   * Take a refused message back.
   * @param {string} key
   * @returns {Unsent | undefined}
   */
  takeBack(key) {
    const unsent = this.#unsent.find((each) => each.key === key);
    this.settle(key);
    return unsent;
  }

  /** Send whatever waits. */
  flush() {
    for (const log of new Set(this.#unsent.map((unsent) => unsent.log))) this.#flushLog(log);
  }

  /** @param {string} log */
  async #flushLog(log) {
    const unsent = this.#of(log).find((each) => !each.refused);
    if (!unsent || this.#busy.has(log)) return;
    if (!this.#hub.isUp) return this.#tell(unsent, { state: "failed" });
    this.#busy.add(log);
    try {
      const stored = await this.#hub.ask(this.#frame(unsent));
      this.#failures = 0;
      this.settle(unsent.key);
      this.#tell(unsent, { state: "stored", number: stored.number, at: stored.at });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(unsent, error);
      if (!unsent.refused) return;
    } finally {
      this.#busy.delete(log);
    }
    this.#flushLog(log);
  }

  /**
   * @param {Unsent} unsent
   * @param {Refusal} refusal
   */
  #refuse(unsent, refusal) {
    if (refusal.code !== OFFLINE && refusal.retryAfter === null) {
      unsent.refused = refusal.code;
      this.#keep();
      return this.#tell(unsent, { state: "refused", code: refusal.code });
    }
    this.#tell(unsent, { state: "failed" });
    // Without a line the next `onState` flushes; with one, the store or the answer was missing: try again a little later.
    if (this.#hub.isUp) window.setTimeout(() => this.#flushLog(unsent.log), waitBefore(++this.#failures, refusal.retryAfter));
  }

  /** @param {Unsent} unsent */
  #frame(unsent) {
    const { log, key, kind, text } = unsent;
    const frame = { t: "append", log, key, kind, text, files: unsent.files.map((file) => file.id) };
    const epoch = this.epochOf(log);
    return epoch === null ? frame : { ...frame, epoch };
  }

  /** @param {string} log */
  #of(log) {
    return this.#unsent.filter((unsent) => unsent.log === log);
  }

  #keep() {
    keep(NAME, this.#unsent.length ? this.#unsent : null);
  }

  /**
   * @param {Unsent} unsent
   * @param {Progress} progress
   */
  #tell(unsent, progress) {
    this.#listeners.get(unsent.log)?.(unsent, progress);
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on plain http, where some desks run inside their own network. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
