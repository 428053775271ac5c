// Plays the greeting from its web address and shows it as a waveform. It goes on to its end whatever
// happens to the call, and tells its owner when it is over.

import { clock } from "./figures.js";
import { peaksOf } from "./sound.js";
import { say } from "./tree.js";

/** One greeting at a time. */
export class GreetingPlayer {
  #audio = new Audio();
  #waveform;
  #time;
  #caption;
  #ended;
  #blocked;
  #frame = 0;
  #url = "";
  #durationMs = 0;

  /**
   * @param {{ waveform: import("./waveform.js").Waveform, time: Element, caption: Element, ended: () => void, blocked: () => void }} options
   */
  constructor({ waveform, time, caption, ended, blocked }) {
    this.#waveform = waveform;
    this.#time = time;
    this.#caption = caption;
    this.#ended = ended;
    this.#blocked = blocked;
    for (const name of ["ended", "error"]) this.#audio.addEventListener(name, () => this.#over());
    this.#audio.addEventListener("play", () => this.#paint());
  }

  /**
   * Plays a greeting from the beginning.
   * @param {string} url
   * @param {number} [durationMs]
   */
  async play(url, durationMs = 0) {
    this.stop();
    this.#durationMs = durationMs;
    this.#waveform.show();
    const { sound, caption } = await fetchSound(url);
    say(this.#caption, caption);
    this.#url = sound ? URL.createObjectURL(sound) : "";
    this.#audio.src = this.#url || url;
    if (sound) void this.#draw(sound);
    await this.resume();
  }

  /** Starts it by the user's hand where the browser did not allow it to start by itself. */
  async resume() {
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#blocked();
    }
  }

  /** Stops it and forgets it. */
  stop() {
    cancelAnimationFrame(this.#frame);
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
    say(this.#caption, "");
  }

  /** @param {Blob} sound */
  async #draw(sound) {
    const url = this.#url;
    const peaks = await peaksOf(sound);
    if (peaks && url === this.#url) this.#waveform.show(peaks);
  }

  #over() {
    if (!this.#audio.getAttribute("src")) return;
    cancelAnimationFrame(this.#frame);
    this.#ended();
  }

  #paint() {
    const length = Number.isFinite(this.#audio.duration) ? this.#audio.duration * 1000 : this.#durationMs;
    const position = this.#audio.currentTime * 1000;
    this.#waveform.progress = length > 0 ? position / length : 0;
    say(this.#time, length > 0 ? `${clock(position)} / ${clock(length)}` : clock(position));
    if (!this.#audio.paused) this.#frame = requestAnimationFrame(() => this.#paint());
  }
}

/**
 * The sound and its words in one request; nothing if the address cannot be read from here, when it is played directly.
 * @param {string} url
 * @returns {Promise<{ sound?: Blob, caption: string }>}
 */
async function fetchSound(url) {
  try {
    const answer = await fetch(url, { credentials: "omit", redirect: "error", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) return { caption: "" };
    return { sound: await answer.blob(), caption: decodeURIComponent(answer.headers.get("afterbeep-caption") ?? "") };
  } catch {
    return { caption: "" };
  }
}
