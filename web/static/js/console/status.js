/**
 * Ready, away with a reason, paused after missed offers: what the representative chose, as the server has it.
 */

import { announce, fill, toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { say, sayRefusal } from "../core/texts.js";

/** A choice counts after so many milliseconds: arrow keys pass through other choices on their way. */
const CHOSEN_AFTER_MS = 500;

export class Status {
  #root;
  #hub;
  #select;
  #timer = 0;

  /**
   * @param {HTMLElement} root
   * @param {import("../core/hub.js").Hub} hub
   */
  constructor(root, hub) {
    this.#root = root;
    this.#hub = hub;
    this.#select = /** @type {HTMLSelectElement} */ (root.querySelector("[data-desk-state]"));
    this.#select.addEventListener("change", () => this.#chooseSoon());
    // Chosen before this script was there to hear it.
    const served = [...this.#select.options].find((option) => option.defaultSelected);
    if (served && !served.selected) this.#chooseSoon();
    for (const button of root.querySelectorAll("[data-ready]")) button.addEventListener("click", () => this.beReady());
  }

  /** One key back from a pause, or from being away. */
  beReady() {
    return this.#choose("ready");
  }

  /** @param {any} desk */
  show(desk) {
    const before = this.#root.dataset.state;
    this.#root.dataset.state = desk.state;
    // A choice that is about to count is not taken back by what was so before it.
    if (!this.#timer) this.#select.value = desk.state === "away" && desk.reason ? `away:${desk.reason}` : desk.state;
    /** @type {HTMLElement} */ (this.#root.querySelector("[data-paused]")).hidden = desk.state !== "paused";
    fill(this.#root, "capacity", say("desk.load", { load: desk.load, capacity: desk.capacity }));
    if (before !== desk.state) announce(say(`desk.${desk.state}`));
  }

  #chooseSoon() {
    const { value } = this.#select;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.#choose(value);
    }, CHOSEN_AFTER_MS);
  }

  /** @param {string} value */
  async #choose(value) {
    const [state, reason] = value.split(":");
    try {
      await this.#hub.ask({ t: "set_desk", state, ...(reason ? { reason } : {}) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      toast(sayRefusal(error));
    }
  }
}
