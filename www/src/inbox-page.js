// The inbox page: the number of new messages stands in the title.

import { offerFirstRun } from "./first-run.js";

const element = /** @type {any} */ (document.querySelector("afterbeep-inbox"));
const NAME = "Inbox – Afterbeep";

if (new URLSearchParams(location.search).get("processing") === "off") element.setAttribute("processing", "off");
element.addEventListener("afterbeep-inbox", ({ detail }) => {
  document.title = detail.new > 0 ? `(${detail.new}) ${NAME}` : NAME;
});
void offerFirstRun();
