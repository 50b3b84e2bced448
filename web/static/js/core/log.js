/**
 * The history that both sides see, live: one list for history, live entries and those on their way.
 *
 * It is told what is new and shows it; where entries come from is `hub.js`'s, what is on its way `outbox.js`'s. A second log (the
 * notes of the console) is laid between the entries of the first by time. Whoever reads further up is never moved.
 */

import { dayElement, entryElement, isWords, showState, showWords } from "./entry.js";
import { slot } from "./page.js";
import { say, sayError } from "./texts.js";
import { dayOf } from "./times.js";

/** Within so many pixels of the end counts as being at the end. */
const AT_END_PX = 48;

/** Words of one person within so many milliseconds stand under one head. */
const CONTINUED_WITHIN_MS = 5 * 60_000;

/** @typedef {import("./entry.js").Shown} Shown */

export class Log extends EventTarget {
  // The box with role=log that scrolls, the list in it, and the button "2 new messages" beside it, null without one.
  #box;
  #list;
  #pill;
  // On a ticket's page a log is read, not lived: everything stands on one side, with day and time, without days between.
  #isRecord;
  /** @type {WeakMap<Element, Shown>} */
  #shown = new WeakMap();
  /** @type {Map<string, HTMLElement>} by key, those on their way */
  #pending = new Map();
  #unseenBelow = 0;
  #wasAtEnd = true;
  // The person whose words are "mine"; empty until `of` was set.
  #me = "";

