// The service worker: pages open offline, and the outbox goes up when the browser says there is a network.
//
// It never takes over while a call or a recorder is open: a new version waits until no page is busy, or
// until all are closed. What it answers from its cache is one version of everything, never a mixture.

import initialise, { drain_outbox as drainOutbox } from "afterbeep-call-module";

/* global PRECACHE, VERSION */
const CACHE = `afterbeep-${VERSION}`;
const SYNC_TAG = "afterbeep-outbox";
const CALL_MODULE = "/assets/call_bg.wasm";
const PAGES = new Set(["/", "/inbox", "/ladder"]);
const ANSWER_MS = 2000;
const known = new Set(PRECACHE);

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(clean()));
self.addEventListener("fetch", (event) => answer(event));
self.addEventListener("sync", (event) => event.tag === SYNC_TAG && event.waitUntil(drain()));
self.addEventListener("notificationclick", (event) => event.waitUntil(lead(event.notification)));
self.addEventListener("message", (event) => event.data?.type === "afterbeep-update" && event.waitUntil(takeOver()));

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(PRECACHE.map(async (path) => cache.put(path, await fresh(path))));
}

/** @param {string} path */
async function fresh(path) {
  const response = await fetch(path, { cache: "reload" });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  if (!response.redirected) return response;
  return new Response(await response.blob(), { headers: response.headers });
}

async function clean() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("afterbeep-") && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** @param {FetchEvent} event */
function answer(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const path = request.mode === "navigate" && PAGES.has(url.pathname) ? url.pathname : url.pathname + url.search;
  if (known.has(path)) event.respondWith(kept(path, request));
}

/**
 * From the cache, else from the network (a cache the browser has emptied).
 * @param {string} path
 * @param {Request} request
 */
async function kept(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

async function drain() {
  const cache = await caches.open(CACHE);
  const module = (await cache.match(CALL_MODULE)) ?? (await fetch(CALL_MODULE));
  await initialise({ module_or_path: module });
  await drainOutbox(self.location.origin);
}

/**
 * To the page that told of a call or a message.
 * @param {Notification} notification
 */
async function lead(notification) {
  notification.close();
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => url === notification.data);
  await (page ? page.focus() : self.clients.openWindow(notification.data));
}

/** Takes over at a page's start if no page is in the middle of something. */
async function takeOver() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const busy = await Promise.all(pages.map(isBusy));
  if (!busy.includes(true)) await self.skipWaiting();
}

/**
 * Whether a page is in a call or records; one that does not answer counts as busy.
 * @param {Client} page
 * @returns {Promise<boolean>}
 */
function isBusy(page) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data !== false);
    setTimeout(() => resolve(true), ANSWER_MS);
    page.postMessage({ type: "afterbeep-busy" }, [port2]);
  });
}
