/**
 * The hand-over dialog: to a colleague or to a line, with a note that only they read.
 */

import { toast } from "../core/page.js";
import { Refusal } from "../core/refusal.js";
import { call } from "../core/rest.js";
import { say, sayRefusal } from "../core/texts.js";

export class HandOver {
  #dialog;
  #form;
  /** @type {any} the conversation it is open for */
  #conversation = null;

  constructor() {
    this.#dialog = /** @type {HTMLDialogElement} */ (document.querySelector('[data-dialog="hand_over"]'));
    this.#form = /** @type {HTMLFormElement} */ (this.#dialog.querySelector("form"));
    this.#form.addEventListener("change", () => this.#showTarget());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** @param {any} conversation of `views.DeskConversation` */
  async open(conversation) {
    this.#conversation = conversation;
    this.#form.reset();
    this.#showTarget();
    this.#dialog.showModal();
    const answer = await call("GET", `/colleagues?${new URLSearchParams({ line: conversation.line })}`).catch(() => null);
    if (answer) this.#fillColleagues(answer.colleagues ?? answer.items ?? answer);
  }

  /** @param {any[]} colleagues of `views.Colleague` */
  #fillColleagues(colleagues) {
    const select = this.#select("person");
    const options = colleagues.map(({ person, name, load, capacity }) => {
      return new Option(say("hand_over.colleague", { name, load, capacity }), person);
    });
    const [empty] = select.options;
    select.replaceChildren(empty, ...options);
  }

  #showTarget() {
    const to = new FormData(this.#form).get("to");
    for (const target of /** @type {NodeListOf<HTMLElement>} */ (this.#form.querySelectorAll("[data-to]"))) {
      const isMeant = target.dataset.to === to;
      target.hidden = !isMeant;
      this.#select(target.dataset.to ?? "").required = isMeant;
    }
  }

  /** @param {string} name */
  #select(name) {
    return /** @type {HTMLSelectElement} */ (this.#form.querySelector(`select[name="${name}"]`));
  }

  async #send() {
    const fields = new FormData(this.#form);
    const to = String(fields.get("to"));
    const body = { [to]: fields.get(to), note: String(fields.get("note") ?? "") };
    try {
      await call("POST", `/conversations/${this.#conversation.id}/hand_over`, { body });
      this.#dialog.close();
      toast(say("hand_over.done"));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      toast(sayRefusal(error));
    }
  }
}
