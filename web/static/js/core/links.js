/**
 * Text as nodes: addresses that are safe to click become links, everything else stays text. Never markup.
 */

// A link begins at http(s), or is a mail address, and ends before the punctuation that closes a sentence.
const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]|mailto:[^\s<>"']+@[^\s<>"']+[^\s<>"'.,;:!?)\]}])/gi;

const SAFE = new Set(["http:", "https:", "mailto:"]);

/**
 * @param {string} address
 * @returns {HTMLAnchorElement | null} null when the address is not one of those that are safe
 */
function linkTo(address) {
  if (!URL.canParse(address) || !SAFE.has(new URL(address).protocol)) return null;
  const link = document.createElement("a");
  link.href = address;
  link.rel = "noopener noreferrer nofollow";
  link.target = "_blank";
  link.textContent = address;
  return link;
}

/**
 * @param {string} text
 * @returns {(string | HTMLAnchorElement)[]} to be given to `append`
 */
export function linked(text) {
  return text.split(LINK).map((part, index) => (index % 2 ? (linkTo(part) ?? part) : part));
}
