// Hands bytes to the browser as a file to be saved.

import { tree } from "./tree.js";

/** A browser that asks where to save reads the file meanwhile. */
const SAVED_WITHIN_MS = 60_000;

/**
 * @param {Blob} bytes
 * @param {string} name
 */
export function saveAs(bytes, name) {
  const url = URL.createObjectURL(bytes);
  tree("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_WITHIN_MS);
}