  /**
   * @param {ParentNode} frame has one [data-log-scroll], one [data-log-list], perhaps a button [data-new]
   */
  constructor(frame) {
    super();
    this.#list = /** @type {HTMLElement} */ (frame.querySelector("[data-log-list]"));
    this.#box = /** @type {HTMLElement} */ (frame.querySelector("[data-log-scroll]") ?? this.#list);
    this.#isRecord = this.#list.classList.contains("log--record");
    this.#pill = /** @type {HTMLElement | null} */ (frame.querySelector("[data-new]"));
    this.#box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // A composer that grows or a window that shrinks must not hide the last words.
    new ResizeObserver(() => this.#wasAtEnd && this.toEnd()).observe(this.#box);
    this.#pill?.addEventListener("click", () => this.toEnd());
    this.toEnd();
  }

  /** @param {string} person */
  set me(person) {
    this.#me = person;
  }

  /** The number of the last stored entry that the server has put into the page; 0 for none. */
  get lastNumber() {
    const numbers = [...this.#list.querySelectorAll("[data-number]")].map((each) => Number(each.getAttribute("data-number")));
    return Math.max(0, ...numbers);
  }

  get isAtEnd() {
    const box = this.#box;
    return box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX;
  }

  toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#clearPill();
  }

  /**
   * Stored entries, in order.
   * @param {string} log
   * @param {any[]} entries
   */
  add(log, entries) {
    const wasAtEnd = this.isAtEnd;
    let others = 0;
    for (const entry of entries) {
      const isMine = entry.sender === this.#me;
      const shown = { ...entry, log };
      if (!isMine || !this.#adopt(shown)) this.#insert(shown, isMine);
      if (!isMine && isWords(entry.kind)) others += 1;
    }
    if (wasAtEnd) this.toEnd();
    else if (others) this.#showPill(this.#unseenBelow + others);
  }

  /**
   * One's own words on their way.
   * @param {import("./outbox.js").Unsent} unsent
   * @param {import("./outbox.js").Progress} progress
   * @param {string} name one's own
   */
  showUnsent(unsent, progress, name) {
    let element = this.#pending.get(unsent.key);
    // The answer may come after the entry itself, which has settled everything already.
    if (!element && progress.state === "stored") return;
    if (!element) {
      const { log, key, at, kind, text, files } = unsent;
      const shown = { log, key, at, kind, number: 0, sender: this.#me, name, role: "", body: { text, files } };
      element = this.#insert(shown, true);
      element.dataset.key = key;
      this.#pending.set(key, element);
      this.toEnd();
    }
    showState(element, progress.state);
    if (progress.state === "refused") this.#explain(element, unsent.key, progress.code ?? "unknown");
  }

  /**
   * Mark one's own words that the other side has seen.
   * @param {string} log
   * @param {number} number
   */
  showSeen(log, number) {
    for (const element of this.#own(log)) if (Number(element.dataset.number) <= number) showState(element, "seen");
  }

  /**
   * Take everything stored of a log away; what is on its way stays.
   * @param {string} log
   */
  clear(log) {
    for (const element of [...this.#list.children]) {
      const shown = this.#shown.get(element);
      if (!shown || (shown.log === log && shown.number)) element.remove();
    }
    for (const element of this.#list.children) this.#dress(element);
  }

  #scrolled() {
    this.#wasAtEnd = this.isAtEnd;
    if (this.#wasAtEnd) this.#clearPill();
  }

  /** @param {string} log */
  #own(log) {
    const own = /** @type {NodeListOf<HTMLElement>} */ (this.#list.querySelectorAll("[data-mine][data-number], .entry--mine[data-number]"));
    return [...own].filter((element) => (this.#shown.get(element)?.log ?? log) === log);
  }

  /**
   * @param {Shown} shown
   * @param {boolean} isMine
   */
  #insert(shown, isMine) {
    const element = entryElement(shown, isMine, this.#isRecord);
    this.#shown.set(element, shown);
    if (shown.number) element.dataset.number = String(shown.number);
    this.#list.insertBefore(element, this.#placeFor(shown));
    if (isMine && shown.number && shown.kind === "message") showState(element, "stored");
    this.#dress(element);
    const next = this.#neighbour(element, "nextElementSibling");
    if (next) this.#dress(next);
    return element;
  }

  /**
   * Entries of one log keep their order; those of another log go between by time; what is on its way stays last.
   * @param {Shown} shown
   * @returns {Element | null} before which it goes; null for the end
   */
  #placeFor(shown) {
    let before = null;
    for (let each = this.#list.lastElementChild; each; each = each.previousElementSibling) {
      const other = this.#shown.get(each);
      if (!other) {
        if (each.hasAttribute("data-number")) break;
        continue;
      }
      const isLater = other.number === 0 ? shown.number > 0 : other.log !== shown.log && Date.parse(other.at) > Date.parse(shown.at);
      if (!isLater) break;
      before = each;
    }
    const separator = before?.previousElementSibling;
    return separator?.classList.contains("entry--day") ? separator : before;
  }

  /**
   * @param {Element} element
   * @param {"previousElementSibling" | "nextElementSibling"} direction
   */
  #neighbour(element, direction) {
    let other = element[direction];
    while (other?.classList.contains("entry--day")) other = other[direction];
    return other;
  }

  /**
   * A day above the first entry of each day, and one head above words that belong together.
   * @param {Element} element
   */
  #dress(element) {
    const shown = this.#shown.get(element);
    if (!shown || this.#isRecord) return;
    const before = this.#neighbour(element, "previousElementSibling");
    const earlier = before ? (this.#shown.get(before) ?? { at: before.querySelector("time")?.dateTime ?? shown.at }) : null;
    const startsDay = !earlier || dayOf(earlier.at) !== dayOf(shown.at);
    const separator = element.previousElementSibling?.classList.contains("entry--day") ? element.previousElementSibling : null;
    if (startsDay && !separator) element.before(dayElement(shown.at));
    if (!startsDay) separator?.remove();
    element.classList.toggle("entry--continued", !startsDay && this.#continues(shown, earlier));
  }

  /**
   * @param {Shown} shown
   * @param {any} earlier
   */
  #continues(shown, earlier) {
    const isSame = isWords(shown.kind) && earlier?.sender === shown.sender && earlier?.kind === shown.kind;
    return isSame && Date.parse(shown.at) - Date.parse(earlier.at) < CONTINUED_WITHIN_MS;
  }

  /**
   * One's own words have come back with their number. The element stays, so that nobody hears it twice; the server may have
   * masked something in the text.
   * @param {Shown} shown
   * @returns {boolean} whether they stood here as on their way
   */
  #adopt(shown) {
    const element = this.#pending.get(shown.key);
    if (!element) return false;
    this.#pending.delete(shown.key);
    this.#shown.set(element, shown);
    element.dataset.number = String(shown.number);
    showWords(element, shown);
    if (shown.kind === "message") showState(element, "stored");
    else slot(element, "state")?.replaceChildren();
    this.#settleInto(element);
    return true;
  }

  /**
   * Move it up where something still on its way stands before it.
   * @param {HTMLElement} element
   */
  #settleInto(element) {
    const others = [...this.#pending.values()].filter((other) => other.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (others.length) this.#list.insertBefore(element, others[0]);
    this.#dress(element);
  }

  /** @param {string} key */
  #drop(key) {
    const element = this.#pending.get(key);
    if (!element) return;
    const separator = element.previousElementSibling;
    if (separator?.classList.contains("entry--day") && !element.nextElementSibling) separator.remove();
    element.remove();
    this.#pending.delete(key);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} key
   * @param {string} code
   */
  #explain(element, key, code) {
    const state = slot(element, "state");
    if (!state) return;
    const back = document.createElement("button");
    back.type = "button";
    back.className = "button button--link";
    back.textContent = say("message.take_back");
    back.addEventListener("click", () => {
      this.#drop(key);
      this.dispatchEvent(new CustomEvent("takeback", { detail: key }));
    });
    state.append(" · ", sayError(code), " ", back);
  }

  /** @param {number} n */
  #showPill(n) {
    this.#unseenBelow = n;
    if (!this.#pill) return;
    this.#pill.hidden = false;
    this.#pill.textContent = say("message.new", { n });
  }

  #clearPill() {
    this.#unseenBelow = 0;
    if (this.#pill) this.#pill.hidden = true;
  }
}
