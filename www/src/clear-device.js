// Clearing the device: what would be lost is named first, and only a second press does it.

import { stopTelling } from "./away-notice.js";
import { lossLine } from "./outbox-words.js";
import { button, say, tree } from "./tree.js";

/** The button under the outbox and the question it asks. */
export class ClearDevice {
  #clear;
  #ask = button("Clear this device", "delete", () => this.#open(true), "quiet");
  #words = tree("p", { id: "clear-device-words" });
  #yes = button("Clear everything", "delete", () => void this.#do());
  #no = button("Cancel", "close", () => this.#open(false), "quiet");
  #question = tree(
    "div",
    { class: "question", part: "clear-question", role: "group", "aria-label": "Clear this device?", hidden: true },
    this.#words,
    tree("div", { class: "row" }, this.#yes, this.#no),
  );

  /** @param {() => Promise<unknown>} clear */
  constructor(clear) {
    this.#clear = clear;
    this.#yes.setAttribute("aria-describedby", "clear-device-words");
    this.#question.addEventListener("keydown", (event) => event.key === "Escape" && this.#open(false));
    this.element = tree("div", { class: "clear" }, this.#ask, this.#question);
  }

  /** @param {import("./engine.js").OutboxItem[]} items everything on this device */
  show(items) {
    say(this.#words, lossLine(items));
  }

  /** @param {boolean} open */
  #open(open) {
    this.#question.hidden = !open;
    this.#ask.hidden = open;
    (open ? this.#no : this.#ask).focus();
  }

  async #do() {
    this.#open(false);
    stopTelling();
    await this.#clear();
  }
}
