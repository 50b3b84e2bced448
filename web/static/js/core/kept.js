/**
 * What this tab keeps over a reload: unsent messages and drafts, in sessionStorage. Storage that is full or forbidden costs comfort only.
 *
 * Nothing else may write there; `forget` empties it when the person signs out or another person signs in.
 */

const PREFIX = "holdline.";

/**
 * @param {string} name
 * @returns {any} the value; null when there is none
 */
export function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {any} value null takes it away
 */
export function keep(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch (error) {
    console.warn("This tab can keep nothing.", error);
  }
}

/** Throw away everything that was kept. */
export function forget() {
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
  } catch (error) {
    console.warn("This tab can forget nothing.", error);
  }
}

// What somebody else left in this tab is thrown away before anything reads it. A page for nobody (signing in again) keeps it.
const person = document.documentElement.dataset.person;
if (person && read("person") !== person) {
  forget();
  keep("person", person);
}

// Signing out wipes what was typed (docs/adr/0030); the form works without this script all the same.
document.addEventListener("submit", (event) => {
  if (event.target instanceof HTMLFormElement && event.target.action.endsWith("/sign-out")) forget();
});
