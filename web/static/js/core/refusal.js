/**
 * A wish that was not carried out: a code of the published table, never a sentence; `texts.js` has the sentence.
 */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {{retryAfter?: number | null, correlation?: string, sentence?: string}} [more] seconds after which trying again makes
   *   sense; what finds it in the server's log; what the server itself says to people, in their language
   */
  constructor(code, { retryAfter = null, correlation = "", sentence = "" } = {}) {
    super(code);
    this.code = code;
    this.sentence = sentence;
    this.retryAfter = retryAfter;
    this.correlation = correlation;
  }
}

/** There is no line just now. Nothing was sent, or nobody knows whether it arrived: the same key may be sent again. */
export const OFFLINE = "offline";
