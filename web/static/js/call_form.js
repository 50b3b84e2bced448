/**
 * The form that books a call: what was typed is still there when another day is looked at.
 */

import { keepForm } from "./core/form_kept.js";

keepForm(/** @type {HTMLFormElement} */ (document.querySelector("form[data-draft]")), ["key", "day", "slot", "country", "request", "any_hour"]);
