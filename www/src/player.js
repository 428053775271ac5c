// Plays one recording: the waveform is the seek bar, the button beside it starts and pauses. A video shows its
// picture on a screen above.

import { clock, spoken } from "./figures.js";
import { afterPause } from "./quiet.js";
import { peaksOf } from "./sound.js";
import { relabel, button, tree, write } from "./tree.js";
import { Waveform } from "./waveform.js";

const HEARD_SHARE = 0.9;
const STEP_S = 5;
const PACES = [1, 1.25, 1.5, 2];

/** @type {Player | undefined} The one that sounds; another one starting pauses it. */
let sounding;

/** How fast, and whether without pauses: chosen once for all players of the page. */
const habit = { pace: 1, skips: false };

/**
 * One player. It loads its sound at the first press only; where there are several `ways` to have it, the next one is
 * taken when the browser cannot play what came. `heard` is called once, when nine tenths of the
 * sound were reached by listening; `failed` gets what went wrong.
 */
export class Player {
  #waveform = new Waveform();
  /** @type {HTMLMediaElement} */
  #audio = new Audio();
  #screen = tree("div", { class: "screen", part: "screen", hidden: true });
  #slider = tree("div", { class: "slider", part: "slider", role: "slider", tabindex: "0", "aria-label": "Position", "aria-valuemin": "0" });
  #time = tree("span", { class: "figures small muted", part: "position" });
  #button;
  #speed = tree("button", { type: "button", class: "quiet figures", part: "button speed-button", click: () => this.#faster() });
  #skip = tree("button", { type: "button", class: "quiet", part: "button skip-silence-button", click: () => this.#skipOrNot() }, "Skip silence");
  #tools = tree("div", { class: "row tools", part: "player-tools", hidden: true }, this.#speed, this.#skip);
  /** @type {(way: number) => Promise<string | Blob>} */
  #load;
  #ways;
  #way = 0;
  #wanted = false;
  /** @type {number[]} */
  #peaks = [];
  #heard;
  #failed;
  #durationMs = 0;
  #startMs = 0;
  #seekMs = 0;
  #ready = false;
  #unmeasured = false;
  /** @type {Promise<void> | undefined} */
  #preparing;
  #told = false;
  #frame = 0;
  #url = "";
  #ends = new AbortController();

  /**
   * @param {{ load: (way: number) => Promise<string | Blob>, ways?: number, heard?: () => void, failed?: (error: Error) => void, look?: string }} options
   */
  constructor({ load, ways = 1, heard = () => {}, failed = () => {}, look = "" }) {
    this.#load = load;
    this.#ways = ways;
    this.#heard = heard;
    this.#failed = failed;
    this.#button = button("Play", "play", () => void this.toggle(), look);
    this.#slider.append(this.#waveform.element);
    this.#listen();
  }

  /** The Play button, which reads Pause while it plays. */
  get button() {
    return this.#button;
  }

  /** The waveform as a seek bar. */
  get slider() {
    return this.#slider;
  }

  /** The picture of a video; hidden until it is here. */
  get screen() {
    return this.#screen;
  }

  /** Speed and skipping of silence; hidden until the sound is here. */
  get tools() {
    return this.#tools;
  }

  /** Whether its sound is here. */
  get started() {
    return this.#ready;
  }

  /** Where it plays, in ms of the whole recording. */
  get position() {
    return this.#startMs + this.#positionMs();
  }

  /** Position and length in figures. */
  get time() {
    return this.#time;
  }

