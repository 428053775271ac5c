// Where a recording is quiet, told from the peaks of its drawing. No DOM.

/** A bar this much lower than the highest is quiet: the highest peak of its whole share is. */
const QUIET = 0.05;
/** The last moment of a pause stays, so that no first sound is cut. */
const LEFT_MS = 200;
/** Shorter jumps are not worth their click. */
const SHORTEST_MS = 400;

/**
 * Where to go on from a position inside a pause; nothing outside of one, and nothing for a pause that lasts to the end.
 * @param {number[]} peaks
 * @param {number} positionMs
 * @param {number} lengthMs
 * @returns {number | undefined} ms
 */
export function afterPause(peaks, positionMs, lengthMs) {
  const limit = peaks.reduce((most, peak) => Math.max(most, peak), 0) * QUIET;
  const here = Math.floor((positionMs / lengthMs) * peaks.length);
  if (!(peaks[here] <= limit)) return undefined;
  const next = peaks.findIndex((peak, index) => index > here && peak > limit);
  if (next < 0) return undefined;
  const to = (next / peaks.length) * lengthMs - LEFT_MS;
  return to - positionMs >= SHORTEST_MS ? to : undefined;
}
