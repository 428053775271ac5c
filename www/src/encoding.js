// Any audio file that this browser can decode, as Ogg Opus of our own making.

import { asset } from "./engine.js";

/** What a greeting may last. */
export const LONGEST_S = 60;

const RATE = 48_000;
/** Decoded in memory: a minute of the fattest sound is far smaller. */
const LARGEST_BYTES = 60_000_000;

/**
 * Reads and encodes a file. What is wrong with it is said in the error's words.
 * @param {File} file
 * @param {(share: number) => void} progress hears from 0 to 1 how much is encoded
 * @returns {Promise<{ sound: Blob, durationMs: number, samples: Float32Array }>}
 */
export async function encoded(file, progress) {
  if (file.size > LARGEST_BYTES) throw new Error(`This file is too large. A greeting lasts at most ${LONGEST_S} seconds; choose a shorter one.`);
  const decoded = await decode(file);
  if (decoded.duration > LONGEST_S + 0.05) {
    throw new Error(`This file plays for ${Math.round(decoded.duration)} seconds, and a greeting at most ${LONGEST_S}. Your greeting is unchanged; choose a shorter file.`);
  }
  const samples = mono(decoded);
  const sound = new Blob([await inWorker(samples.slice(), progress)], { type: "audio/ogg" });
  return { sound, durationMs: Math.round(decoded.duration * 1000), samples };
}

/** @param {File} file */
async function decode(file) {
  try {
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error("This browser finds no sound in that file. Your greeting is unchanged; try another file.");
  }
}

/**
 * All channels as one.
 * @param {AudioBuffer} decoded
 */
function mono(decoded) {
  const mixed = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel += 1) {
    decoded.getChannelData(channel).forEach((sample, index) => {
      mixed[index] += sample / decoded.numberOfChannels;
    });
  }
  return mixed;
}

/**
 * @param {Float32Array} samples given away
 * @param {(share: number) => void} progress
 * @returns {Promise<Uint8Array>}
 */
async function inWorker(samples, progress) {
  const worker = start(asset("encode-worker.js"));
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data: { file, share, failed } }) => {
        if (file) resolve(file);
        else if (failed) reject(new Error(failed));
        else progress(share);
      };
      worker.onerror = () => reject(new Error("The encoder could not be loaded. Your greeting is unchanged; try again when you are online."));
      worker.postMessage({ serial: crypto.getRandomValues(new Uint32Array(1))[0], sampleRate: RATE, samples }, [samples.buffer]);
    });
  } finally {
    worker.terminate();
  }
}

/**
 * A worker of another origin starts from a script of this one, which imports it.
 * @param {string} url
 */
function start(url) {
  if (new URL(url).origin === location.origin) return new Worker(url, { type: "module" });
  const text = `const early = []; onmessage = (event) => early.push(event); import(${JSON.stringify(url)}).then(() => early.forEach((event) => onmessage(event)));`;
  const shim = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(shim, { type: "module" });
  URL.revokeObjectURL(shim);
  return worker;
}
