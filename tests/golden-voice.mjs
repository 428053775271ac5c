// The encoder as WebAssembly gives the same bytes as natively: node tests/golden-voice.mjs [FOLDER]
//
// FOLDER holds voice.js and voice_bg.wasm as built (default www/pkg/voice). The sound and the expected
// hash are those of the native test in crates/voice/tests/recording.rs. Exits with 1 if they differ.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = resolve(process.argv[2] ?? here('../www/pkg/voice'));
const SERIAL = 0x61667462;
const RATE = 48_000;

/** A buzz that swells and falls and a little noise, in whole numbers. */
function synthetic(count) {
  const samples = new Float32Array(count);
  let noise = 1;
  for (let at = 0; at < count; at++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    const hiss = (noise >>> 24) - 128;
    const buzz = ((at * 37) % 8192) - 4096;
    const syllable = Math.abs((at % 9600) - 4800);
    samples[at] = (Math.trunc((buzz * syllable) / 4800) * 3 + hiss) / 32_768;
  }
  return samples;
}

const voice = await import(pathToFileURL(`${folder}/voice.js`).href);
await voice.default({ module_or_path: readFileSync(`${folder}/voice_bg.wasm`) });
const file = voice.encode(SERIAL, RATE, synthetic(3 * RATE));
const found = createHash('sha256').update(file).digest('hex');
const expected = readFileSync(here('../crates/voice/tests/golden.sha256'), 'utf8').trim();
if (found !== expected) {
  console.error(`the wasm encoder made ${file.length} bytes with sha256 ${found}, natively it is ${expected}`);
  process.exit(1);
}
console.log(`golden voice: ${file.length} bytes, the same natively and in wasm`);
