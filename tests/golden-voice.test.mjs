// The encoder as WebAssembly gives the same bytes as natively. The sound and the expected hash are those of
// the native test in crates/voice/tests/recording.rs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import init, { encode } from '../www/pkg/voice/voice.js';

const here = (path) => readFileSync(new URL(path, import.meta.url));
const SERIAL = 0x61667462;
const RATE = 48_000;

/** A buzz that swells and falls, a pause in every second, and a little noise, in whole numbers. */
function synthetic(count) {
  const samples = new Float32Array(count);
  let noise = 1;
  for (let at = 0; at < count; at++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    const hiss = (noise >>> 24) - 128;
    const buzz = ((at * 37) % 8192) - 4096;
    const syllable = Math.abs((at % 9600) - 4800);
    const spoken = at % 48_000 >= 9600 ? 1 : 0;
    samples[at] = (Math.trunc((buzz * syllable) / 4800) * 7 * spoken + hiss) / 32_768;
  }
  return samples;
}

test('the same sound gives the same bytes natively and in WebAssembly', async () => {
  await init({ module_or_path: here('../www/pkg/voice/voice_bg.wasm') });
  const file = encode(SERIAL, RATE, synthetic(3 * RATE));
  const expected = here('../crates/voice/tests/golden.sha256').toString().trim();
  assert.equal(createHash('sha256').update(file).digest('hex'), expected);
});
