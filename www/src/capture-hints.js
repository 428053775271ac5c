// What the speaker should know while recording: what the microphone hears, what was lost, how much time and room is
// left, and that another microphone is used than was chosen.

import { hearingHint, insteadWords, leftWords, lostWords, roomWords } from "./capture-words.js";
import { say, tree } from "./tree.js";

const SPEAKING = new Set(["recording", "paused"]);
const BEFORE = new Set(["idle", "ended", "ready"]);
const LAST_WORDS = "The longest message is nearly full. This recording ends by itself, and what you said is kept.";

/** A slice of the call element. */
export class CaptureHints {
  static place = "hero";

  static styles = `
.hints { display: grid; justify-items: center; gap: 4px; max-width: 32rem; }
.hints .left { font-size: 1.25rem; font-weight: 560; }
`;

  #host;
  #left = tree("p", { class: "left figures", part: "time-left", role: "timer", "aria-live": "off", hidden: true });
  #lost = tree("p", { class: "small muted", part: "lost", hidden: true });
  /** @type {number | undefined} */
  #remainingMs;
  /** @type {{ at_ms: number, length_ms: number }[]} */
  #gaps = [];
  #hearing = "";
  #room = "";
  #instead = "";
  #blocked = false;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("div", { class: "hints", hidden: true }, this.#left, this.#lost);
  }

  /** @param {any} event */
  hear(event) {
    switch (event.type) {
      case "hearing": this.#hearing = hearingHint(event.code); break;
      case "time_left": this.#remainingMs = event.remaining_ms; break;
      case "gap": this.#gaps.push(event); break;
      case "room": this.#room = roomWords(event.fits_ms); break;
      case "microphone": this.#instead = event.missing === undefined ? "" : insteadWords(event.missing, event.label); break;
      case "state": return this.#turn(event.state);
      case "error": this.#blocked ||= event.code === "storage_blocked"; return;
      case "outbox": return this.#unblock();
      default: return;
    }
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  note({ state }) {
    if (state === "recording") return (this.#remainingMs !== undefined && LAST_WORDS) || this.#hearing || this.#instead || this.#room;
    return BEFORE.has(state) ? this.#instead : "";
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    const left = SPEAKING.has(state) ? this.#remainingMs : undefined;
    say(this.#left, left === undefined ? "" : leftWords(left));
    say(this.#lost, lostWords(SPEAKING.has(state) ? this.#gaps : state === "review" ? (item?.gaps ?? this.#gaps) : []));
    this.element.hidden = this.#left.hidden && this.#lost.hidden;
  }

  /** The recorder is gone. */
  close() {
    this.#forget();
    this.#instead = "";
  }

  /** @param {string} state */
  #turn(state) {
    if (!SPEAKING.has(state)) this.#forget(state !== "review");
    this.#host.update();
  }

  #forget(gaps = true) {
    this.#remainingMs = undefined;
    this.#hearing = "";
    this.#room = "";
    if (gaps) this.#gaps = [];
  }

  /** The engine waited for another tab, and goes on. */
  #unblock() {
    if (this.#blocked) this.#host.complain("");
    this.#blocked = false;
  }
}
