// How noisy speech sounds after it was recorded: our encoder, with and without noise suppression, beside
// opus-recorder and the browser's MediaRecorder on the same samples at the same bitrate. Started by `cargo xtask
// bench voice` with the Python that has pesq and pystoi; its last line of output is the result as JSON.
//
//   node bench/voice.mjs PYTHON

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launchBrowser, temporaryFolder } from '../tests/harness.mjs';
import { wavSamples } from '../tests/sound.mjs';
import initialiseDenoise, { Denoiser } from '../www/pkg/denoise/denoise.js';
import initialiseVoice, { encode_file as encodeFile } from '../www/pkg/voice/voice.js';

const { Module, OggOpusEncoder } = createRequire(import.meta.url)('opus-recorder/dist/encoderWorker.min.js');

const RATE = 48_000;
const BITS_PER_SECOND = 24_000;
const OPUS_VOIP = 2048;
const VOICES = ['en', 'en-us+f3', 'en-gb+m5'];
/** Noise, and how far the speech stands above it in dB. */
const NOISES = [['pinknoise', 0], ['pinknoise', 10], ['brownnoise', 5]];
const WORDS =
  'Hello Bob, this is Anna. The train leaves at seven, platform nine, and I have both tickets. ' +
  'Please bring the blue folder and the small camera. Call me when you read this. Thank you, and good night.';

const python = process.argv[2];
const folder = temporaryFolder('voice-bench');
const place = (name) => join(folder, name);
const sox = (...words) => execFileSync('sox', words);
const wasm = (name) => readFileSync(new URL(`../www/pkg/${name}/${name}_bg.wasm`, import.meta.url));

