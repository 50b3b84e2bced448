/**
 * One file on its way to the server, with progress. XMLHttpRequest because `fetch` cannot tell how much has been sent.
 */

import { OFFLINE, Refusal } from "./refusal.js";

/** @typedef {{id: string, name: string, media_type: string, size_bytes: number}} Stored */

/**
 * @param {File} file
 * @param {{ticket: string, isStaffOnly: boolean}} belongs
 * @param {(percent: number) => void} progress
 * @returns {{done: Promise<Stored>, cancel: () => void}} `done` rejects with a `Refusal`
 */
export function upload(file, { ticket, isStaffOnly }, progress) {
  const form = new FormData();
  if (ticket) form.set("ticket", ticket);
  if (isStaffOnly) form.set("staff_only", "true");
  form.set("file", file, file.name || "image.png");
  const request = new XMLHttpRequest();
  request.open("POST", "/api/v1/files");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => progress(total ? Math.round((loaded / total) * 100) : 0);
  const done = new Promise((resolve, reject) => {
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status < 300) resolve(answer);
      else reject(new Refusal(answer.code ?? "unknown", { correlation: answer.correlation, sentence: answer.title }));
    };
    request.onerror = () => reject(new Refusal(OFFLINE));
    request.onabort = () => reject(new Refusal("cancelled"));
  });
  request.send(form);
  return { done, cancel: () => request.abort() };
}
