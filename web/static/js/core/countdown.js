/**
 * `<holdline-countdown data-until data-total data-text>`: time that runs out, by the server's clock.
 *
 * `data-text` is the key of a sentence with the seconds in it. The bar moves each second; it is never read out by itself.
 */

import { everySecond, secondsUntil } from "./clock.js";
import { fill, slot } from "./page.js";
import { say } from "./texts.js";

class Countdown extends HTMLElement {
  #stop = () => {};

  connectedCallback() {
    this.#stop = everySecond(() => this.#show());
  }

  disconnectedCallback() {
    this.#stop();
  }

  #show() {
    const { until, total, text } = this.dataset;
    if (!until || !text) return;
    const left = secondsUntil(until);
    const bar = slot(this, "bar");
    if (bar instanceof HTMLProgressElement) bar.value = Math.min(left, Number(total) || bar.max);
    fill(this, "left", say(text, { n: left }));
  }
}

customElements.define("holdline-countdown", Countdown);
