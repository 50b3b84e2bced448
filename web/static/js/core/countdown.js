/**
 * `<holdline-countdown data-until data-total data-text>`: time that runs out, by the server's clock.
 *
 * `data-text` is the key of a sentence with the seconds in it; the same key with `_over` says that there are none left, from that very moment
 * on, and `data-over` is set: what is offered inside `.counted` goes away with it. The bar moves each second; it is never read out by itself.
 */

import { everySecond, now } from "./clock.js";
import { fill, slot } from "./page.js";
import { say } from "./texts.js";

class Countdown extends HTMLElement {
  #stop = () => {};
  // Ends the last second, which is seldom a whole one.
  #end = 0;

  connectedCallback() {
    this.#stop = everySecond(() => this.#show());
  }

  disconnectedCallback() {
    this.#stop();
    clearTimeout(this.#end);
  }

  #show() {
    const { until, total, text } = this.dataset;
    clearTimeout(this.#end);
    if (!until || !text) return;
    const leftMs = Date.parse(until) - now();
    const isOver = leftMs <= 0;
    this.toggleAttribute("data-over", isOver);
    const left = Math.ceil(leftMs / 1000);
    const bar = slot(this, "bar");
    if (bar instanceof HTMLProgressElement) {
      bar.value = Math.min(Math.max(0, left), Number(total) || bar.max);
      bar.hidden = isOver;
    }
    fill(this, "left", isOver ? say(`${text}_over`) : say(text, { n: left }));
    if (left === 1) this.#end = window.setTimeout(() => this.#show(), leftMs);
  }
}

customElements.define("holdline-countdown", Countdown);
