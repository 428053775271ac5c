// The title of a draft: one line, kept as it is typed.

import { tree } from "./tree.js";

const SAVE_AFTER_MS = 400;
const OPEN = new Set(["review", "writing"]);

/** A slice of the call element. */
export class DraftTitle {
  static styles = `
.stage .titling { max-width: 32rem; }
`;

  #host;
  #input = tree("input", { part: "input title-input", maxlength: "100", autocomplete: "off", placeholder: "Optional", enterkeyhint: "done" });
  #id = "";
  #typed = "";
  #saved = "";
  #seen = "";
  #timer = 0;
  /** @type {Promise<void>} */
  #saving = Promise.resolve();

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.#input.addEventListener("input", () => {
      this.#typed = this.#input.value;
      this.#timer ||= window.setTimeout(() => void this.settle(), SAVE_AFTER_MS);
    });
    this.#input.addEventListener("change", () => void this.settle());
    this.element = tree("div", { class: "field titling", part: "title", hidden: true }, tree("label", {}, "Title", this.#input));
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    const id = OPEN.has(state) && item ? item.deposit_id : "";
    this.element.hidden = id === "";
    const title = item?.title ?? "";
    const isOther = id !== this.#id;
    const isTyping = this.#typed !== this.#saved;
    if (isOther) void this.settle();
    else if (title === this.#seen || isTyping) return;
    this.#id = id;
    this.#seen = this.#saved = this.#typed = title;
    if (id) this.#input.value = title;
  }

  /** Stores what is typed. */
  settle() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const [id, title] = [this.#id, this.#typed];
    if (!id || title === this.#saved) return this.#saving;
    this.#saved = title;
    this.#saving = this.#saving.then(() => this.#host.attempt((client) => client.set_title(id, title)));
    return this.#saving;
  }

  close() {
    void this.settle();
  }
}
