// The waveform: bars in an SVG, live while recording, with progress drawn on it.

import { heights, liveHeight, resample } from "./peaks.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const STEP = 6;
const DOT = 0.01;

/** Draws one waveform. Progress is the share, from 0 to 1, that is drawn in the accent colour. */
export class Waveform {
  #svg = make("svg", { class: "wave", part: "waveform", "aria-hidden": "true" });
  #base = make("path", { class: "base" });
  #window = make("svg", { x: "0", y: "0", height: "100%", overflow: "hidden" });
  #done = make("path", { class: "done" });
  #observer = new ResizeObserver(() => this.#draw());
  /** @type {number[]} */
  #heights = [];
  #live = false;
  #progress = 0;
  #width = 0;

  constructor() {
    this.#window.append(this.#done);
    this.#svg.append(this.#base, this.#window);
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
    this.#heights = heights(peaks);
    this.#draw();
  }

  /** Starts an empty live drawing. */
  begin() {
    this.#live = true;
    this.#heights = [];
    this.#draw();
  }

  /**
   * Adds one level from 0 to 1 at the end of the live drawing.
   * @param {number} level
   */
  push(level) {
    this.#heights.push(liveHeight(level));
    this.#draw();
  }

  /** @param {number} share */
  set progress(share) {
    this.#progress = Math.min(1, Math.max(0, share || 0));
    this.#window.setAttribute("width", String(this.#live ? this.#width : this.#width * this.#progress));
  }

  #draw() {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0) return;
    this.#width = width;
    const path = bars(this.#bars(Math.max(1, Math.floor(width / STEP))), width, height);
    this.#base.setAttribute("d", path);
    this.#done.setAttribute("d", path);
    this.progress = this.#progress;
  }

  /** @param {number} count */
  #bars(count) {
    if (!this.#live) return resample(this.#heights, count);
    const last = this.#heights.slice(-count);
    return last.concat(new Array(count - last.length).fill(0));
  }
}

/**
 * One path with a vertical stroke per bar; a bar of no height is a dot.
 * @param {number[]} values
 * @param {number} width
 * @param {number} height
 */
function bars(values, width, height) {
  const step = width / values.length;
  const reach = height / 2 - 2;
  return values
    .map((value, index) => {
      const half = Math.max(DOT, value * reach);
      return `M${((index + 0.5) * step).toFixed(1)} ${(height / 2 - half).toFixed(1)}v${(half * 2).toFixed(2)}`;
    })
    .join("");
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @returns {SVGElement}
 */
function make(tag, attributes) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
