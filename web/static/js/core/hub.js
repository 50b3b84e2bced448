/**
 * What a page follows and asks, over whichever line there is: the socket, or plain requests where a network kills sockets.
 *
 * After every return it names each log with the last number it has, and gets exactly what follows, or a reset (R4). Heads in the
 * heartbeats that are ahead of what is here make it ask again (R5).
 */

import { SIGNED_OUT } from "./codes.js";
import { Cursor } from "./cursor.js";
import { Poller } from "./poll.js";
import { OFFLINE, Refusal } from "./refusal.js";
import { Socket } from "./socket.js";

/** Failed attempts in a row after which requests take over; the socket goes on trying. */
const POLL_AFTER_FAILURES = 3;

/** A wish without an answer for so long, in milliseconds, counts as lost: the store itself answers or refuses within five seconds. */
const ANSWER_WITHIN_MS = 15_000;

/**
 * @typedef {"connecting" | "live" | "rest" | "lost" | "offline" | "over"} LineState
 *
 * @typedef {object} Follower
 * @property {(entries: any[]) => void} entries new ones, in order, without a hole
 * @property {() => void} reset throw away what is there: everything comes again
 * @property {(head: number, seen: Record<string, number>) => void} [caughtUp]
 * @property {(person: string, number: number) => void} [seen]
 * @property {(person: string, name: string) => void} [typing]
 * @property {(person: string, name: string) => void} [looking]
 */

