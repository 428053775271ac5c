// What works without the page: the service worker, and the browser's promise to wake it when there is a
// network. A worker can be registered only on the origin that serves it.

import { HOME } from "./engine.js";

const SYNC_TAG = "afterbeep-outbox";

/** Registers the service worker where that is possible: never on an embedder's origin. */
export async function registerWorker() {
  if (HOME !== location.origin || !("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register("/afterbeep-sw.js");
    registration.waiting?.postMessage({ type: "afterbeep-update" });
  } catch {
    // Private windows and strict settings refuse; calls and uploads work without, while a page is open.
  }
}

/**
 * Answers a new service worker that asks whether it may take over, and starts anew once it has: a page
 * never mixes its own scripts with another version's recorder.
 * @param {() => boolean} busy
 * @param {AbortSignal} signal
 */
export function followUpdates(busy, signal) {
  const workers = navigator.serviceWorker;
  if (HOME !== location.origin || !workers) return;
  const hadOne = workers.controller !== null;
  workers.addEventListener("message", ({ data, ports }) => data?.type === "afterbeep-busy" && ports[0]?.postMessage(busy()), { signal });
  workers.addEventListener("controllerchange", () => hadOne && !busy() && location.reload(), { signal });
  workers.startMessages();
}

/**
 * Asks the browser to send the outbox by itself once there is a network.
 * @returns {Promise<boolean>} whether it promised
 */
export async function promiseSending() {
  try {
    /** @type {any} Background Sync is not in the type library. */
    const registration = await navigator.serviceWorker?.getRegistration();
    if (HOME !== location.origin || !registration?.active || !("sync" in registration)) return false;
    await registration.sync.register(SYNC_TAG);
    return true;
  } catch {
    return false;
  }
}
