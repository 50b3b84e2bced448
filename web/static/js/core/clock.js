/**
 * The server's time on this device: deadlines are the server's, and a device's clock may be minutes wrong.
 */

/** Milliseconds to add to this device's clock; 0 until the server has told its time. */
let offset = 0;

/** @type {Set<() => void>} */
const ticking = new Set();
let timer = 0;

/**
 * Take over the server's time.
 * @param {string} at ISO 8601, just received
 */
export function setServerTime(at) {
  const moment = Date.parse(at);
  if (Number.isNaN(moment)) return;
  offset = moment - Date.now();
  ticking.forEach((each) => each());
}

/** The server's time, in milliseconds since the epoch. */
export function now() {
  return Date.now() + offset;
}

/**
 * Seconds until a moment of the server, rounded up; 0 when it is over.
 * @param {string} at ISO 8601
 */
export function secondsUntil(at) {
  return Math.max(0, Math.ceil((Date.parse(at) - now()) / 1000));
}

/**
 * Whole seconds since a moment of the server; never negative.
 * @param {string} at ISO 8601
 */
export function secondsSince(at) {
  return Math.max(0, Math.floor((now() - Date.parse(at)) / 1000));
}

/**
 * Call something now and every second until the returned function is called. One timer serves all of them.
 * @param {() => void} tick
 * @returns {() => void} stops it
 */
export function everySecond(tick) {
  ticking.add(tick);
  if (!timer) timer = window.setInterval(() => ticking.forEach((each) => each()), 1000);
  tick();
  return () => {
    ticking.delete(tick);
    if (ticking.size) return;
    clearInterval(timer);
    timer = 0;
  };
}
