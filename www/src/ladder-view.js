// One call: the picture, the same as an ordered list whose messages open by click and key, and the files to save.

import { count, moment } from "./figures.js";
import { draw, file } from "./ladder-picture.js";
import { after, outcomeOf, rowsOf, titleOf } from "./ladder-rows.js";
import { text } from "./ladder-text.js";
import { saveAs } from "./save-as.js";
import { button, say, tree } from "./tree.js";

/** A lane narrower than this could not be read; the picture is scrolled instead. */
const NARROWEST_LANE = 84;

/** One call. */
export class LadderView {
  #title = tree("h2", { class: "headline", tabindex: "-1" });
  #facts = tree("p", { class: "muted" });
  #left = tree("p", { class: "muted", hidden: true });
  #frame = tree("div", { class: "frame", role: "img", tabindex: "0", "aria-label": "Picture of the call. The list of messages says the same." });
  #list = tree("ol", { class: "steps", "aria-label": "Messages" });
  /** @type {import("./ladder-rows.js").Ladder | undefined} */
  #ladder;
  #drawn = 0;

  constructor() {
    const save = tree(
      "div",
      { class: "row saves" },
      button("Save as text", "save", () => this.#save("txt", "text/plain", text), "quiet"),
      button("Save as SVG", "save", () => this.#save("svg", "image/svg+xml", file), "quiet"),
    );
    this.element = tree("section", { class: "ladder", hidden: true }, this.#title, this.#facts, this.#left, save, tree("div", { class: "sides" }, this.#frame, this.#list));
    new ResizeObserver(() => this.#draw()).observe(this.#frame);
    this.#frame.addEventListener("click", (event) => this.#reveal(event));
  }

  /** @param {import("./ladder-rows.js").Ladder | undefined} ladder */
  show(ladder) {
    this.#ladder = ladder;
    this.element.hidden = !ladder;
    if (!ladder) return;
    say(this.#title, titleOf(ladder));
    const when = moment(Date.parse(ladder.began_at), Date.now());
    say(this.#facts, `${when}. ${outcomeOf(ladder)}. ${count(ladder.entries.length, "message")}; secrets are shown as ***.`);
    say(this.#left, ladder.left_out > 0 ? "More messages of this call were not kept." : "");
    this.#list.replaceChildren(...rowsOf(ladder).map(item));
    this.#drawn = 0;
    this.#draw();
  }

  /** Puts the cursor on the title, where reading begins. */
  focus() {
    this.#title.focus();
  }

  #draw() {
    const ladder = this.#ladder;
    const room = Math.floor(this.#frame.clientWidth);
    const width = ladder ? Math.max(room, ladder.ends.length * NARROWEST_LANE) : 0;
    if (!ladder || width === 0 || width === this.#drawn) return;
    this.#drawn = width;
    this.#frame.replaceChildren(draw(ladder, width));
  }

  /** @param {MouseEvent} event */
  #reveal(event) {
    const step = /** @type {Element} */ (event.target).closest("[data-number]");
    const details = step && this.#list.querySelector(`#step-${step.getAttribute("data-number")}`);
    if (!details) return;
    details.open = true;
    details.querySelector("summary").focus({ preventScroll: true });
    details.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {string} ending
   * @param {string} type
   * @param {(ladder: import("./ladder-rows.js").Ladder) => string} print
   */
  #save(ending, type, print) {
    const ladder = /** @type {import("./ladder-rows.js").Ladder} */ (this.#ladder);
    const name = `call-${ladder.began_at.slice(0, 19).replaceAll(":", "-")}.${ending}`;
    saveAs(new Blob([print(ladder)], { type }), name);
  }
}

/**
 * @param {import("./ladder-rows.js").Row} row
 * @returns {HTMLElement}
 */
function item(row) {
  if (row.kind === "gap") return tree("li", { class: "gap small muted" }, row.label);
  const when = tree("span", { class: "small muted figures at" }, after(row.after));
  if (row.kind === "note") return tree("li", { class: "noted" }, when, tree("span", {}, row.label));
  const { from, to, label, number, message } = row;
  const way = tree("span", { class: "small muted way" }, `${from} to ${to}`);
  const summary = tree("summary", {}, when, tree("span", { class: (message.status ?? 0) >= 400 ? "what bad" : "what" }, label), way);
  const size = tree("p", { class: "small muted" }, `${message.start ? "" : "Not readable. "}${message.size.toLocaleString("en-GB")} bytes on the wire`);
  const words = tree("pre", { tabindex: "0", "aria-label": `Message ${number}` }, message.message.replaceAll("\r\n", "\n").trimEnd());
  return tree("li", {}, tree("details", { id: `step-${number}` }, summary, size, words));
}
