// What works without the page: the service worker, and the browser's promise to wake it when there is a
// network. On the server's own pages it is registered here; an embedder hosts and registers his own copy.

import { originOf } from "./embedding.js";
import { HOME } from "./engine.js";

const SYNC_TAG = "afterbeep-outbox";
const SCRIPT = "/afterbeep-sw.js";

/**
 * Registers the service worker, on the server's own pages only.
 * @param {string} server
 */
export async function registerWorker(server) {
  if (!isHome(server) || !("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register(SCRIPT);
    registration.waiting?.postMessage({ type: "afterbeep-update" });
  } catch {
    // Private windows and strict settings refuse; calls and uploads work without, while a page is open.
  }
}

/**
 * Answers a new service worker that asks whether it may take over, and starts anew once it has: a page
 * never mixes its own scripts with another version's recorder.
 * @param {string} server
 * @param {() => boolean} busy
 * @param {AbortSignal} signal
 */
export function followUpdates(server, busy, signal) {
  const workers = navigator.serviceWorker;
  if (!isHome(server) || !workers) return;
  const hadOne = workers.controller !== null;
  workers.addEventListener("message", ({ data, ports }) => data?.type === "afterbeep-busy" && ports[0]?.postMessage(busy()), { signal });
  workers.addEventListener("controllerchange", () => hadOne && !busy() && location.reload(), { signal });
  workers.startMessages();
}

/**
 * Asks the browser to send the outbox by itself once there is a network.
 * @param {string} server
 * @returns {Promise<boolean>} whether it promised
 */
export async function promiseSending(server) {
  try {
    /** @type {any} Background Sync is not in the type library. */
    const registration = await navigator.serviceWorker?.getRegistration();
    if (!registration || !("sync" in registration) || !serves(registration.active, server)) return false;
    await registration.sync.register(SYNC_TAG);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether this page belongs to the server it speaks to.
 * @param {string} server
 */
function isHome(server) {
  return HOME === location.origin && originOf(server) === HOME;
}

/**
 * Whether this is our service worker, and sends to this server.
 * @param {ServiceWorker | null} worker
 * @param {string} server
 */
function serves(worker, server) {
  if (!worker) return false;
  const { pathname, searchParams, origin } = new URL(worker.scriptURL);
  return pathname.endsWith(SCRIPT) && originOf(searchParams.get("server") ?? origin) === originOf(server);
}