  /**
   * Shows a recording before anything is loaded.
   * @param {ArrayLike<number>} peaks
   * @param {number} durationMs
   * @param {string} [kind] "video" where there is a picture
   * @param {number} [startMs] where in the whole recording it begins
   */
  show(peaks, durationMs, kind, startMs = 0) {
    if (this.#ends.signal.aborted) this.#reopen();
    this.#unload();
    this.#startMs = startMs;
    this.#use(kind === "video");
    this.#durationMs = durationMs;
    this.#unmeasured = peaks.length === 0;
    this.#way = 0;
    this.#draw(peaks);
    this.#paint();
  }

  /** Plays, or pauses what plays. */
  async toggle() {
    if (!this.#audio.paused) return this.pause();
    this.#wanted = true;
    try {
      await this.#prepare();
      this.#stepForward();
      await this.#audio.play();
    } catch (error) {
      // A sound that cannot be played is an event of its own.
      if (error.name !== "AbortError" && error.name !== "NotSupportedError") this.#failed(error);
    }
  }

  /** Draws a recording that came without peaks. What goes wrong is said when somebody presses Play. */
  async draw() {
    try {
      await this.#prepare();
    } catch {
      // The line stays quiet.
    }
  }

  /** Stops sounding; the position stays. */
  pause() {
    this.#wanted = false;
    this.#audio.pause();
  }

  /** Releases the sound and all listeners. */
  close() {
    this.#ends.abort();
    this.#unload();
    if (sounding === this) sounding = undefined;
  }

  #unload() {
    cancelAnimationFrame(this.#frame);
    this.#audio.pause();
    this.#screen.hidden = true;
    if (!this.#screen.contains(this.#audio)) this.#audio.remove();
    this.#audio.removeAttribute("src");
    if (this.#url.startsWith("blob:")) URL.revokeObjectURL(this.#url);
    this.#url = "";
    this.#ready = false;
    this.#tools.hidden = true;
    this.#seekMs = 0;
  }

  /** Pauses the one that sounds; what sounds stands in the tree, in front of everything else. */
  #stepForward() {
    if (sounding !== this) sounding?.pause();
    sounding = this;
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = habit.pace;
    this.#tools.hidden = false;
    const root = this.#slider.getRootNode();
    if (this.#screen.contains(this.#audio)) return;
    if (root instanceof ShadowRoot && root.firstChild !== this.#audio) root.prepend(this.#audio);
  }

  /** Loads the sound, once; a failure is tried again by the next one who needs it. */
  #prepare() {
    this.#preparing ??= this.#fetch().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  async #fetch() {
    if (this.#ready) return;
    const sound = await this.#load(this.#way);
    if (this.#unmeasured && sound instanceof Blob) void this.#measure(sound);
    this.#url = typeof sound === "string" ? sound : URL.createObjectURL(sound);
    this.#audio.src = this.#url;
    this.#screen.hidden = !this.#screen.contains(this.#audio);
    this.#ready = true;
    this.#audio.currentTime = this.#seekMs / 1000;
  }

  /** @param {Blob} sound */
  async #measure(sound) {
    const peaks = await peaksOf(sound);
    if (peaks) this.#draw(peaks);
  }

  /** @param {ArrayLike<number>} peaks */
  #draw(peaks) {
    this.#peaks = Array.from(peaks);
    this.#waveform.show(peaks);
  }

  /** @param {boolean} film whether a picture comes with the sound */
  #use(film) {
    if (film === this.#screen.contains(this.#audio)) return;
    this.#audio = film ? tree("video", { playsinline: "", "aria-label": "Video message", click: () => void this.toggle() }) : new Audio();
    this.#screen.replaceChildren(...(film ? [this.#audio] : []));
    this.#follow(this.#audio);
  }

  /** @param {HTMLMediaElement} media */
  #follow(media) {
    const options = { signal: this.#ends.signal };
    for (const name of ["play", "pause", "ended", "seeked", "durationchange"]) {
      media.addEventListener(name, () => this.#paint(), options);
    }
    media.addEventListener("error", () => media === this.#audio && this.#refuse(), options);
  }

  /** A player that was closed with its page is shown again. */
  #reopen() {
    this.#ends = new AbortController();
    this.#listen();
  }

  #listen() {
    const options = { signal: this.#ends.signal };
    this.#follow(this.#audio);
    this.#slider.addEventListener("keydown", (event) => this.#key(event), options);
    this.#slider.addEventListener("pointerdown", (event) => this.#drag(event), options);
    this.#slider.addEventListener("pointermove", (event) => event.buttons === 1 && this.#point(event), options);
  }

  #refuse() {
    if (!this.#audio.getAttribute("src")) return;
    this.#ready = false;
    this.#way += 1;
    if (this.#way < this.#ways) return void this.#tryAgain();
    this.#way = 0;
    this.#failed(new Error("This browser could not play the recording. It is safe; save it as a file to hear it elsewhere."));
  }

  /** The same sound in another container. */
  async #tryAgain() {
    try {
      await this.#prepare();
      if (this.#wanted) await this.toggle();
    } catch (error) {
      this.#failed(error);
    }
  }

  #faster() {
    habit.pace = PACES[(PACES.indexOf(habit.pace) + 1) % PACES.length];
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = habit.pace;
    this.#paint();
  }

  #skipOrNot() {
    habit.skips = !habit.skips;
    this.#paint();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const jumps = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S, Home: -Infinity, End: Infinity };
    if (event.key === " " || event.key === "Enter") void this.toggle();
    else if (event.key in jumps) this.#seek(this.#positionMs() + jumps[event.key] * 1000);
    else return;
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    this.#slider.setPointerCapture(event.pointerId);
    this.#point(event);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const { left, width } = this.#slider.getBoundingClientRect();
    if (width > 0) this.#seek(((event.clientX - left) / width) * this.#lengthMs());
  }

  /** @param {number} ms */
  #seek(ms) {
    this.#seekMs = Math.min(this.#lengthMs(), Math.max(0, ms));
    if (this.#ready) this.#audio.currentTime = this.#seekMs / 1000;
    this.#paint();
  }

  #positionMs() {
    return this.#ready ? this.#audio.currentTime * 1000 : this.#seekMs;
  }

  #lengthMs() {
    const known = this.#audio.duration;
    return Number.isFinite(known) && known > 0 ? known * 1000 : this.#durationMs;
  }

  #paint() {
    const position = this.#positionMs();
    const length = this.#lengthMs();
    const playing = !this.#audio.paused && !this.#audio.ended;
    this.#waveform.progress = length > 0 ? position / length : 0;
    write(this.#time, position > 0 ? `${clock(position)} / ${clock(length)}` : clock(length));
    this.#describe(position, length);
    this.#paintTools();
    const after = habit.skips && playing ? afterPause(this.#peaks, position, length) : undefined;
    if (after !== undefined) this.#audio.currentTime = after / 1000;
    relabel(this.#button, playing ? "Pause" : "Play", playing ? "pause" : "play");
    this.#tell(playing, length > 0 ? position / length : 0);
    cancelAnimationFrame(this.#frame);
    if (playing) this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paintTools() {
    const pace = `${habit.pace}×`;
    if (write(this.#speed, pace)) this.#speed.setAttribute("aria-label", `Speed ${pace}`);
    if (this.#skip.ariaPressed !== String(habit.skips)) this.#skip.ariaPressed = String(habit.skips);
    this.#skip.hidden = this.#peaks.length === 0;
  }

  /**
   * @param {number} position
   * @param {number} length
   */
  #describe(position, length) {
    const text = `${spoken(position)} of ${spoken(length)}`;
    if (this.#slider.getAttribute("aria-valuetext") === text) return;
    this.#slider.setAttribute("aria-valuemax", String(Math.round(length / 1000)));
    this.#slider.setAttribute("aria-valuenow", String(Math.round(position / 1000)));
    this.#slider.setAttribute("aria-valuetext", text);
  }

  /**
   * @param {boolean} playing
   * @param {number} share
   */
  #tell(playing, share) {
    if (this.#told || !(this.#audio.ended || (playing && share >= HEARD_SHARE))) return;
    this.#told = true;
    this.#heard();
  }
}
