/**
 * Sound and desktop notification, only after a click that asked for them; every alert has its twin on the page.
 *
 * The wish is kept on this device. The browser's own permission is asked for by that click and by nothing else.
 */

import { isLooking } from "./title.js";

/** In localStorage: the wish holds for all tabs of this device. */
const NAME = "holdline.alerts";

function wish() {
  try {
    return localStorage.getItem(NAME) === "on";
  } catch {
    return false;
  }
}

export class Alerts {
  #isOn = wish();
  /** @type {Record<string, HTMLAudioElement>} */
  #sounds = {};

  /** @param {Record<string, string>} sounds name -> address */
  constructor(sounds) {
    for (const [name, address] of Object.entries(sounds)) {
      const sound = new Audio();
      sound.preload = "none";
      sound.src = address;
      this.#sounds[name] = sound;
    }
  }

  get isOn() {
    return this.#isOn;
  }

  /**
   * Switch on or off; call it from a click.
   * @param {boolean} isOn
   * @returns {Promise<"on" | "off" | "blocked">} `blocked`: there is sound, but the browser shows no notifications
   */
  async set(isOn) {
    this.#isOn = isOn;
    try {
      localStorage.setItem(NAME, isOn ? "on" : "off");
    } catch {
      // Holds for this page only.
    }
    if (!isOn) return "off";
    if (!("Notification" in window)) return "blocked";
    return (await Notification.requestPermission()) === "granted" ? "on" : "blocked";
  }

  /**
   * Let somebody know who may look elsewhere.
   * @param {string} sound one of the names
   * @param {{title: string, body?: string, tag: string}} message `tag`: a newer one with the same replaces the older
   */
  raise(sound, { title, body = "", tag }) {
    if (!this.#isOn) return;
    // A page that nobody has touched yet may not play; the notification and the page itself still say it.
    this.#sounds[sound]?.play().catch(() => {});
    if (isLooking() || !("Notification" in window) || Notification.permission !== "granted") return;
    const notification = new Notification(title, { body, tag });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  }
}
