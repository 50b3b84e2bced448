/**
 * Prepared replies: `/` at the start of a message opens the list, words after it narrow it, arrows and Enter pick.
 *
 * Placeholders are filled by plain replacement; the reply then stands in the box, to be read and changed before it is sent.
 */

import { announce, blank, fill } from "../core/page.js";
import { say } from "../core/texts.js";

/** @typedef {{key: string, title: string, text: string, lines: string[]}} Reply `lines` empty: offered everywhere */

const block = document.querySelector("script[data-canned]");
/** @type {Reply[]} */
const replies = block ? JSON.parse(block.textContent || "[]") : [];

/**
 * @param {string} text
 * @param {Record<string, string>} facts
 */
function filled(text, facts) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

export class Canned {
  #composer;
  #list;
  #line;
  #facts;
  /** @type {Reply[]} */
  #found = [];
  #chosen = 0;

  /**
   * @param {import("../core/composer.js").Composer} composer
   * @param {{id: string, line: string, facts: () => Record<string, string>}} talk
   */
  constructor(composer, { id, line, facts }) {
    this.#composer = composer;
    this.#line = line;
    this.#facts = facts;
    this.#list = /** @type {HTMLElement} */ (composer.querySelector("[data-composer-picker]"));
    this.#list.role = "listbox";
    this.#list.id = `canned-${id}`;
    this.#list.ariaLabel = say("canned.label");
    const { text } = composer;
    text.setAttribute("aria-controls", this.#list.id);
    text.setAttribute("aria-autocomplete", "list");
    text.addEventListener("input", () => this.#look());
    text.addEventListener("blur", () => this.#close());
    // Before the composer's own keys: Enter picks here, and sends there.
    text.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
      if (option) this.#pick([...this.#list.children].indexOf(option));
    });
  }

  get #isOpen() {
    return !this.#list.hidden;
  }

  #look() {
    const { value } = this.#composer.text;
    if (!value.startsWith("/") || value.includes("\n") || this.#composer.kind !== "message") return this.#close();
    const wanted = value.slice(1).trim().toLocaleLowerCase();
    this.#found = replies.filter(({ lines, title, text, key }) => {
      const isOffered = !lines?.length || lines.includes(this.#line);
      return isOffered && `${key} ${title} ${text}`.toLocaleLowerCase().includes(wanted);
    });
    this.#draw();
  }

  #draw() {
    this.#list.hidden = this.#found.length === 0;
    this.#list.replaceChildren(...this.#found.map((reply, index) => this.#option(reply, index)));
    this.#choose(0);
    if (!this.#found.length) announce(say("canned.none"));
  }

  /**
   * @param {Reply} reply
   * @param {number} index
   */
  #option(reply, index) {
    const option = blank("picker");
    option.id = `${this.#list.id}-${index}`;
    fill(option, "title", reply.title);
    fill(option, "text", filled(reply.text, this.#facts()));
    return option;
  }

  /** @param {number} index */
  #choose(index) {
    if (!this.#found.length) return this.#composer.text.removeAttribute("aria-activedescendant");
    this.#chosen = (index + this.#found.length) % this.#found.length;
    [...this.#list.children].forEach((option, each) => option.setAttribute("aria-selected", String(each === this.#chosen)));
    const option = this.#list.children[this.#chosen];
    option.scrollIntoView({ block: "nearest" });
    this.#composer.text.setAttribute("aria-activedescendant", option.id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#isOpen || event.isComposing) return;
    const moves = /** @type {Record<string, () => void>} */ ({
      ArrowDown: () => this.#choose(this.#chosen + 1),
      ArrowUp: () => this.#choose(this.#chosen - 1),
      Enter: () => this.#pick(this.#chosen),
      Tab: () => this.#pick(this.#chosen),
      Escape: () => this.#close(),
    });
    if (!moves[event.key] || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  }

  /** @param {number} index */
  #pick(index) {
    const { text } = this.#composer;
    text.select();
    this.#composer.insert(filled(this.#found[index].text, this.#facts()));
    this.#close();
  }

  #close() {
    this.#list.hidden = true;
    this.#composer.text.removeAttribute("aria-activedescendant");
  }
}
