/**
 * Requests to `/api/v1`: JSON in, JSON out; a refusal (problem+json) becomes a `Refusal` with its code.
 */

import { OFFLINE, Refusal } from "./refusal.js";

const ROOT = "/api/v1";

/** The session is over. */
export const SIGNED_OUT_STATUS = 401;

/**
 * @param {Response} response
 * @returns {Promise<Refusal>}
 */
export async function refusalOf(response) {
  const problem = await response.json().catch(() => ({}));
  const header = response.headers.get("Retry-After");
  const isPassing = response.status === 429 || response.status >= 502;
  return new Refusal(response.status === SIGNED_OUT_STATUS ? "session.over" : (problem.code ?? "unknown"), {
    retryAfter: problem.retry_after ?? (header ? Number(header) : isPassing ? 1 : null),
    correlation: problem.correlation ?? "",
    sentence: problem.title ?? "",
  });
}

/**
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} path below `/api/v1`
 * @param {{body?: object, signal?: AbortSignal, key?: string}} [more] `key`: makes it safe to ask twice
 * @returns {Promise<any>} null for an empty answer; rejects with a `Refusal`, or with an AbortError when `signal` was used
 */
export async function call(method, path, { body, signal, key } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(ROOT + path, { method, headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(OFFLINE);
  }
  if (!response.ok) throw await refusalOf(response);
  return response.status === 204 ? null : response.json();
}
