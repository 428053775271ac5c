// The first-run page: it takes the place of a page while the exchange has no user at all, and makes the
// first one with the operator's token. Afterwards it never appears again.

import { tree } from "./tree.js";

/**
 * Shows the first-run page where it is needed.
 * @returns {Promise<{ needed: boolean, demo: boolean }>}
 */
export async function offerFirstRun() {
  const answer = await ask();
  if (answer.needed) {
    document.title = "Welcome – Afterbeep";
    document.querySelector("main")?.replaceChildren(form());
  }
  return answer;
}

async function ask() {
  if (!navigator.onLine) return { needed: false, demo: false };
  try {
    const answer = await fetch("/admin/first-run", { signal: AbortSignal.timeout(4000) });
    const { needed, demo } = await answer.json();
    return { needed: needed === true, demo: demo === true };
  } catch {
    return { needed: false, demo: false };
  }
}

function form() {
  const trouble = tree("p", { role: "alert", hidden: true });
  return tree(
    "form",
    { class: "first-run", submit: (event) => void submit(event, trouble) },
    tree("h1", {}, "Create the first user"),
    tree("p", {}, "Nobody can be called here yet. Give yourself an address; others can follow later."),
    field("Admin token", { name: "token", type: "password", autocomplete: "off", required: true }),
    field("Address", { name: "address", autocapitalize: "none", autocomplete: "username", spellcheck: "false", placeholder: "anna", required: true }),
    field("Your name", { name: "display_name", autocomplete: "name", placeholder: "Anna" }),
    field("Password", { name: "password", type: "password", autocomplete: "new-password", minlength: "8", required: true }),
    trouble,
    tree("button", { type: "submit" }, "Create user"),
  );
}

/**
 * @param {string} words
 * @param {Record<string, unknown>} attributes
 */
function field(words, attributes) {
  return tree("label", {}, words, tree("input", attributes));
}

/**
 * @param {SubmitEvent} event
 * @param {HTMLElement} trouble
 */
async function submit(event, trouble) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const { token, address, display_name: name, password } = Object.fromEntries(new FormData(form));
  const refusal = await make(String(token), String(address).trim(), { password, display_name: name || address });
  trouble.textContent = refusal;
  trouble.hidden = refusal === "";
  if (refusal === "") location.assign(`/inbox?address=${encodeURIComponent(String(address).trim())}`);
}

/**
 * @param {string} token
 * @param {string} address
 * @param {object} facts
 * @returns {Promise<string>} why not, or nothing
 */
async function make(token, address, facts) {
  const full = address.includes("@") ? address : `${address}@${location.hostname}`;
  const path = `/admin/users/${encodeURIComponent(full.startsWith("sip:") ? full : `sip:${full}`)}`;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  try {
    const answer = await fetch(path, { method: "PUT", headers, body: JSON.stringify(facts), signal: AbortSignal.timeout(10_000) });
    if (answer.ok) return "";
    if (answer.status === 401 || answer.status === 403) return "This admin token is not the right one. The command that deployed Afterbeep printed it.";
    const problem = await answer.json().catch(() => ({}));
    return problem.detail || problem.title || `The server refused this (status ${answer.status}).`;
  } catch {
    return "The server cannot be reached. Nothing was changed; try again.";
  }
}
