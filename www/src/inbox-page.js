// The inbox page: who is calling stands in the title, else the number of new messages.

import { offerFirstRun } from "./first-run.js";

const element = /** @type {any} */ (document.querySelector("afterbeep-inbox"));
const NAME = "Inbox – Afterbeep";

let fresh = 0;
let calling = "";

const query = new URLSearchParams(location.search);

if (query.get("processing") === "off") element.setAttribute("processing", "off");
if (query.has("address")) element.setAttribute("address", query.get("address") ?? "");

element.addEventListener("afterbeep-inbox", ({ detail }) => {
  fresh = detail.new;
  entitle();
});
element.addEventListener("afterbeep-incoming", ({ detail }) => {
  calling = detail.name;
  entitle();
});
element.addEventListener("afterbeep-incoming-over", () => {
  calling = "";
  entitle();
});

function entitle() {
  document.title = calling ? `${calling} is calling – Afterbeep` : fresh > 0 ? `(${fresh}) ${NAME}` : NAME;
}

void offerFirstRun();
