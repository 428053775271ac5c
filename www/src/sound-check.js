// The sound check before speaking: what the microphone hears, what that is good for, and which microphone it is. The
// microphone is open only while the panel is.

import { checkVerdict, insteadWords } from "./capture-words.js";
import { button, tree } from "./tree.js";
import { Waveform } from "./waveform.js";

/** Where one may check; anywhere else the microphone has something to do. */
const CHECKING = new Set(["idle", "ended", "ready"]);
const BY_ITSELF = "The browser’s choice";

/** A slice of the call element. */
export class SoundCheck {
  static place = "hero";

  static styles = `
.check { display: grid; gap: 16px; width: 100%; max-width: 32rem; padding: 16px 20px 20px; border-radius: var(--radius); background: var(--wash); text-align: start; }
.check .wave { height: 64px; }
.check:not([hidden]) ~ .hero { display: none; }
.check .row { align-items: end; justify-content: space-between; gap: 12px; }
.check label { flex: 1 1 14rem; min-width: 0; }
.check select {
  width: 100%; min-height: 48px; padding: 0 12px; border: 1px solid var(--edge); border-radius: 12px;
  background: var(--paper); color: var(--ink); font: inherit; font-size: max(1rem, 16px); text-overflow: ellipsis;
}
.check button { background: var(--paper); }
`;

  #host;
  #waveform = new Waveform();
  #select = tree("select", { part: "input microphone-input", change: () => void this.#choose() });
  #done = button("Done", "close", () => this.#end());
  #check = button("Check microphone", "voice", () => void this.#begin());
  #open = false;
  #asked = false;
  #code = "listening";
  #instead = "";
  #state = "idle";
  #ends = new AbortController();

  buttons = { check: this.#check };

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.#waveform.progress = 1;
    this.element = tree(
      "div",
      { class: "check", part: "sound-check", role: "group", "aria-label": "Sound check", hidden: true },
      this.#waveform.element,
      tree("div", { class: "row" }, tree("label", {}, "Microphone", this.#select), this.#done),
    );
  }

  /** @param {any} event */
  hear(event) {
    if (event.type === "microphone") this.#instead = event.missing === undefined ? "" : insteadWords(event.missing, event.label);
    if (event.type !== "sound_check" || !this.#open) return;
    this.#waveform.push(event.peak);
    if (this.#asked && event.code === this.#code) return;
    this.#asked = true;
    this.#code = event.code;
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state }) {
    this.#state = state;
    if (this.#open && !CHECKING.has(state)) this.#shut();
    this.element.hidden = !this.#open;
  }

  /** The verdict is read where everything is read. */
  note() {
    if (!this.#open) return "";
    if (!this.#asked) return "Your browser may ask for the microphone: it is for this check only, and nothing is recorded.";
    return this.#instead ? `${this.#instead} ${checkVerdict(this.#code)}` : checkVerdict(this.#code);
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  offered({ state }) {
    return CHECKING.has(state) && !this.#open ? ["check"] : [];
  }

  /** The engine is gone, and the microphone with it. */
  close() {
    this.#shut();
  }

  async #begin() {
    this.#ends = new AbortController();
    const { signal } = this.#ends;
    this.#open = true;
    this.#host.complain("");
    this.#waveform.begin();
    this.#host.update();
    this.#done.focus();
    document.addEventListener("visibilitychange", () => document.hidden && this.#end(), { signal });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#list(), { signal });
    await this.#listen();
  }

  /** Opens the microphone, the one that is chosen by now. */
  async #listen() {
    const { signal } = this.#ends;
    this.#asked = false;
    this.#code = "listening";
    try {
      await this.#host.ask((client) => client.check_microphone());
      if (!signal.aborted) await this.#list();
    } catch (error) {
      if (signal.aborted) return;
      this.#host.fail(error);
      this.#end();
    }
  }

  async #list() {
    await this.#host.attempt(async (client) => {
      const { microphones, chosen } = await client.microphones();
      const known = microphones.some(({ id }) => id === chosen?.id);
      const missing = chosen && !known ? [tree("option", { value: chosen.id }, `${chosen.label || "Chosen microphone"} (not connected)`)] : [];
      const options = microphones.map(({ id, label }, index) => tree("option", { value: id }, label || `Microphone ${index + 1}`));
      this.#select.replaceChildren(tree("option", { value: "" }, BY_ITSELF), ...options, ...missing);
      this.#select.value = chosen?.id ?? "";
    });
  }

  async #choose() {
    const { value } = this.#select;
    await this.#host.attempt((client) => client.choose_microphone(value));
    this.#waveform.begin();
    this.#host.update();
    await this.#listen();
  }

  #end() {
    const focused = this.element.contains(/** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement);
    this.#shut();
    void this.#host.attempt((client) => client.end_check());
    this.#host.update();
    if (focused && CHECKING.has(this.#state)) this.#check.focus();
  }

  #shut() {
    this.#open = false;
    this.#ends.abort();
  }
}
