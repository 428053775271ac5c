// The page for embedders: snippet and policy for this very server, with the element that they give beside them.

import { complete } from "./address.js";
import { offerFirstRun } from "./first-run.js";

const element = /** @type {any} */ (document.querySelector("afterbeep-call"));
const field = /** @type {HTMLInputElement} */ (document.querySelector("input[name=to]"));
const said = /** @type {HTMLElement} */ (document.querySelector("#said"));

/** @param {string} id */
const code = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => void copy(code(button.getAttribute("data-copy") ?? "")));
}
field.addEventListener("input", () => show(field.value));
code("policy").textContent = policyOf(location);
show(new URLSearchParams(location.search).get("to") ?? "");
void begin();

async function begin() {
  const { needed, demo } = await offerFirstRun();
  if (demo && !needed && field.value === "") show("bob");
}

/** @param {string} to as it was typed */
function show(to) {
  if (field.value !== to) field.value = to;
  const address = complete(to, location.origin);
  if (address) element.setAttribute("to", address);
  else element.removeAttribute("to");
  code("snippet").textContent = snippetOf(location.origin, address || `sip:YOU@${location.hostname}`);
}

/**
 * @param {string} edge
 * @param {string} address
 */
function snippetOf(edge, address) {
  const to = address.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<script type="module" src="${edge}/afterbeep.js"></script>\n<afterbeep-call to="${to}" server="${edge}"></afterbeep-call>`;
}

/** @param {{ origin: string }} place of the server */
function policyOf({ origin }) {
  const socket = origin.replace(/^http/, "ws");
  return [
    `script-src ${origin} 'wasm-unsafe-eval'`,
    "worker-src blob:",
    `connect-src ${origin} ${socket}`,
    `media-src ${origin} blob:`,
  ].join(";\n");
}

/** @param {HTMLElement} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.textContent ?? "");
    said.textContent = "Copied.";
  } catch {
    getSelection()?.selectAllChildren(text);
    said.textContent = "It is selected; copy it with the keyboard.";
  }
}
