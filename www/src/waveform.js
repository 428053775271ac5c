// The waveform: bars in an SVG, live while recording, with progress drawn on it.

import { LiveBars } from "./live-bars.js";
import { heights, resample } from "./peaks.js";
import { bar, shape } from "./strokes.js";

const STEP = 6;

/** Draws one waveform. Progress is the share, from 0 to 1, that is drawn in the accent colour. */
export class Waveform {
  #svg = shape("svg", { class: "wave", part: "waveform", "aria-hidden": "true" });
  #base = shape("path", { class: "base" });
  #window = shape("svg", { x: "0", y: "0", height: "100%", overflow: "hidden" });
  #done = shape("path", { class: "done" });
  #growing = new LiveBars();
  #observer = new ResizeObserver(() => this.#draw());
  /** @type {number[]} */
  #heights = [];
  #live = false;
  #progress = 0;
  #width = 0;
  #painted = -1;

  constructor() {
    this.#window.append(this.#done);
    this.#svg.append(this.#base, this.#window, this.#growing.element);
    this.#observer.observe(this.#svg);
  }

  /** The drawing. */
  get element() {
    return this.#svg;
  }

  /**
   * Shows a whole recording; nothing shows a quiet line of dots.
   * @param {ArrayLike<number>} [peaks]
   */
  show(peaks = []) {
    this.#live = false;
    this.#growing.clear();
    this.#heights = heights(peaks);
    this.#draw();
  }

  /** Starts an empty live drawing. */
  begin() {
    this.#live = true;
    this.#heights = [];
    this.#growing.begin();
    this.#draw();
  }

  /**
   * Adds one level from 0 to 1 at the end of the live drawing.
   * @param {number} level
   */
  push(level) {
    this.#growing.push(level);
  }

  /** @param {number} share */
  set progress(share) {
    this.#progress = Math.min(1, Math.max(0, share || 0));
    const painted = this.#live ? 0 : Math.round(this.#width * this.#progress);
    if (painted !== this.#painted) this.#window.setAttribute("width", String(painted));
    this.#painted = painted;
  }

  #draw() {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0) return;
    this.#width = width;
    const count = Math.max(1, Math.floor(width / STEP));
    const path = bars(resample(this.#heights, count), width, height);
    this.#base.setAttribute("d", path);
    this.#done.setAttribute("d", this.#live ? "" : path);
    if (this.#live) this.#growing.fit(count, width, height);
    this.progress = this.#progress;
  }
}

/**
 * One path with a vertical stroke per bar.
 * @param {number[]} values
 * @param {number} width
 * @param {number} height
 */
function bars(values, width, height) {
  const step = width / values.length;
  return values.map((value, index) => bar((index + 0.5) * step, value, height)).join("");
}
