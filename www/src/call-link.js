// The link by which anybody calls the owner of a mailbox: shown, copied, tried.

import { button, tree } from "./tree.js";

/** One link. */
export class CallLink {
  #link = tree("input", { readOnly: true, part: "input", focus: () => this.#link.select() });
  #told;

  /** @param {(words: string) => void} told what was done */
  constructor(told) {
    this.#told = told;
    const copy = button("Copy", "copy", () => void this.#copy());
    const call = button("Call myself", "call", () => window.open(this.#link.value, "_blank", "noopener"));
    this.element = tree("div", { class: "link" }, tree("label", {}, "Anyone with this link can call you", this.#link), copy, call);
  }

  /** @param {string} link */
  show(link) {
    this.#link.value = link;
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#link.value);
      this.#told("Call link copied.");
    } catch {
      this.#link.select();
      this.#told("The link is selected; copy it with the keyboard.");
    }
  }
}
