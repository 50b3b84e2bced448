/**
 * The buttons `[data-notify]`: the click that asks for sound and notifications, or ends them.
 */

import { toast } from "./page.js";
import { say } from "./texts.js";

/** @param {import("./alerts.js").Alerts} alerts */
export function bindSwitches(alerts) {
  const switches = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-notify]")]);
  const show = () => {
    for (const each of switches) {
      each.setAttribute("aria-pressed", String(alerts.isOn));
      const words = each.querySelector("span");
      if (words) words.textContent = say(alerts.isOn ? "notifications.off_button" : "notifications.on_button");
    }
  };
  for (const each of switches) {
    each.addEventListener("click", async () => {
      const result = await alerts.set(!alerts.isOn);
      show();
      toast(say(`notifications.${result}`));
    });
  }
  show();
}
