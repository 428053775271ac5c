// The bars of a recording while it goes on. Each is a shape of its own and is drawn once: with every level only the bar
// of this moment is painted anew, and nothing is laid out.

import { GrowingBars, liveHeight } from "./peaks.js";
import { bar, shape } from "./strokes.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Draws one recording from its first level on. */
export class LiveBars {
  #group = shape("g");
  /** @type {SVGElement[]} */
  #columns = [];
  #bars = new GrowingBars(Infinity);
  #step = 0;
  #height = 0;
  #drawn = 0;
  #anew = false;

  /** The drawing. */
  get element() {
    return this.#group;
  }

  /** Begins another recording. */
  begin() {
    this.#bars = new GrowingBars(this.#columns.length || Infinity);
    this.#draw(0, true);
  }

  /**
   * Takes the room that there is.
   * @param {number} count of bars
   * @param {number} width
   * @param {number} height
   */
  fit(count, width, height) {
    this.#step = width / count;
    this.#height = height;
    this.#columns = Array.from({ length: count }, () => shape("path", { class: "done" }));
    this.#group.replaceChildren(...this.#columns);
    this.#bars.fit(count);
    this.#draw(0, true);
  }

  /** Nothing is drawn any more. */
  clear() {
    this.#columns = [];
    this.#group.replaceChildren();
  }

  /**
   * Adds one level from 0 to 1. What comes while nobody looks is drawn when somebody does.
   * @param {number} level
   */
  push(level) {
    const height = liveHeight(level);
    this.#anew = this.#bars.push(height) || this.#anew;
    if (!document.hidden) this.#draw(height, this.#anew);
  }

  /**
   * @param {number} now height of what is heard at this moment
   * @param {boolean} anew whether bars that stood have changed
   */
  #draw(now, anew) {
    const { values } = this.#bars;
    if (anew) for (const column of this.#columns) column.setAttribute("d", "");
    if (anew) this.#drawn = 0;
    this.#anew = false;
    for (; this.#drawn < values.length; this.#drawn += 1) this.#paint(this.#drawn, values[this.#drawn]);
    if (!still.matches && now > 0) this.#paint(values.length, now);
  }

  /**
   * @param {number} index
   * @param {number} value
   */
  #paint(index, value) {
    this.#columns[index]?.setAttribute("d", bar((index + 0.5) * this.#step, value, this.#height));
  }
}
