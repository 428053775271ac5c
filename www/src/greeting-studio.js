// Where the owner of a mailbox makes the greeting: spoken here, or taken from an audio file.

import { clock } from "./figures.js";
import { Player } from "./player.js";
import { button, say, tree } from "./tree.js";
import { Waveform } from "./waveform.js";

/**
 * What the studio asks its owner to do.
 * @typedef {object} StudioRequests
 * @property {(method: string, ...rest: unknown[]) => Promise<any>} ask a method of the engine
 * @property {() => Promise<void>} record
 * @property {(error: Error) => void} failed
 * @property {(words: string) => void} told what was done
 */

/** The studio; it shows the engine's events that its owner passes on. */
export class GreetingStudio {
  #waveform = new Waveform();
  #time = tree("p", { class: "figures small muted" });
  #live = tree("div", { hidden: true }, this.#waveform.element, this.#time);
  #player;
  #review;
  #file = tree("input", { type: "file", accept: "audio/ogg,audio/webm,audio/mp4,.ogg,.opus,.webm,.m4a,.mp4", class: "sr", change: () => void this.#upload() });
  #buttons;
  #requests;
  #draft = "";
  #durationMs = 0;

  /** @param {StudioRequests} requests */
  constructor(requests) {
    this.#requests = requests;
    this.#player = new Player({ load: () => requests.ask("play_url", this.#draft), failed: requests.failed });
    this.#review = tree("div", { hidden: true }, this.#player.slider, this.#player.time);
    this.#buttons = {
      begin: button("Record greeting", "record", () => void this.#begin(), "primary"),
      stop: button("Stop", "stop", () => void this.#try("stop"), "primary"),
      use: button("Use as greeting", "send", () => void this.#use(), "primary"),
      play: this.#player.button,
      again: button("Re-record", "again", () => void this.#begin()),
      cancel: button("Cancel", "delete", () => void this.#cancel()),
      upload: button("Upload audio file", "upload", () => this.#file.click()),
    };
    this.#file.tabIndex = -1;
    this.#file.setAttribute("aria-label", "Greeting audio file");
    this.element = tree(
      "div",
      { class: "studio", part: "greeting-studio" },
      this.#live,
      this.#review,
      tree("div", { class: "row" }, ...Object.values(this.#buttons), this.#file),
    );
    this.#offer("begin", "upload");
  }

  /**
   * Takes an event of the engine.
   * @param {any} event
   */
  hear(event) {
    if (event.type === "state" && event.state === "recording") this.#recording();
    if (event.type === "level") this.#level(event);
    if (event.type === "recorded") this.#recorded(event);
  }

  /** Whether a recording waits for a decision. */
  get busy() {
    return this.#draft !== "";
  }

  /** Releases the sound. */
  close() {
    this.#player.close();
  }

  async #begin() {
    await this.#drop();
    await this.#requests.record();
  }

  #recording() {
    this.#waveform.begin();
    this.#waveform.progress = 1;
    say(this.#time, clock(0));
    this.#view(this.#live);
    this.#offer("stop");
    this.#buttons.stop.focus();
  }

  #level({ peak, elapsed_ms: elapsedMs }) {
    this.#waveform.push(peak);
    say(this.#time, clock(elapsedMs));
  }

  #recorded({ deposit_id: id, duration_ms: durationMs, waveform }) {
    this.#draft = id;
    this.#durationMs = durationMs;
    this.#player.show(waveform, durationMs);
    this.#view(this.#review);
    this.#offer("use", "play", "again", "cancel");
    this.#buttons.use.focus();
  }

  async #use() {
    await this.#put(this.#draft, this.#durationMs);
  }

  async #upload() {
    const file = this.#file.files?.[0];
    this.#file.value = "";
    if (!file) return;
    try {
      await this.#put(typed(file), await lengthOf(file));
    } catch (error) {
      this.#requests.failed(error);
    }
  }

  /**
   * @param {string | Blob} sound
   * @param {number} durationMs
   */
  async #put(sound, durationMs) {
    if ((await this.#try("put_greeting", sound, durationMs)) === FAILED) return;
    await this.#drop();
    this.#rest();
    this.#requests.told("Your greeting is in place. Callers hear it from now on.");
  }

  async #cancel() {
    await this.#drop();
    this.#rest();
  }

  async #drop() {
    const draft = this.#draft;
    this.#draft = "";
    this.#player.pause();
    if (draft) await this.#try("discard", draft);
  }

  #rest() {
    this.#view(undefined);
    this.#offer("begin", "upload");
    this.#buttons.begin.focus();
  }

  /**
   * @param {string} method
   * @param {...unknown} rest
   */
  async #try(method, ...rest) {
    try {
      return await this.#requests.ask(method, ...rest);
    } catch (error) {
      this.#requests.failed(error);
      return FAILED;
    }
  }

  /** @param {Element | undefined} shown */
  #view(shown) {
    for (const part of [this.#live, this.#review]) part.hidden = part !== shown;
  }

  /** @param {...string} names */
  #offer(...names) {
    for (const [name, element] of Object.entries(this.#buttons)) element.hidden = !names.includes(name);
  }
}

/** What the exchange takes as a greeting, by file name: browsers call some of these video. */
const TYPES = { ogg: "audio/ogg", opus: "audio/ogg", webm: "audio/webm", m4a: "audio/mp4", mp4: "audio/mp4" };
const FAILED = Symbol("failed");

/**
 * The file under the type its name tells.
 * @param {File} file
 * @returns {Blob}
 */
function typed(file) {
  const ending = file.name.split(".").at(-1)?.toLowerCase() ?? "";
  return new Blob([file], { type: TYPES[ending] ?? file.type });
}

/**
 * How long an audio file plays.
 * @param {File} file
 * @returns {Promise<number>}
 */
function lengthOf(file) {
  const url = URL.createObjectURL(file);
  const audio = new Audio();
  const known = new Promise((resolve, reject) => {
    audio.addEventListener("loadedmetadata", () => resolve(Number.isFinite(audio.duration) ? Math.round(audio.duration * 1000) : 0));
    audio.addEventListener("error", () => reject(new Error("This file is not audio that browsers play. Your greeting is unchanged; try another file.")));
    audio.src = url;
  });
  return known.finally(() => URL.revokeObjectURL(url));
}