export class Hub {
  #socket;
  #poller;
  #ref = 0;
  // The store's epoch that the numbers here belong to; null before the first `welcome`.
  /** @type {string | null} */
  #store = null;
  /** @type {LineState} */
  #state = "connecting";
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (refusal: Refusal) => void, timer: number}>} */
  #asked = new Map();
  /** @type {Map<string, {cursor: Cursor, follower: Follower}>} */
  #logs = new Map();
  /** @type {Map<string, {view: "visit" | "desk", ticket: string | null, take: (picture: any) => void}>} */
  #pictures = new Map();
  /** @type {Set<(state: LineState) => void>} */
  #listeners = new Set();

  constructor(address = "/ws") {
    this.#socket = new Socket(address, {
      live: (welcome) => this.#live(welcome),
      frame: (frame) => this.#take(frame),
      lost: (failures) => this.#lost(failures),
      over: (code) => this.#over(code),
    });
    this.#poller = new Poller({
      afterOf: (log) => this.#logs.get(log)?.cursor.after ?? 0,
      entries: (log, entries) => this.#entries(log, entries),
      caughtUp: (log, head, seen) => this.#logs.get(log)?.follower.caughtUp?.(head, seen),
      store: (store) => this.#checkStore(store),
      picture: (view, ticket, picture) => this.#picture(view, ticket, picture),
      working: () => this.#enter("rest"),
      failing: () => this.#enter(navigator.onLine ? "lost" : "offline"),
      signedOut: () => this.#over(SIGNED_OUT),
    });
    window.addEventListener("offline", () => this.#state !== "over" && this.#enter("offline"));
  }

  start() {
    this.#socket.start();
  }

  /** Whether a wish can be sent now. */
  get isUp() {
    return this.#state === "live" || this.#state === "rest";
  }

  /**
   * Be told of the line's state, now and at every change.
   * @param {(state: LineState) => void} listener
   */
  onState(listener) {
    this.#listeners.add(listener);
    listener(this.#state);
  }

  /**
   * Follow a log from a number on; following it again replaces who is told.
   * @param {string} log
   * @param {Follower} follower
   * @param {number} [after] the last number that the page has already, of the store of its `welcome`
   */
  follow(log, follower, after = 0) {
    this.#logs.set(log, { cursor: new Cursor(after), follower });
    this.#open(log);
    this.#poller.follow(log);
  }

  /** @param {string} log */
  unfollow(log) {
    if (!this.#logs.delete(log)) return;
    this.#socket.send({ t: "close", log });
    this.#poller.unfollow(log);
  }

  /**
   * Be sent a picture, at once and whenever it changes.
   * @param {"visit" | "desk"} view
   * @param {string | null} ticket
   * @param {(picture: any) => void} take
   */
  watch(view, ticket, take) {
    this.#pictures.set(view + (ticket ?? ""), { view, ticket, take });
    this.#watchNow(view, ticket);
    this.#poller.watch(view, ticket);
  }

  /**
   * Ask for something; resolves with the answer (`stored`, `done`).
   * @param {{t: string} & Record<string, any>} frame without `ref`
   * @returns {Promise<any>} rejects with a `Refusal`
   */
  ask(frame) {
    if (this.#state === "rest") return this.#poller.ask(frame);
    return new Promise((resolve, reject) => {
      const ref = ++this.#ref;
      if (!this.#socket.send({ ...frame, ref })) return reject(new Refusal(OFFLINE));
      const timer = window.setTimeout(() => this.#answer(ref, (each) => each.reject(new Refusal(OFFLINE))), ANSWER_WITHIN_MS);
      this.#asked.set(ref, { resolve, reject, timer });
    });
  }

  /**
   * Say something that may be lost: typing, looking, reading marks.
   * @param {{t: string} & Record<string, any>} frame
   */
  tell(frame) {
    if (!this.#socket.send(frame) && this.#state === "rest") this.#poller.tell(frame);
  }

  /** @param {any} welcome */
  #live(welcome) {
    this.#poller.stop();
    this.#checkStore(welcome.store);
    // Pictures first: they say which logs there are and who writes in them.
    for (const { view, ticket } of this.#pictures.values()) this.#watchNow(view, ticket);
    for (const log of this.#logs.keys()) this.#open(log);
    this.#enter("live");
  }

  /** @param {number} failures */
  #lost(failures) {
    for (const ref of [...this.#asked.keys()]) this.#answer(ref, (each) => each.reject(new Refusal(OFFLINE)));
    if (failures >= POLL_AFTER_FAILURES) this.#poller.start();
    if (this.#state !== "rest") this.#enter(navigator.onLine ? "lost" : "offline");
  }

  /** @param {number} code */
  #over(code) {
    this.#socket.stop();
    this.#poller.stop();
    this.#enter("over");
    if (code === SIGNED_OUT) signInAgain();
  }

  /** @param {LineState} state */
  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  /** @param {any} frame */
  #take(frame) {
    switch (frame.t) {
      case "entries":
        return this.#entries(frame.log, frame.entries);
      case "caught_up":
        return this.#logs.get(frame.log)?.follower.caughtUp?.(frame.head, frame.seen ?? {});
      case "reset":
        return this.#reset(frame.log, frame.store);
      case "stored":
      case "done":
        return this.#answer(frame.ref, (each) => each.resolve(frame));
      case "refused":
        return this.#refused(frame);
      case "seen":
        return this.#logs.get(frame.log)?.follower.seen?.(frame.person, frame.number);
      case "typing":
        return this.#logs.get(frame.log)?.follower.typing?.(frame.person, frame.name);
      case "looking":
        return this.#logs.get(frame.log)?.follower.looking?.(frame.person, frame.name);
      case "visit":
        return this.#picture("visit", frame.visit.ticket, frame.visit);
      case "desk":
        return this.#picture("desk", null, frame.desk);
      case "beat":
        return this.#compare(frame.heads ?? {});
    }
  }

  /**
   * @param {string} log
   * @param {any[]} entries
   */
  #entries(log, entries) {
    const followed = this.#logs.get(log);
    if (!followed) return;
    const { fresh, gap } = followed.cursor.take(entries);
    if (fresh.length) followed.follower.entries(fresh);
    if (gap) this.#open(log);
  }

  /** @param {Record<string, number>} heads */
  #compare(heads) {
    for (const [log, { cursor }] of this.#logs) if ((heads[log] ?? 0) > cursor.after) this.#open(log);
  }

  /** @param {string} store */
  #checkStore(store) {
    const isOther = this.#store !== null && this.#store !== store;
    this.#store = store;
    if (isOther) for (const log of this.#logs.keys()) this.#forget(log);
  }

  /**
   * @param {string} log
   * @param {string} store
   */
  #reset(log, store) {
    this.#store = store;
    this.#forget(log);
    this.#open(log);
  }

  /** @param {string} log */
  #forget(log) {
    const followed = this.#logs.get(log);
    if (!followed) return;
    followed.cursor = new Cursor();
    followed.follower.reset();
  }

  /** @param {any} frame */
  #refused(frame) {
    const refusal = new Refusal(frame.code, { retryAfter: frame.retry_after ?? null, correlation: frame.correlation });
    if (!this.#answer(frame.ref, (each) => each.reject(refusal))) console.warn(`Refused: ${frame.code}, ${frame.correlation}.`);
  }

  /**
   * @param {number} ref
   * @param {(asked: {resolve: (answer: any) => void, reject: (refusal: Refusal) => void}) => void} settle
   * @returns {boolean} whether anybody waited for it
   */
  #answer(ref, settle) {
    const asked = this.#asked.get(ref);
    if (!asked) return false;
    this.#asked.delete(ref);
    clearTimeout(asked.timer);
    settle(asked);
    return true;
  }

  /** @param {string} log */
  #open(log) {
    const after = this.#logs.get(log)?.cursor.after ?? 0;
    const frame = { t: "open", ref: ++this.#ref, log, after };
    this.#socket.send(after ? { ...frame, store: this.#store } : frame);
  }

  /**
   * @param {"visit" | "desk"} view
   * @param {string | null} ticket
   */
  #watchNow(view, ticket) {
    const frame = { t: "watch", ref: ++this.#ref, view };
    this.#socket.send(ticket ? { ...frame, ticket } : frame);
  }

  /**
   * @param {"visit" | "desk"} view
   * @param {string | null} ticket
   * @param {any} picture
   */
  #picture(view, ticket, picture) {
    this.#pictures.get(view + (ticket ?? ""))?.take(picture);
  }
}

/** Lead to the sign-in page, and from there back here. What was typed stays in this tab. */
function signInAgain() {
  const here = location.pathname + location.search;
  location.assign(`/sign-in?${new URLSearchParams({ next: here })}`);
}
