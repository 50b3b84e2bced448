/**
 * The page of a report that is being made: asks how far it is, and loads the page anew when it is done.
 */

import { fill, slot } from "./core/page.js";
import { call } from "./core/rest.js";

/** How often to ask: progress is written down every two seconds. */
const ASK_EVERY_MS = 2_000;

const page = /** @type {HTMLElement} */ (document.querySelector("holdline-report"));

async function ask() {
  const report = await call("GET", `/reports/${encodeURIComponent(page.dataset.report ?? "")}`).catch(() => null);
  if (report && report.state !== "waiting") return location.reload();
  if (report) {
    const bar = /** @type {HTMLProgressElement} */ (slot(page, "progress"));
    bar.max = Math.max(report.total, 1);
    bar.value = report.done;
    fill(page, "done", new Intl.NumberFormat(document.documentElement.dataset.locale).format(report.done));
  }
  window.setTimeout(ask, ASK_EVERY_MS);
}

if (page.dataset.state === "waiting") window.setTimeout(ask, ASK_EVERY_MS);
