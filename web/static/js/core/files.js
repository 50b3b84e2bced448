/**
 * The files that go with the next message: added by button, paste or drag, uploaded at once, shown with a preview and with progress.
 */

import { asSize, isPicture } from "./attached.js";
import { announce, blank, fill, slot } from "./page.js";
import { say, sayRefusal } from "./texts.js";
import { upload } from "./upload.js";

/** Edge of a preview, in CSS pixels; small, so that it fits the chip. */
const PREVIEW_PX = 32;

/**
 * @typedef {object} Adding
 * @property {HTMLElement} chip
 * @property {Promise<import("./upload.js").Stored | null>} done null when it was refused or taken away
 * @property {boolean} isRefused
 */

export class Files {
  #list;
  #belongs;
  /** @type {Set<Adding>} */
  #adding = new Set();

  /**
   * @param {HTMLElement} list where the chips stand
   * @param {() => {ticket: string, isStaffOnly: boolean}} belongs where a file that is added now will belong
   */
  constructor(list, belongs) {
    this.#list = list;
    this.#belongs = belongs;
  }

  /** Whether there is anything. */
  get isEmpty() {
    return this.#adding.size === 0;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) this.#addOne(file);
  }

  /**
   * Wait for all uploads and take them away with the message.
   * @returns {Promise<import("./upload.js").Stored[] | null>} null when one was refused: its chip says why, and nothing should be sent
   */
  async take() {
    const adding = [...this.#adding];
    const stored = await Promise.all(adding.map((each) => each.done));
    if (adding.some((each) => each.isRefused && this.#adding.has(each))) return null;
    for (const each of adding) this.#remove(each);
    return stored.filter((file) => file !== null);
  }

  /** Take everything away. */
  clear() {
    for (const each of [...this.#adding]) this.#remove(each);
  }

  /** @param {File} file */
  #addOne(file) {
    const chip = blank("upload");
    fill(chip, "name", file.name || "image.png");
    fill(chip, "size", asSize(file.size));
    const bar = /** @type {HTMLProgressElement} */ (slot(chip, "progress"));
    const { done, cancel } = upload(file, this.#belongs(), (percent) => (bar.value = percent));
    /** @type {Adding} */
    const adding = { chip, isRefused: false, done: Promise.resolve(null) };
    adding.done = done.then(
      (stored) => this.#ready(adding, stored, bar),
      (refusal) => this.#refused(adding, refusal, bar),
    );
    const remove = chip.querySelector("[data-upload-remove]");
    remove?.setAttribute("aria-label", say("file.remove", { name: file.name }));
    remove?.addEventListener("click", () => {
      cancel();
      this.#remove(adding);
      announce(say("file.removed", { name: file.name }));
      this.#list.dispatchEvent(new Event("emptied", { bubbles: true }));
    });
    this.#adding.add(adding);
    this.#list.append(chip);
    announce(say("file.uploading", { name: file.name }));
    if (isPicture(file.type)) showPreview(chip, file);
  }

  /**
   * @param {Adding} adding
   * @param {import("./upload.js").Stored} stored
   * @param {HTMLElement} bar
   */
  #ready(adding, stored, bar) {
    bar.remove();
    fill(adding.chip, "name", stored.name);
    announce(say("file.ready", { name: stored.name }));
    return stored;
  }

  /**
   * @param {Adding} adding
   * @param {import("./refusal.js").Refusal} refusal
   * @param {HTMLElement} bar
   */
  #refused(adding, refusal, bar) {
    if (!this.#adding.has(adding)) return null;
    adding.isRefused = true;
    bar.remove();
    adding.chip.classList.add("file--error");
    const sentence = sayRefusal(refusal);
    fill(adding.chip, "size", sentence);
    announce(sentence);
    return null;
  }

  /** @param {Adding} adding */
  #remove(adding) {
    this.#adding.delete(adding);
    adding.chip.remove();
  }
}

/**
 * Take files that are pasted or dropped; dragging always has the button as its twin.
 * @param {HTMLElement} area
 * @param {HTMLElement} mark gets `data-dropping` while files hang above
 * @param {(files: File[]) => void} take
 */
export function takeDropped(area, mark, take) {
  const carriesFiles = (/** @type {DataTransfer | null} */ data) => data?.types.includes("Files") ?? false;
  area.addEventListener("dragover", (event) => {
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    mark.toggleAttribute("data-dropping", true);
  });
  area.addEventListener("dragleave", (event) => {
    if (!area.contains(/** @type {Node | null} */ (event.relatedTarget))) mark.removeAttribute("data-dropping");
  });
  area.addEventListener("drop", (event) => {
    mark.removeAttribute("data-dropping");
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault();
    take([...(event.dataTransfer?.files ?? [])]);
  });
}

/**
 * A small picture of the picture, drawn here: the page's policy allows no address that names a local file.
 * @param {HTMLElement} chip
 * @param {File} file
 */
async function showPreview(chip, file) {
  const picture = await createImageBitmap(file, { resizeHeight: PREVIEW_PX * 2 }).catch(() => null);
  if (!picture) return;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(picture.width, PREVIEW_PX * 6);
  canvas.height = PREVIEW_PX * 2;
  canvas.style.blockSize = `${PREVIEW_PX}px`;
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
  chip.querySelector(".icon")?.replaceWith(canvas);
}
