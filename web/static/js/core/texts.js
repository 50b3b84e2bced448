/**
 * Texts in the reader's language, from the page's `<script type="application/json" data-texts>`; placeholders are `%(name)s`.
 *
 * No sentence stands in a script: a key that the page lacks reads as nothing, and is named in the browser's log.
 */

/** @typedef {Record<string, string | number>} Facts */

const page = document.documentElement;

/** How dates and numbers are written: the server's own choice, so that both look alike. */
export const FORMAT = page.dataset.locale || page.lang || "en";

const numbers = new Intl.NumberFormat(FORMAT);
const cardinals = new Intl.PluralRules(page.lang || "en");
const ordinals = new Intl.PluralRules(page.lang || "en", { type: "ordinal" });

/** @type {Record<string, string | Record<string, string>>} */
const texts = Object.assign(
  {},
  ...[...document.querySelectorAll("script[data-texts]")].map((block) => JSON.parse(block.textContent || "{}")),
);

/**
 * @param {string} sentence
 * @param {Facts} facts
 */
function filled(sentence, facts) {
  return sentence.replace(/%\((\w+)\)s/g, (_, name) => {
    const fact = facts[name];
    return typeof fact === "number" ? numbers.format(fact) : (fact ?? "…");
  });
}

/**
 * @param {string} key
 * @param {Facts} facts
 * @param {Intl.PluralRules} rules
 */
function found(key, facts, rules) {
  const text = texts[key];
  if (text === undefined) {
    console.warn(`The page has no text ${key}.`);
    return "";
  }
  if (typeof text === "string") return filled(text, facts);
  return filled(text[rules.select(Number(facts.n ?? 2))] ?? text.other ?? "", facts);
}

/**
 * The sentence for a key; one that depends on a number goes by `facts.n`.
 * @param {string} key
 * @param {Facts} [facts]
 */
export function say(key, facts = {}) {
  return found(key, facts, cardinals);
}

/**
 * The sentence for a key with an ordinal number in it: 1st, 2nd, 3rd.
 * @param {string} key
 * @param {number} n
 */
export function sayNth(key, n) {
  return found(key, { n }, ordinals);
}

/**
 * Whether the page has a text.
 * @param {string} key
 */
export function has(key) {
  return key in texts;
}

/**
 * What to tell a person about a refusal: the server's own sentence where there is one, else that of the code.
 * @param {import("./refusal.js").Refusal} refusal
 */
export function sayRefusal({ code, sentence, retryAfter }) {
  return sentence || sayError(code, { seconds: Math.ceil(retryAfter ?? 1) });
}

/**
 * What to tell a person about a refusal's code; an unknown code reads as a general failure, never as the code.
 * @param {string} code
 * @param {Facts} [facts]
 */
export function sayError(code, facts = {}) {
  return say(has(`error.${code}`) ? `error.${code}` : "error.unknown", facts);
}
