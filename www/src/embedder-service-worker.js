// The service worker that embedders host beside their pages: it sends the outbox when the browser says there is
// a network. It answers no request of the page, so it may take over at any time.
//
//   navigator.serviceWorker.register("/afterbeep-sw.js?server=https://edge.example.com")

import initialise, { drain_outbox as drainOutbox } from "afterbeep-call-module";

/* global VERSION */
const CACHES = "afterbeep-sender-";
const CACHE = CACHES + VERSION;
const SYNC_TAG = "afterbeep-outbox";
const HERE = new URL(self.location.href);
const MODULE = new URL("assets/call_bg.wasm", HERE).href;
const SERVER = HERE.searchParams.get("server") ?? HERE.origin;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(clean()));
self.addEventListener("sync", (event) => event.tag === SYNC_TAG && event.waitUntil(drain()));

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.add(new Request(MODULE, { cache: "reload" }));
  await self.skipWaiting();
}

async function clean() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(CACHES) && name !== CACHE).map((name) => caches.delete(name)));
}

async function drain() {
  const cache = await caches.open(CACHE);
  const module = (await cache.match(MODULE)) ?? (await fetch(MODULE));
  await initialise({ module_or_path: module });
  await drainOutbox(SERVER);
}
