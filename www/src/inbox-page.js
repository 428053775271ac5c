// The inbox page: the number of new messages stands in the title.

import { offerFirstRun } from "./first-run.js";

const element = /** @type {any} */ (document.querySelector("afterbeep-inbox"));
const NAME = "Inbox – Afterbeep";

const query = new URLSearchParams(location.search);

if (query.get("processing") === "off") element.setAttribute("processing", "off");
if (query.has("address")) element.setAttribute("address", query.get("address") ?? "");
element.addEventListener("afterbeep-inbox", ({ detail }) => {
  document.title = detail.new > 0 ? `(${detail.new}) ${NAME}` : NAME;
});
void offerFirstRun();
