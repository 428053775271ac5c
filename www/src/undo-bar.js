// The bar that takes a deletion back: it stays a minute, or until the next deletion.

import { say, tree } from "./tree.js";

const SHOWN_MS = 60_000;

/** One bar; only the newest deletion can be undone from it. */
export class UndoBar {
  #words = tree("span");
  #button = tree("button", { type: "button", part: "button undo-button", click: () => this.#press() }, "Undo");
  #bar = tree("div", { class: "undo", part: "undo", hidden: true }, this.#words, this.#button);
  /** @type {() => void} */
  #undo = () => {};
  #timer = 0;

  /** The bar itself. */
  get element() {
    return this.#bar;
  }

  /**
   * Offers to take something back.
   * @param {string} words what was done
   * @param {() => void} undo
   */
  offer(words, undo) {
    clearTimeout(this.#timer);
    say(this.#words, words);
    this.#undo = undo;
    this.#bar.hidden = false;
    this.#button.focus({ preventScroll: true });
    this.#timer = window.setTimeout(() => this.hide(), SHOWN_MS);
  }

  /** Puts the bar away; the deletion stands. */
  hide() {
    clearTimeout(this.#timer);
    this.#bar.hidden = true;
  }

  #press() {
    this.hide();
    this.#undo();
  }
}
