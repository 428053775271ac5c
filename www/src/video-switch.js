// Voice or video: the switch, and what the camera sees before and while it is recorded. What is chosen stands in the
// element's attribute `kind`; the camera opens at a press only, and the engine says when it is on.

import { icon } from "./icon.js";
import { say, tree } from "./tree.js";

/** Where one chooses. In `review` the choice is for the next recording. */
const CHOOSING = new Set(["ended", "ready", "review"]);
const KINDS = { voice: "Voice", video: "Video" };

/** A slice of the call element. */
export class VideoSwitch {
  static place = "hero";

  static styles = `
.filming { display: grid; justify-items: center; gap: 16px; width: 100%; }
.preview { width: 100%; max-width: 26rem; aspect-ratio: 4 / 3; object-fit: cover; border-radius: var(--radius); background: var(--line); transform: scaleX(-1); }
.kinds { display: inline-flex; gap: 4px; padding: 4px; border-radius: 999px; background: var(--wash); }
.kinds button { min-height: 44px; padding: 0 20px; border-color: transparent; color: var(--soft); }
.kinds button[aria-pressed="true"] { background: var(--paper); border-color: var(--edge); color: var(--ink); }
`;

  #host;
  #preview = tree("video", { class: "preview", part: "preview", "aria-label": "What your camera sees", playsinline: "", autoplay: true, muted: true, hidden: true });
  #hint = tree("p", { class: "small muted", hidden: true });
  #buttons = Object.entries(KINDS).map(([kind, word]) =>
    tree("button", { type: "button", part: `button ${kind}-button`, "data-kind": kind, click: () => void this.#choose(kind) }, icon(kind), tree("span", {}, word)),
  );
  #choice = tree("div", { class: "kinds", part: "kinds", role: "group", "aria-label": "Kind of message", hidden: true }, ...this.#buttons);
  #state = "idle";
  /** @type {string | undefined} what the engine was told */
  #told;
  #open = false;
  #able = false;
  #asked = false;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("div", { class: "filming", hidden: true }, this.#preview, this.#choice, this.#hint);
  }

  /** @param {{ type: string, kind?: string, stream?: MediaStream }} event */
  hear({ type, kind, stream }) {
    this.#open = true;
    if (type !== "camera") return;
    this.#preview.srcObject = stream ?? null;
    if (kind) {
      this.#told = kind;
      this.#host.element.setAttribute("kind", kind);
    }
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state }) {
    this.#state = state;
    const choosing = CHOOSING.has(state);
    if (choosing && !this.#asked) void this.#ask();
    if (this.#open) void this.#tell(this.#kind);
    this.#paint(choosing && this.#able);
  }

  /**
   * In review the choice means another recording, which is said.
   * @param {import("./call-slices.js").SliceSituation} situation
   */
  note({ state, item }) {
    const draft = item?.kind ?? "";
    if (state !== "review" || !this.#able || draft === this.#kind || !(draft in KINDS)) return "";
    return draft === "video"
      ? "This draft is a video, and Send sends it as it is. Press Keep only the sound, or Re-record."
      : "This draft is voice, and Send sends it as it is. Press Re-record to make it a video.";
  }

  /** The camera is off; another engine may be another server's. */
  close() {
    this.#preview.srcObject = null;
    this.#asked = false;
    this.#open = false;
    this.#told = undefined;
  }

  get #kind() {
    return this.#host.attribute("kind") === "video" ? "video" : "voice";
  }

  /** @param {boolean} choosing */
  #paint(choosing) {
    const sees = this.#preview.srcObject !== null;
    this.#preview.hidden = !sees;
    this.#choice.hidden = !choosing;
    for (const button of this.#buttons) button.setAttribute("aria-pressed", String(button.dataset.kind === this.#kind));
    const dark = choosing && this.#state !== "review" && this.#kind === "video" && !sees;
    say(this.#hint, dark ? "Your camera is off until you press Record." : "");
    this.element.hidden = !choosing && !sees;
  }

  /** Asks once whether this browser can record video. */
  async #ask() {
    this.#asked = true;
    try {
      this.#able = await this.#host.ask((client) => client.can_film());
      if (this.#able) this.#host.update();
    } catch {
      // Whoever opened the engine has heard of it.
      this.#asked = false;
    }
  }

  /** @param {string} kind */
  async #choose(kind) {
    if (kind !== this.#kind) this.#host.complain("");
    this.#host.element.setAttribute("kind", kind);
    await this.#tell(kind);
    if (kind === "video" && this.#state !== "review" && CHOOSING.has(this.#state)) await this.#host.attempt((client) => client.open_camera());
  }

  /** @param {string} kind what the next message is to be */
  async #tell(kind) {
    if (kind === this.#told) return;
    this.#told = kind;
    await this.#host.attempt((client) => client.set_kind(kind));
  }
}
