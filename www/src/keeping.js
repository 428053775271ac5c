// One quiet line where messages wait in a browser that has not promised to keep them.

import { MAY_BE_REMOVED } from "./capture-words.js";
import { say, tree } from "./tree.js";

/** At rest on this device: nothing takes them away soon. */
const WAITING = new Set(["interrupted", "recorded", "waiting", "failed"]);

/** A slice of the call element. */
export class Keeping {
  static styles = `.keeping { max-width: 32rem; }`;

  element = tree("p", { class: "keeping small muted", part: "keeping", hidden: true });
  #host;
  #promised = true;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {any} event */
  hear({ type, persisted }) {
    if (type !== "storage" || persisted === this.#promised) return;
    this.#promised = persisted;
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ items }) {
    const waits = items.some(({ state }) => WAITING.has(state));
    say(this.element, waits && !this.#promised ? MAY_BE_REMOVED : "");
  }
}
