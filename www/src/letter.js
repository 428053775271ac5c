// Shows one written message: closed until somebody opens it. Its words are text and nothing else.

import { button, relabel, say, tree } from "./tree.js";

/** One letter. It loads its words at the first opening; `heard` is called once they were shown. */
export class Letter {
  #words = tree("blockquote", { class: "words", part: "words", hidden: true });
  #button;
  #load;
  #heard;
  #failed;
  #loaded = false;
  #open = false;

  /** @param {{ load: () => Promise<Blob>, heard: () => void, failed: (error: Error) => void }} options */
  constructor({ load, heard, failed }) {
    this.#load = load;
    this.#heard = heard;
    this.#failed = failed;
    this.#button = button("Read", "read", () => void this.toggle());
    this.#button.setAttribute("aria-expanded", "false");
  }

  /** The Read button, which reads Close while the words are shown. */
  get button() {
    return this.#button;
  }

  /** Where the words are shown. */
  get words() {
    return this.#words;
  }

  /** Opens, or closes what is open. */
  async toggle() {
    if (this.#open) return this.#show(false);
    try {
      if (!this.#loaded) say(this.#words, await (await this.#load()).text());
      this.#loaded = true;
      this.#show(true);
      this.#heard();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Forgets the words. */
  close() {
    this.#show(false);
    this.#loaded = false;
    say(this.#words, "");
  }

  /** @param {boolean} open */
  #show(open) {
    this.#open = open;
    this.#words.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    relabel(this.#button, open ? "Close" : "Read", open ? "close" : "read");
  }
}
