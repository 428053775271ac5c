// Arithmetic of waveforms: peaks in, bar heights out. No DOM.

/**
 * Peaks as they come (0 to 1, or bytes 0 to 255), as heights from 0 to 1 with the loudest at 1: a quiet
 * voice is still seen. A recording of pure silence stays flat.
 * @param {ArrayLike<number>} peaks
 * @returns {number[]}
 */
export function heights(peaks) {
  const values = Array.from(peaks, Number);
  const top = values.reduce((most, value) => Math.max(most, value), 0);
  const whole = top > 1 ? 255 : 1;
  const loudest = Math.max(top / whole, 0.01);
  return values.map((value) => shape(value / whole / loudest));
}

/**
 * The height of one live level from 0 to 1, without knowing how loud the rest will be.
 * @param {number} level
 * @returns {number}
 */
export function liveHeight(level) {
  return shape(Math.min(1, Math.max(0, level) * 1.6));
}

/**
 * As many bars as asked for, each the highest of its share; fewer values than bars are stretched.
 * @param {number[]} values
 * @param {number} bars
 * @returns {number[]}
 */
export function resample(values, bars) {
  if (values.length === 0) return new Array(bars).fill(0);
  return Array.from({ length: bars }, (_, bar) => {
    const from = Math.floor((bar * values.length) / bars);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * values.length) / bars));
    return Math.max(...values.slice(from, to));
  });
}

/** Levels that make the first bar of a growing drawing. */
const LEVELS = 2;

/**
 * The bars of a drawing that grows with a recording. When the room is full, neighbours are joined and it goes on in the
 * half that became free: it always shows the whole, and a bar that stands does not change in between.
 */
export class GrowingBars {
  /** @type {number[]} heights of the bars that are complete */
  values = [];
  #room;
  #perBar = LEVELS;
  #levels = 0;
  #highest = 0;

  /** @param {number} room bars that fit, one of them for what is heard now */
  constructor(room) {
    this.#room = Math.max(2, room);
  }

  /**
   * Another width.
   * @param {number} room
   */
  fit(room) {
    this.#room = Math.max(2, room);
    while (this.values.length >= this.#room) this.#join();
  }

  /**
   * Takes the height of one level; whether bars that stood have changed.
   * @param {number} height
   * @returns {boolean}
   */
  push(height) {
    this.#highest = Math.max(this.#highest, height);
    this.#levels += 1;
    if (this.#levels < this.#perBar) return false;
    this.values.push(this.#highest);
    this.#highest = 0;
    this.#levels = 0;
    if (this.values.length < this.#room) return false;
    this.#join();
    return true;
  }

  #join() {
    const { values } = this;
    const odd = values.length % 2 === 1 ? values.pop() : undefined;
    for (let bar = 0; bar < values.length / 2; bar += 1) values[bar] = Math.max(values[2 * bar], values[2 * bar + 1]);
    values.length /= 2;
    if (odd !== undefined) {
      this.#highest = Math.max(this.#highest, odd);
      this.#levels += this.#perBar;
    }
    this.#perBar *= 2;
  }
}

/** Loudness is heard on a curve, so small values are drawn larger. */
function shape(value) {
  return Math.min(1, Math.max(0, value)) ** 0.7;
}
