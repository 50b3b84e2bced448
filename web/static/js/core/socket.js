/**
 * The one socket of a page: connects, notices a dead line, comes back with full jitter, and obeys the server's close codes.
 *
 * It knows frames only as far as the line itself needs them (`welcome`, `beat`). What is followed and asked over it is `hub.js`'s.
 */

import { waitBefore } from "./backoff.js";
import { setServerTime } from "./clock.js";
import { hintOf, mayComeBack } from "./codes.js";

/** From opening to `welcome`, in milliseconds: the server gives up at the same time. */
const WELCOME_WITHIN_MS = 10_000;

/** So many beats without a single frame mean that the line is dead (R6). */
const MISSED_BEATS = 2;

/** A connection that lasted so long, in milliseconds, was a good one: the next failure begins the back-off anew. */
const GOOD_AFTER_MS = 5_000;

/**
 * @typedef {object} Listener
 * @property {(welcome: any) => void} live the line is up
 * @property {(frame: any) => void} frame anything but `welcome`
 * @property {(failures: number) => void} lost the line is down, the next attempt is planned
 * @property {(code: number) => void} over the server does not want this client back
 */

export class Socket {
  #address;
  #on;
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  // Timers: the next attempt, the wait for `welcome`, the look-out for a dead line. 0 when not set.
  #retry = 0;
  #patience = 0;
  #watch = 0;
  // When the last frame came and when `welcome` came, by both clocks: one may stand still in sleep, the other may be set.
  #heard = { steady: 0, wall: 0 };
  #liveSince = 0;
  #beatMs = 0;
  // True while the wait is one that the server asked for: nobody hurries then.
  #isHinted = false;
  #stopped = true;

  /**
   * @param {string} address
   * @param {Listener} listener
   */
  constructor(address, listener) {
    this.#address = new URL(address, location.href.replace(/^http/, "ws")).href;
    this.#on = listener;
  }

  /** Whether frames can be sent. */
  get isLive() {
    return this.#beatMs > 0;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    window.addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#connect();
  }

  /** Leave for good. */
  stop() {
    this.#stopped = true;
    window.removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#retry);
    this.#abandon(1000);
  }

  /**
   * @param {object} frame
   * @returns {boolean} false when there is no line: nothing was sent
   */
  send(frame) {
    if (!this.isLive || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.#patience = window.setTimeout(() => this.#lose(socket, 0, ""), WELCOME_WITHIN_MS);
    socket.onmessage = ({ data }) => this.#hear(socket, data);
    socket.onclose = ({ code, reason }) => this.#lose(socket, code, reason);
  }

  /**
   * @param {WebSocket} socket
   * @param {string} data
   */
  #hear(socket, data) {
    if (socket !== this.#socket) return;
    this.#heard = { steady: performance.now(), wall: Date.now() };
    const frame = JSON.parse(data);
    if (frame.t === "welcome") return this.#welcome(frame);
    if (frame.t === "beat") this.send({ t: "beat" });
    this.#on.frame(frame);
  }

  /** @param {any} frame */
  #welcome(frame) {
    clearTimeout(this.#patience);
    setServerTime(frame.at);
    this.#beatMs = frame.beat_s * 1000;
    this.#liveSince = performance.now();
    this.#watch = window.setInterval(this.#checkLine, this.#beatMs / 2);
    this.#on.live(frame);
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code 0 when this side gave up
   * @param {string} reason
   */
  #lose(socket, code, reason) {
    if (socket !== this.#socket) return;
    const wasGood = this.isLive && performance.now() - this.#liveSince > GOOD_AFTER_MS;
    this.#abandon(code === 0 ? 3000 : 1000);
    if (!mayComeBack(code)) {
      this.stop();
      this.#on.over(code);
      return;
    }
    if (wasGood) this.#failures = 0;
    const hint = hintOf(code, reason);
    this.#isHinted = hint !== null;
    this.#retry = window.setTimeout(() => this.#connect(), waitBefore(this.#failures, hint));
    this.#failures += 1;
    this.#on.lost(this.#failures);
  }

  /** @param {number} code */
  #abandon(code) {
    clearTimeout(this.#patience);
    clearInterval(this.#watch);
    this.#beatMs = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (socket && socket.readyState < WebSocket.CLOSING) socket.close(code);
  }

  #checkLine = () => {
    if (!this.isLive || !this.#socket) return;
    const silence = Math.max(performance.now() - this.#heard.steady, Date.now() - this.#heard.wall);
    if (silence > MISSED_BEATS * this.#beatMs) this.#lose(this.#socket, 0, "");
  };

  // The network or the person is back: look at the line now, and do not sit out the rest of a long wait.
  #hurry = () => {
    if (document.hidden || this.#stopped) return;
    this.#checkLine();
    if (this.#retry && !this.#isHinted && navigator.onLine) {
      clearTimeout(this.#retry);
      this.#retry = window.setTimeout(() => this.#connect(), waitBefore(0));
    }
  };
}
