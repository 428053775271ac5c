// Where the owner of a mailbox makes the greeting: spoken here, or taken from any audio file; with words for callers
// who cannot hear it.

import { encoded, LONGEST_S } from "./encoding.js";
import { clock } from "./figures.js";
import { Player } from "./player.js";
import { peaks } from "./sound.js";
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

const LONGEST_CAPTION = 500;
const FAILED = Symbol("failed");

/** The studio; it shows the engine's events that its owner passes on. */
export class GreetingStudio {
  #waveform = new Waveform();
  #time = tree("p", { class: "figures small muted" });
  #live = tree("div", { hidden: true }, this.#waveform.element, this.#time);
  #player;
  #review;
  #file = tree("input", { type: "file", accept: "audio/*,video/webm,video/mp4,.opus", class: "sr", change: () => void this.#upload() });
  #work = tree("p", { class: "small muted figures", role: "status", hidden: true });
  #caption = tree("textarea", { part: "input caption-input", maxlength: LONGEST_CAPTION, rows: 2, input: () => this.#offerCaption() });
  #captioning = tree("label", { hidden: true }, "What you say, for callers who cannot hear it (optional)", this.#caption);
  #hint = tree("p", { class: "small muted" }, `Any audio file will do, up to ${LONGEST_S} seconds.`);
  #buttons;
  #requests;
  /** @type {string | Blob} */
  #draft = "";
  #durationMs = 0;
  /** @type {{ personal: boolean, caption: string }} */
  #present = { personal: false, caption: "" };

  /** @param {StudioRequests} requests */
  constructor(requests) {
    this.#requests = requests;
    this.#player = new Player({ load: () => this.#load(), failed: requests.failed });
    this.#review = tree("div", { hidden: true }, this.#player.slider, this.#player.time);
    this.#buttons = {
      begin: button("Record greeting", "record", () => void this.#begin(), "primary"),
      stop: button("Stop", "stop", () => void this.#try("stop"), "primary"),
      use: button("Use as greeting", "send", () => void this.#use(), "primary"),
      play: this.#player.button,
      again: button("Re-record", "again", () => void this.#begin()),
      cancel: button("Cancel", "delete", () => void this.#cancel()),
      upload: button("Upload a greeting", "upload", () => this.#file.click()),
      describe: button("Save words", "save", () => void this.#describe()),
    };
    this.#file.tabIndex = -1;
    this.#file.setAttribute("aria-label", "Greeting audio file");
    this.element = tree(
      "div",
      { class: "studio", part: "greeting-studio" },
      this.#live,
      this.#review,
      this.#captioning,
      this.#work,
      tree("div", { class: "row" }, ...Object.values(this.#buttons), this.#file),
      this.#hint,
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

  /**
   * Takes the greeting that callers hear now.
   * @param {{ personal?: boolean, caption?: string } | undefined} greeting
   */
  describe(greeting) {
    const personal = greeting?.personal === true;
    const caption = personal ? (greeting.caption ?? "") : "";
    const untouched = this.#caption.value === this.#present.caption;
    this.#present = { personal, caption };
    if (untouched && !this.busy) this.#caption.value = caption;
    if (!this.busy && this.#live.hidden && this.#work.hidden) this.#rest();
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
    this.#decide(id, durationMs, waveform, ["use", "play", "again", "cancel"]);
  }

  /**
   * @param {string | Blob} draft
   * @param {number} durationMs
   * @param {number[]} waveform
   * @param {string[]} controls
   */
  #decide(draft, durationMs, waveform, controls) {
    this.#draft = draft;
    this.#durationMs = durationMs;
    this.#player.show(waveform, durationMs);
    this.#caption.value = "";
    this.#view(this.#review);
    this.#offer(...controls);
    this.#buttons.use.focus();
  }

  #load() {
    return typeof this.#draft === "string" ? this.#requests.ask("sound", this.#draft) : Promise.resolve(this.#draft);
  }

  async #upload() {
    const file = this.#file.files?.[0];
    this.#file.value = "";
    if (!file) return;
    this.#offer();
    say(this.#work, "Preparing your greeting…");
    try {
      const { sound, durationMs, samples } = await encoded(file, (share) => say(this.#work, `Preparing your greeting: ${Math.round(share * 100)} %`));
      this.#decide(sound, durationMs, peaks(samples), ["use", "play", "cancel"]);
    } catch (error) {
      this.#rest();
      this.#requests.failed(error);
    } finally {
      say(this.#work, "");
    }
  }

  async #use() {
    if ((await this.#try("put_greeting", this.#draft, this.#durationMs, this.#caption.value)) === FAILED) return;
    this.#present = { personal: true, caption: this.#caption.value };
    await this.#drop();
    this.#rest();
    this.#buttons.begin.focus();
    this.#requests.told("Your greeting is in place. Callers hear it from now on.");
  }

  async #describe() {
    const caption = this.#caption.value;
    if ((await this.#try("caption_greeting", caption)) === FAILED) return;
    this.#present = { personal: true, caption };
    this.#offerCaption();
    this.#requests.told(caption.trim() ? "Callers read these words while your greeting plays." : "Your greeting has no words to read any more.");
  }

  async #cancel() {
    await this.#drop();
    this.#caption.value = this.#present.caption;
    this.#rest();
    this.#buttons.begin.focus();
  }

  async #drop() {
    const draft = this.#draft;
    this.#draft = "";
    this.#player.pause();
    if (draft && typeof draft === "string") await this.#try("discard", draft);
  }

  #rest() {
    this.#view(undefined);
    this.#offer("begin", "upload");
    this.#offerCaption();
  }

  /** Words that are not saved yet can be, unless they go with the sound. */
  #offerCaption() {
    const resting = !this.#buttons.begin.hidden;
    this.#buttons.describe.hidden = !(resting && this.#present.personal && this.#caption.value !== this.#present.caption);
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
    this.#hint.hidden = !names.includes("upload");
    this.#captioning.hidden = !(names.includes("use") || (names.includes("begin") && this.#present.personal));
  }
}
