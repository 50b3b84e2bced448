/**
 * The same logs, pictures and wishes as plain requests, for networks that kill sockets: same keys, same numbers, long-poll for reading.
 */

import { waitBefore } from "./backoff.js";
import { OFFLINE } from "./refusal.js";
import { call } from "./rest.js";

/** Seconds that the server may hold a reading request when there is nothing new; below the patience of common proxies. */
const HOLD_S = 20;

/** Pictures have no numbers to wait for: they are fetched anew after so many milliseconds. */
const PICTURE_EVERY_MS = 3_000;

/**
 * @typedef {object} Sink
 * @property {(log: string) => number} afterOf
 * @property {(log: string, entries: any[]) => void} entries
 * @property {(log: string, head: number, seen: Record<string, number>) => void} caughtUp
 * @property {(store: string) => void} store
 * @property {(view: "visit" | "desk", ticket: string | null, picture: any) => void} picture
 * @property {() => void} working a request was answered
 * @property {() => void} failing no request gets through
 * @property {() => void} signedOut
 */

export class Poller {
  #sink;
  /** @type {Set<string>} */
  #logs = new Set();
  /** @type {Map<string, {view: "visit" | "desk", ticket: string | null}>} */
  #pictures = new Map();
  /** @type {AbortController | null} */
  #running = null;
  #failures = 0;

  /** @param {Sink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} log */
  follow(log) {
    if (this.#logs.has(log)) return;
    this.#logs.add(log);
    if (this.#running) this.#read(log, this.#running.signal);
  }

  /** @param {string} log */
  unfollow(log) {
    this.#logs.delete(log);
  }

  /**
   * @param {"visit" | "desk"} view
   * @param {string | null} ticket
   */
  watch(view, ticket) {
    const name = view + (ticket ?? "");
    if (this.#pictures.has(name)) return;
    this.#pictures.set(name, { view, ticket });
    if (this.#running) this.#look(view, ticket, this.#running.signal);
  }

  start() {
    if (this.#running) return;
    this.#running = new AbortController();
    const { signal } = this.#running;
    for (const log of this.#logs) this.#read(log, signal);
    for (const { view, ticket } of this.#pictures.values()) this.#look(view, ticket, signal);
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
  }

  /**
   * A wish of the socket's, as a request.
   * @param {any} frame
   * @returns {Promise<any>}
   */
  ask(frame) {
    const { t, ref: _, ...body } = frame;
    switch (t) {
      case "append": {
        const { log, key, ...words } = body;
        return call("POST", `/logs/${log}/entries`, { body: words, key });
      }
      case "set_desk":
        return call("PUT", "/desk", { body });
      case "accept":
      case "decline": {
        const { offer, ...answer } = body;
        return call("POST", `/offers/${offer}/${t}`, { body: answer });
      }
      default:
        throw new TypeError(`There is no request for ${t}.`);
    }
  }

  /** @param {any} frame */
  tell(frame) {
    if (frame.t === "seen") call("PUT", `/logs/${frame.log}/seen`, { body: { number: frame.number } }).catch(() => {});
  }

  /**
   * @param {string} log
   * @param {AbortSignal} signal
   */
  async #read(log, signal) {
    while (this.#logs.has(log) && !signal.aborted) {
      const query = new URLSearchParams({ after: String(this.#sink.afterOf(log)), wait: String(HOLD_S) });
      const answer = await this.#get(`/logs/${log}/entries?${query}`, signal);
      if (!answer) continue;
      this.#sink.store(answer.store);
      this.#sink.entries(log, answer.entries);
      this.#sink.caughtUp(log, answer.head, answer.seen ?? {});
    }
  }

  /**
   * @param {"visit" | "desk"} view
   * @param {string | null} ticket
   * @param {AbortSignal} signal
   */
  async #look(view, ticket, signal) {
    while (!signal.aborted) {
      const picture = await this.#get(view === "desk" ? "/desk" : `/visits/${ticket}`, signal);
      if (picture) this.#sink.picture(view, ticket, picture);
      await pause(PICTURE_EVERY_MS, signal);
    }
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<any>} null when nothing came; the pause before the next attempt is over then
   */
  async #get(path, signal) {
    try {
      const answer = await call("GET", path, { signal });
      this.#failures = 0;
      this.#sink.working();
      return answer;
    } catch (error) {
      if (signal.aborted) return null;
      const refusal = /** @type {import("./refusal.js").Refusal} */ (error);
      if (refusal.code === "session.over") this.#sink.signedOut();
      if (refusal.code === OFFLINE) this.#sink.failing();
      await pause(waitBefore(++this.#failures, refusal.retryAfter), signal);
      return null;
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends it early
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