/** Root mean square of a WAV. */
function strength(file) {
  const samples = wavSamples(readFileSync(file));
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

/** Clean speech, and the same in noise: the source that everybody records. */
function makeSource(voice, [noise, distance]) {
  const name = `${voice}-${noise}-${distance}`;
  const [raw, clean, hiss, source] = ['raw', 'clean', 'hiss', 'source'].map((kind) => place(`${name}-${kind}.wav`));
  execFileSync('espeak-ng', ['-v', voice, '-s', '150', '-w', raw, WORDS]);
  sox(raw, '-r', RATE, '-c', '1', '-b', '16', clean, 'norm', '-9', 'pad', '1', '1');
  sox('-R', '-n', '-r', RATE, '-c', '1', '-b', '16', hiss, 'synth', '30', noise, 'vol', '0.3');
  const level = strength(clean) / strength(hiss) / 10 ** (distance / 20);
  sox('-m', '-v', '1', clean, '-v', level, hiss, source, 'trim', '0', execFileSync('soxi', ['-D', clean]).toString().trim());
  return { name, clean, source, samples: Float32Array.from(wavSamples(readFileSync(source))) };
}

/**
 * As our recorder does it.
 * @param {Float32Array} samples
 * @param {(step: Float32Array) => void} [suppress]
 */
const ours = (samples, suppress) => Buffer.from(encodeFile(1, RATE, samples, () => {}, suppress));

function oursWithoutNoise(samples) {
  const denoiser = new Denoiser();
  const file = ours(samples, (step) => denoiser.suppress(step));
  denoiser.free();
  return file;
}

function byOpusRecorder(samples) {
  const bufferLength = 4096;
  const options = { encoderApplication: OPUS_VOIP, encoderBitRate: BITS_PER_SECOND, encoderSampleRate: RATE, originalSampleRate: RATE, numberOfChannels: 1, bufferLength };
  const encoder = new OggOpusEncoder(options, Module);
  const pages = [encoder.generateIdPage(), encoder.generateCommentPage()];
  for (let at = 0; at < samples.length; at += bufferLength) {
    const piece = new Float32Array(bufferLength);
    piece.set(samples.subarray(at, at + bufferLength));
    pages.push(...encoder.encode([piece]));
  }
  pages.push(...encoder.encodeFinalFrame());
  return Buffer.concat(pages.map(({ page }) => page));
}

/** Lets the browser record all sources at once, in their own time. */
async function byMediaRecorder(sources) {
  const browser = await launchBrowser({});
  try {
    const page = await browser.newPage('about:blank');
    const wavs = sources.map(({ source }) => readFileSync(source).toString('base64'));
    const recorded = await page.evaluate(([files, bits]) => Promise.all(files.map(async (base64) => {
      const context = new AudioContext({ sampleRate: 48_000 });
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const buffer = await context.decodeAudioData(bytes.buffer);
      const target = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
      const player = new AudioBufferSourceNode(context, { buffer });
      player.connect(target);
      const recorder = new MediaRecorder(target.stream, { mimeType: 'audio/webm;codecs=opus', audioBitsPerSecond: bits });
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      const stopped = new Promise((done) => { recorder.onstop = done; });
      const begun = new Promise((done) => { recorder.onstart = done; });
      recorder.start();
      await begun;
      player.onended = () => recorder.stop();
      player.start();
      await stopped;
      const file = new Uint8Array(await new Blob(parts).arrayBuffer());
      await context.close();
      return Array.from(file, (byte) => String.fromCharCode(byte)).join('');
    })), [wavs, BITS_PER_SECOND]);
    return recorded.map((file) => Buffer.from(file, 'latin1'));
  } finally {
    await browser.close();
  }
}

/** Integrated loudness of a file, LUFS. */
function loudness(file) {
  const words = ['-c', 'exec ffmpeg -hide_banner -i "$0" -af ebur128=framelog=verbose -f null - 2>&1', file];
  return Number(/I:\s+(-?[\d.]+) LUFS/.exec(execFileSync('sh', words).toString().split('Summary')[1])?.[1]);
}

/** Decodes a file as a player does, with the gain that its header asks for. */
function decoded(name, kind, bytes) {
  const [file, wav] = [place(`${name}-${kind}`), place(`${name}-${kind}.wav`)];
  writeFileSync(file, bytes);
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-i', file, '-ar', RATE, '-ac', '1', '-c:a', 'pcm_s16le', wav]);
  return wav;
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const round = (number, digits) => Number(number.toFixed(digits));

/** What one contender made of all sources. */
function row(what, sources, files) {
  const heard = sources.map(({ name, clean, source }, index) => ({
    clean, degraded: files ? decoded(name, what.replaceAll(/\W/g, '-'), files[index]) : source,
  }));
  const figures = JSON.parse(execFileSync(python, [new URL('voice-quality.py', import.meta.url).pathname], { input: JSON.stringify(heard) }));
  const loud = heard.map(({ degraded }) => loudness(degraded));
  const seconds = sources.map(({ samples }) => samples.length / RATE);
  const kilobits = files?.map((file, index) => (file.length * 8) / seconds[index] / 1000);
  return {
    what,
    pesq: round(mean(figures.map(({ pesq }) => pesq)), 2),
    stoi: round(mean(figures.map(({ stoi }) => stoi)), 3),
    loudness_lufs: [Math.min(...loud), Math.max(...loud)],
    kilobits: kilobits ? round(mean(kilobits), 1) : null,
  };
}

await initialiseVoice({ module_or_path: wasm('voice') });
await initialiseDenoise({ module_or_path: wasm('denoise') });
const sources = VOICES.flatMap((voice) => NOISES.map((noise) => makeSource(voice, noise)));
const clean = sources.map(({ samples }) => samples);
const rows = [
  row('the source', sources),
  row('Afterbeep, noise reduced', sources, clean.map(oursWithoutNoise)),
  row('Afterbeep', sources, clean.map((samples) => ours(samples))),
  row('opus-recorder 8.0.5', sources, clean.map(byOpusRecorder)),
  row('MediaRecorder', sources, await byMediaRecorder(sources)),
];
console.log(JSON.stringify({ sources: sources.length, seconds: round(mean(clean.map(({ length }) => length / RATE)), 1), rows }));
process.exit(0);
