/**
 * `<holdline-composer>`: where people write. Enter sends, Shift+Enter makes a new line; what is typed is kept per log and per kind.
 *
 * It sends nothing itself: it dispatches `words` with kind, text and files, and `typing`. With two kinds, each has its own draft and its
 * own files, so that a note cannot become a reply by a slip of the mode.
 */

import { draftOf, keepDraft } from "./drafts.js";
import { Files, takeDropped } from "./files.js";
import { announce } from "./page.js";
import { say, sayError } from "./texts.js";

/** @typedef {"message" | "note"} Kind */

/** Where Enter is the only way to a new line, it makes one: on-screen keyboards have no Shift+Enter. */
const isTouch = matchMedia("(pointer: coarse) and (hover: none)").matches;

export class Composer extends HTMLElement {
  /** @type {Kind} */
  #kind = "message";
  /** @type {Record<Kind, Files> | null} */
  #files = null;
  #ticket = "";
  /** @type {Record<Kind, string>} */
  #logs = { message: "", note: "" };
  #isSending = false;

  /**
   * Begin to work. Before, the plain form does.
   * @param {{ticket: string, message: string, note?: string}} where the ticket, and the log of each kind
   */
  bind({ ticket, message, note = "" }) {
    this.#ticket = ticket;
    this.#logs = { message, note };
    this.#files = { message: this.#filesOf("message"), note: this.#filesOf("note") };
    const { text, form } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    text.addEventListener("keydown", (event) => this.#key(event));
    text.addEventListener("input", () => this.#typed());
    text.addEventListener("paste", (event) => this.#pasted(event));
    for (const mode of this.#modes) mode.addEventListener("change", () => this.setKind(/** @type {Kind} */ (mode.value)));
    const input = /** @type {HTMLInputElement} */ (this.querySelector("[data-composer-files]"));
    this.querySelector("[data-composer-attach]")?.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.addFiles([...(input.files ?? [])]);
      input.value = "";
    });
    // What the server put there came from a post without a script; what this tab kept is newer.
    text.value = draftOf(this.#logs.message, "message") || text.value;
    const checked = this.#modes.find((mode) => mode.checked);
    if (checked) this.setKind(/** @type {Kind} */ (checked.value));
    // From here on Enter sends; on a slow line somebody may have begun to write before.
    this.dataset.works = "";
  }

  /**
   * Take files that are dropped anywhere in an area.
   * @param {HTMLElement} area
   */
  takeDropsOf(area) {
    takeDropped(area, this.form, (files) => this.addFiles(files));
  }

  /** @returns {HTMLTextAreaElement} */
  get text() {
    return /** @type {HTMLTextAreaElement} */ (this.querySelector("[data-composer-text]"));
  }

  /** @returns {HTMLFormElement} */
  get form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("[data-composer-form]"));
  }

  get kind() {
    return this.#kind;
  }

  /**
   * Change between reply and note; each keeps its own text and files.
   * @param {Kind} kind
   */
  setKind(kind) {
    if (kind !== this.#kind) {
      keepDraft(this.#logs[this.#kind], this.#kind, this.text.value);
      this.#kind = kind;
      this.text.value = draftOf(this.#logs[kind], kind);
    }
    for (const mode of this.#modes) mode.checked = mode.value === kind;
    this.dataset.kind = kind;
    for (const list of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-files-of]"))) {
      list.hidden = list.dataset.filesOf !== kind;
    }
    this.#complain("");
  }

  /** @param {File[]} files */
  addFiles(files) {
    this.#complain("");
    this.#files?.[this.#kind].add(files);
  }

  /**
   * Put text where the cursor is, as if it had been typed.
   * @param {string} text
   */
  insert(text) {
    this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
    this.#typed();
  }

  get #modes() {
    return /** @type {HTMLInputElement[]} */ ([...this.querySelectorAll("[data-composer-mode]")]);
  }

  /** @param {Kind} kind */
  #filesOf(kind) {
    const list = document.createElement("div");
    list.className = "composer__files";
    list.dataset.filesOf = kind;
    this.querySelector("[data-composer-list]")?.append(list);
    return new Files(list, () => ({ ticket: this.#ticket, isStaffOnly: kind === "note" }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // Enter that ends the choice of a character (Chinese, Japanese, Korean) sends nothing.
    if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
    if (event.shiftKey || event.altKey || (isTouch && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    this.#send();
  }

  #typed() {
    keepDraft(this.#logs[this.#kind], this.#kind, this.text.value);
    this.#complain("");
    if (this.#kind === "message" && this.text.value.trim()) this.dispatchEvent(new Event("typing"));
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of copied text beside the text: then the text is meant.
    if (!files.length || event.clipboardData?.getData("text/plain")) return;
    event.preventDefault();
    this.addFiles(files);
  }

  async #send() {
    const [kind, field, files] = [this.#kind, this.text, this.#files?.[this.#kind]];
    if (this.#isSending || !files) return;
    if (!field.value.trim() && files.isEmpty) return this.#complain(sayError("message.empty"));
    this.#isSending = true;
    // The text stays in its box until the files are there: a refused file must not swallow the words.
    const stored = await files.take();
    this.#isSending = false;
    if (!stored) return this.#complain(say("file.refused"));
    const text = (kind === this.#kind ? field.value : draftOf(this.#logs[kind], kind)).trim();
    if (kind === this.#kind) field.value = "";
    keepDraft(this.#logs[kind], kind, "");
    this.#complain("");
    this.dispatchEvent(new CustomEvent("words", { detail: { kind, text, files: stored } }));
  }

  /** @param {string} sentence empty when all is well */
  #complain(sentence) {
    const place = /** @type {HTMLElement | null} */ (this.querySelector("[data-composer-error]"));
    if (!place || (!sentence && place.hidden)) return;
    place.hidden = !sentence;
    const words = place.querySelector("span");
    if (words) words.textContent = sentence;
    this.text.toggleAttribute("aria-invalid", Boolean(sentence));
    if (sentence) this.text.setAttribute("aria-invalid", "true");
    if (sentence) announce(sentence);
  }
}

customElements.define("holdline-composer", Composer);
