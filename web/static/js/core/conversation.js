/**
 * One log in its live phase, joined up: what arrives, what is on its way, who types, who has seen what. Customers and representatives alike.
 */

import { now } from "./clock.js";
import { isWords } from "./entry.js";
import { isLooking, onReturn } from "./title.js";
import { Typing, Typists } from "./typing.js";
import { say } from "./texts.js";

/**
 * @typedef {object} Part
 * @property {import("./hub.js").Hub} hub
 * @property {import("./outbox.js").Outbox} outbox
 * @property {import("./log.js").Log} view
 * @property {import("./composer.js").Composer} composer
 * @property {Element | null} typing where "… is typing" stands
 * @property {string} me one's own person id
 * @property {string} name one's own name
 *
 * @typedef {object} Options
 * @property {number} [after] the last number that stands in the page already
 * @property {number} [seen] how far this person had seen the log before; without it the past counts as seen
 * @property {"message" | "note"} [kind] what is written into this log
 * @property {() => boolean} [isInFront] whether it is the one in front, where a page has several
 * @property {(person: string) => boolean} [isOther] whose reading marks count as the other side's
 */

export class Conversation extends EventTarget {
  #part;
  #log;
  #typists;
  // Newest number here, and the highest that was told as seen by this person.
  #head;
  #seen = 0;
  // Words of others that arrived while nobody looked.
  #unread = 0;
  // How far the other side has seen the log; entries that arrive later can be seen already.
  #seenByOther = 0;
  // Whether the past is still arriving: it is neither news nor unread.
  #isCatchingUp = true;
  // As in ``Options``.
  #seenBefore;
  #kind;
  #isInFront;
  #isOther;

  /**
   * @param {string} log
   * @param {Part} part
   * @param {Options} [options]
   */
  constructor(log, part, { after = 0, seen = Infinity, kind = "message", isInFront = () => true, isOther = (person) => person !== part.me } = {}) {
    super();
    this.#log = log;
    this.#part = part;
    this.#head = after;
    this.#seenBefore = seen;
    this.#kind = kind;
    this.#isInFront = isInFront;
    this.#isOther = isOther;
    this.#typists = new Typists((names) => this.#showTyping(names));
    const { hub, outbox, view, composer, me } = part;
    view.me = me;
    hub.follow(log, this.#follower(), after);
    outbox.listen(log, (unsent, progress) => view.showUnsent(unsent, progress, part.name));
    const typing = new Typing(hub, log);
    if (kind === "message") composer.addEventListener("typing", () => typing.goesOn());
    composer.addEventListener("words", (event) => {
      typing.isOver();
      this.#words(/** @type {CustomEvent} */ (event).detail);
    });
    view.addEventListener("takeback", (event) => this.#takeBack(/** @type {CustomEvent} */ (event).detail));
    onReturn(() => this.look());
  }

  get unread() {
    return this.#unread;
  }

  /** The person looks at it now: everything that is here has been seen. */
  look() {
    if (!isLooking() || !this.#isInFront()) return;
    if (this.#unread) {
      this.#unread = 0;
      this.dispatchEvent(new Event("unread"));
    }
    if (this.#head <= this.#seen || this.#isCatchingUp) return;
    this.#seen = this.#head;
    this.#part.hub.tell({ t: "seen", log: this.#log, number: this.#seen });
  }

  /** Stop following. */
  close() {
    this.#part.hub.unfollow(this.#log);
    this.#part.outbox.ignore(this.#log);
  }

  /** @returns {import("./hub.js").Follower} */
  #follower() {
    const { view, me, outbox } = this.#part;
    return {
      entries: (entries) => {
        view.add(this.#log, entries);
        this.#head = entries.at(-1).number;
        for (const entry of entries) if (entry.sender === me) outbox.settle(entry.key);
        else this.#arrived(entry);
        view.showSeen(this.#log, this.#seenByOther);
        this.dispatchEvent(new CustomEvent("entries", { detail: entries }));
        this.look();
      },
      reset: () => {
        this.#isCatchingUp = true;
        this.#head = this.#seen = 0;
        view.clear(this.#log);
      },
      caughtUp: (_head, seen) => {
        this.#isCatchingUp = false;
        this.#seen = Math.max(this.#seen, seen[me] ?? 0);
        for (const [person, number] of Object.entries(seen)) this.#otherSaw(person, number);
        this.dispatchEvent(new Event("live"));
        this.look();
      },
      seen: (person, number) => this.#otherSaw(person, number),
      typing: (person, name) => person !== me && this.#typists.types(person, name),
      looking: (person, name) => this.dispatchEvent(new CustomEvent("looking", { detail: { person, name } })),
    };
  }

  /** @param {any} entry */
  #arrived(entry) {
    this.#typists.stops(entry.sender);
    const isOld = this.#isCatchingUp && entry.number <= this.#seenBefore;
    if (!isWords(entry.kind) || isOld) return;
    if (!isLooking() || !this.#isInFront()) {
      this.#unread += 1;
      this.dispatchEvent(new Event("unread"));
    }
    if (!this.#isCatchingUp) this.dispatchEvent(new CustomEvent("news", { detail: entry }));
  }

  /**
   * @param {string} person
   * @param {number} number
   */
  #otherSaw(person, number) {
    if (!this.#isOther(person)) return;
    this.#seenByOther = Math.max(this.#seenByOther, number);
    this.#part.view.showSeen(this.#log, this.#seenByOther);
  }

  /** @param {string[]} names */
  #showTyping(names) {
    const { typing } = this.#part;
    if (typing) typing.textContent = names.length ? say("typing.one", { name: names.join(", ") }) : "";
    this.dispatchEvent(new CustomEvent("typing", { detail: names }));
  }

  /** @param {{kind: "message" | "note", text: string, files: any[]}} words */
  #words({ kind, text, files }) {
    if (kind !== this.#kind) return;
    this.#part.outbox.add(this.#log, kind, text, files, new Date(now()).toISOString());
  }

  /** @param {string} key */
  #takeBack(key) {
    const unsent = this.#part.outbox.takeBack(key);
    if (!unsent) return;
    this.#part.composer.setKind(unsent.kind);
    this.#part.composer.insert(unsent.text);
  }
}
