// Silence: the countdown to the end of a recording that nobody speaks into any more, and what is left out at the
// ends of a draft.

import { button, relabel, say, tree } from "./tree.js";

/** A slice of the call element. */
export class Silence {
  static place = "hero";

  static styles = `
.silence { display: flex; flex-wrap: wrap; justify-content: center; align-items: center; gap: 0 8px; }
.silence p { margin: 0; }
.silence .countdown { font-size: 1.25rem; font-weight: 560; }
`;

  #host;
  #countdown = tree("p", { class: "countdown figures", part: "countdown", role: "timer", "aria-live": "off", hidden: true });
  #words = tree("p", { class: "small muted", id: "silence", part: "silence", hidden: true });
  #button;
  /** @type {number | undefined} */
  #remainingMs;
  #id = "";
  #leftOut = false;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.#button = button("Keep it", "again", () => void this.#turn(), "quiet");
    this.#button.setAttribute("aria-describedby", "silence");
    this.element = tree("div", { class: "silence", hidden: true }, this.#countdown, this.#words, this.#button);
  }

  /** @param {{ type: string, state?: string, remaining_ms?: number }} event */
  hear({ type, state, remaining_ms: remainingMs }) {
    if (type === "silence") this.#remainingMs = remainingMs;
    else if (type === "state" && state !== "recording") this.#remainingMs = undefined;
    else return;
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  note({ state }) {
    return state === "recording" && this.#remainingMs !== undefined ? "Nobody speaks. Say something to go on." : "";
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    const counting = state === "recording" && this.#remainingMs !== undefined;
    say(this.#countdown, counting ? `Stops in ${Math.round(this.#remainingMs / 1000)} s` : "");
    const where = state === "review" && item ? ends(item) : "";
    if (where) this.#id = item.deposit_id;
    this.#leftOut = where !== "" && item.trim_start_ms + item.trim_end_ms > 0;
    say(this.#words, where && `Silence ${where} is ${this.#leftOut ? "left out" : "kept"}.`);
    relabel(this.#button, this.#leftOut ? "Keep it" : "Leave it out", this.#leftOut ? "again" : "skip");
    this.#button.hidden = !where;
    this.element.hidden = !counting && !where;
  }

  /** The recorder is gone. */
  close() {
    this.#remainingMs = undefined;
  }

  #turn() {
    return this.#host.attempt((client) => client.keep_silence(this.#id, this.#leftOut));
  }
}

/**
 * Where a draft has silence that is left out, or was.
 * @param {import("./engine.js").OutboxItem} item
 */
function ends({ silent_start_ms: start = 0, silent_end_ms: end = 0, trim_start_ms: trimStart = 0, trim_end_ms: trimEnd = 0, cut }) {
  const [atStart, atEnd] = cut ? [trimStart, trimEnd] : [start, end];
  if (atStart > 0 && atEnd > 0) return "at both ends";
  if (atStart > 0) return "at the beginning";
  return atEnd > 0 ? "at the end" : "";
}
