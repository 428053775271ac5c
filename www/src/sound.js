// Peaks of a sound file that nobody measured before.

const PEAKS = 200;

/**
 * Peaks of a sound for drawing; nothing where this browser plays the format but cannot decode it whole.
 * @param {Blob} sound
 * @returns {Promise<number[] | undefined>}
 */
export async function peaksOf(sound) {
  try {
    const context = new OfflineAudioContext(1, 1, 48_000);
    const decoded = await context.decodeAudioData(await sound.arrayBuffer());
    return peaks(decoded.getChannelData(0));
  } catch {
    return undefined;
  }
}

/**
 * Peaks of samples for drawing.
 * @param {Float32Array} samples
 * @returns {number[]}
 */
export function peaks(samples) {
  const share = Math.max(1, Math.floor(samples.length / PEAKS));
  return Array.from({ length: Math.ceil(samples.length / share) }, (_, index) =>
    samples.subarray(index * share, (index + 1) * share).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
}
