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

/** Loudness is heard on a curve, so small values are drawn larger. */
function shape(value) {
  return Math.min(1, Math.max(0, value)) ** 0.7;
}
