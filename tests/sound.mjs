// Sound for tests: known speech made by espeak-ng, decoding by opusdec, and the comparison of two
// recordings by their envelopes. Nothing here knows the product.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RATE = 48_000;
const FRAME = RATE / 100;

const SPEECH =
  'Hello Bob, this is Anna. The train leaves at seven, platform nine, and I have both tickets. ' +
  'Please bring the blue folder and the small camera. Call me when you read this. Thank you, and good night.';

/** Path of a 48 kHz mono WAV with about twelve seconds of speech; made once per folder. */
export function speechWav(folder) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'speech.wav');
  if (existsSync(path)) return path;
  const raw = join(folder, 'speech-raw.wav');
  execFileSync('espeak-ng', ['-v', 'en', '-s', '150', '-w', raw, SPEECH]);
  execFileSync('sox', [raw, '-r', String(RATE), '-c', '1', '-b', '16', path, 'norm', '-3']);
  return path;
}

/** The samples of a 16-bit mono WAV, as numbers between -1 and 1. */
export function wavSamples(bytes) {
  let offset = 12;
  while (offset + 8 <= bytes.length) {
    const name = bytes.toString('latin1', offset, offset + 4);
    const size = Math.min(bytes.readUInt32LE(offset + 4), bytes.length - offset - 8);
    if (name === 'data') {
      const samples = new Float64Array(size >> 1);
      for (let index = 0; index < samples.length; index++) samples[index] = bytes.readInt16LE(offset + 8 + 2 * index) / 32768;
      return samples;
    }
    offset += 8 + size + (size & 1);
  }
  throw new Error('no data chunk');
}

/** Decodes an Ogg Opus file with opusdec; throws with its words if it finds anything wrong. */
export function decodeOpus(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'afterbeep-sound-'));
  try {
    writeFileSync(join(folder, 'in.opus'), bytes);
    execFileSync('opusdec', ['--quiet', '--rate', String(RATE), '--no-dither', join(folder, 'in.opus'), join(folder, 'out.wav')], { stdio: 'pipe' });
    return wavSamples(readFileSync(join(folder, 'out.wav')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Length of samples in milliseconds. */
export const milliseconds = (samples) => (samples.length * 1000) / RATE;

/** Root mean square of each 10 ms. */
export function envelope(samples) {
  const frames = new Float64Array(Math.floor(samples.length / FRAME));
  for (let frame = 0; frame < frames.length; frame++) {
    let sum = 0;
    for (let index = frame * FRAME; index < (frame + 1) * FRAME; index++) sum += samples[index] ** 2;
    frames[frame] = Math.sqrt(sum / FRAME);
  }
  return frames;
}

/** Pearson correlation of two rows of equal length. */
function pearson(left, right) {
  const mean = (row) => row.reduce((sum, value) => sum + value, 0) / row.length;
  const [leftMean, rightMean] = [mean(left), mean(right)];
  let [both, ofLeft, ofRight] = [0, 0, 0];
  for (let index = 0; index < left.length; index++) {
    both += (left[index] - leftMean) * (right[index] - rightMean);
    ofLeft += (left[index] - leftMean) ** 2;
    ofRight += (right[index] - rightMean) ** 2;
  }
  return both / Math.sqrt(ofLeft * ofRight || 1);
}

/**
 * How well `recorded` matches some stretch of `source`, which the microphone repeats for ever: the best
 * correlation of the 10 ms envelopes over all offsets, with the alignment inside a frame tried too.
 */
export function likeness(recorded, source) {
  const target = envelope(recorded);
  let best = { correlation: -1, offset: 0 };
  for (let shift = 0; shift < FRAME; shift += FRAME / 4) {
    const loop = envelope(source.subarray(shift));
    const repeated = Float64Array.from({ length: loop.length + target.length }, (_, index) => loop[index % loop.length]);
    for (let offset = 0; offset < loop.length; offset++) {
      const correlation = pearson(target, repeated.subarray(offset, offset + target.length));
      if (correlation > best.correlation) best = { correlation, offset: offset * 10 + (shift * 1000) / RATE };
    }
  }
  return best;
}

/** A tone of so many seconds as an Ogg Opus file: a greeting that is as long as a test wants it. */
export function toneOpus(folder, seconds) {
  const [wav, opus] = ['tone.wav', 'tone.opus'].map((name) => join(folder, `${seconds}-s-${name}`));
  execFileSync('sox', ['-n', '-r', String(RATE), '-c', '1', '-b', '16', wav, 'synth', String(seconds), 'sine', '440', 'vol', '0.2']);
  execFileSync('opusenc', ['--quiet', wav, opus]);
  return readFileSync(opus);
}

/** The same speech as an Ogg Opus file that opusenc made: a foreign client's voice message. */
export function speechOpus(folder) {
  const path = join(folder, 'speech.opus');
  if (!existsSync(path)) execFileSync('opusenc', ['--quiet', '--bitrate', '24', speechWav(folder), path]);
  return readFileSync(path);
}
