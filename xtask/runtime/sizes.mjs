// What a browser downloads, in brotli bytes, beside what people use today: node xtask/runtime/sizes.mjs DIST
//
// Peers are bundled and minified by the same bundler, in the same run. Prints the rows as JSON.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

import { build } from 'esbuild';

const root = new URL('../../', import.meta.url).pathname;
const dist = process.argv[2];

const ELEMENT = ['afterbeep.js'];
const ENGINE = ['assets/call.js', 'assets/call_bg.wasm'];
const RECORDER = ['assets/capture-worker.js', 'assets/capture-worklet.js', 'assets/voice.js', 'assets/voice_bg.wasm'];

const DENOISER = ['assets/denoise.js', 'assets/denoise_bg.wasm'];

const calling = ['jssip', 'tus-js-client'];
const recording = ['opus-recorder/dist/recorder.min.js', 'opus-recorder/dist/encoderWorker.min.js'];

const element = await files(ELEMENT);
const engine = await files(ENGINE);
const recorder = await files(RECORDER);
const denoiser = await files(DENOISER);
const callPeer = await peers(calling);
const recordPeer = await peers(recording);

console.log(JSON.stringify([
  row('before the first click (elements and styles)', element, callPeer, 61_000),
  row('at the first touch (engine and glue)', engine, undefined, undefined),
  row('for a call, all of it', [...element, ...engine], callPeer, undefined),
  row('more for recording', recorder, recordPeer, 130_000),
  row('more to reduce noise, where the browser does not', denoiser, undefined, undefined),
]));

/** @param {string[]} names */
function files(names) {
  return Promise.all(names.map(async (name) => part(name, await readFile(join(dist, name)))));
}

/** @param {string[]} entries modules of npm packages */
async function peers(entries) {
  return Promise.all(entries.map(async (entry) => {
    const { outputFiles: [bundle] } = await build({
      stdin: { contents: `export * from ${JSON.stringify(entry)};`, resolveDir: root },
      bundle: true, minify: true, format: 'esm', platform: 'browser', external: ['fs', 'path'], target: 'es2022', legalComments: 'none', write: false, logLevel: 'error',
    });
    return part(await named(entry), bundle.contents);
  }));
}

/** @param {string} entry */
async function named(entry) {
  const [name, ...path] = entry.split('/');
  const { version } = JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8'));
  return [`${name}@${version}`, ...path].join('/');
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 */
function part(name, bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { name, raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
}

function row(what, ours, peer, aim) {
  return { what, bytes: total(ours), aim, parts: ours, peer: peer && { bytes: total(peer), parts: peer } };
}

/** @param {{ brotli: number }[]} parts */
function total(parts) {
  return parts.reduce((sum, { brotli }) => sum + brotli, 0);
}
