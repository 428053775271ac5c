// "Reduce noise": a switch that survives reload. It counts from the next recording on, so it is offered between
// recordings only; whether the browser or our own module does it is the engine's business.

import { tree } from "./tree.js";

const CHOOSING = new Set(["ended", "ready", "review"]);

/** A slice of the call element. */
export class NoiseSwitch {
  static styles = `
.switch { display: inline-flex; align-items: center; gap: 12px; min-height: 44px; cursor: pointer; }
.switch input {
  -webkit-appearance: none; appearance: none; flex: none; position: relative;
  width: 44px; min-height: 26px; height: 26px; margin: 0; padding: 0; border-radius: 999px; cursor: pointer;
  transition: background-color 120ms, border-color 120ms;
}
.switch input::before {
  content: ""; position: absolute; inset-block-start: 4px; inset-inline-start: 4px; width: 16px; height: 16px;
  border-radius: 50%; background: var(--edge); transition: transform 120ms, background-color 120ms;
}
.switch input:checked { background: var(--accent); border-color: var(--accent); }
.switch input:checked::before { background: var(--on-accent); transform: translateX(18px); }
@media (forced-colors: active) { .switch input:checked { background: Highlight; } .switch input::before { background: CanvasText; } }
`;

  #host;
  #box = tree("input", { type: "checkbox", role: "switch", part: "switch noise-switch", change: () => void this.#choose() });
  #asked = false;
  /** @type {boolean | undefined} nothing where the page wants the sound as it is */
  #reduces;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("label", { class: "switch", hidden: true }, this.#box, "Reduce noise");
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item, speechless }) {
    const choosing = CHOOSING.has(state) && !speechless && item?.kind !== "text";
    if (choosing && !this.#asked) void this.#ask();
    this.element.hidden = !choosing || this.#reduces === undefined;
  }

  /** Another engine may be another page's. */
  close() {
    this.#asked = false;
  }

  async #ask() {
    this.#asked = true;
    try {
      this.#reduces = await this.#host.ask((client) => client.reduces_noise());
      this.#box.checked = this.#reduces === true;
      this.#host.update();
    } catch {
      // Whoever opened the engine has heard of it.
      this.#asked = false;
    }
  }

  #choose() {
    return this.#host.attempt((client) => client.reduce_noise(this.#box.checked));
  }
}
