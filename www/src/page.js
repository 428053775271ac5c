// The call page: takes whom to call from its address, and keeps its address true when somebody is dialled.

import { offerFirstRun } from "./first-run.js";
import { nameOf } from "./address.js";
import { tree } from "./tree.js";

const element = /** @type {any} */ (document.querySelector("afterbeep-call"));
const query = new URLSearchParams(location.search);
const to = query.get("to");

for (const name of ["processing", "silence-timeout"]) if (query.has(name)) element.setAttribute(name, query.get(name));
if (to) show(to);
else void start();

element.addEventListener("afterbeep-state", ({ detail }) => {
  if (detail.state === "calling" && !new URLSearchParams(location.search).has("to") && element.to) keepAddress(element.to);
});

/** @param {string} address */
function show(address) {
  element.setAttribute("to", complete(address));
  document.title = `Call ${nameOf(address)} – Afterbeep`;
  element.hidden = false;
}

/** @param {string} address */
function complete(address) {
  return /[:@]/.test(address) ? address : `sip:${address}@${location.hostname}`;
}

async function start() {
  element.hidden = false;
  const { needed, demo } = await offerFirstRun();
  if (demo && !needed) element.append(hint());
}

function hint() {
  return tree("p", { class: "hint", slot: "hint" }, "New here? ", tree("a", { href: "/?to=bob" }, "Call Bob"), ". Unless his inbox is open, his greeting answers.");
}

/** @param {string} address */
function keepAddress(address) {
  query.set("to", address.replace(/^sip:/, "").replace(`@${location.hostname}`, ""));
  history.replaceState(history.state, "", `/?${query.toString().replaceAll("%40", "@")}`);
}
