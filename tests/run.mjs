// Runs test files and tells about each test in one line; what a failing one wrote comes with it. Most files
// wait for some of their time, so a few of them run beside each other, those first that took longest the last time; one
// whose first comment says "Runs alone" measures sound or time and has the machine for itself. Ends with the slowest
// files and a last line for machines: `{"passed": n, "failed": n}`.
//
//   node tests/run.mjs [--only PATTERN] FILE...

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';

const FILE_WITHIN_MS = 300_000;
const BESIDE_EACH_OTHER = 3;
const SLOWEST = 10;
/** How long each file took when it ran last. */
const TIMES = resolve(import.meta.dirname, '../target/test-times.json');
const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });

let passed = 0;
let failed = 0;
const times = new Map();

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const runsAlone = (file) => /^(\/\/.*\n)*\/\/.*\bRuns alone\b/.test(readFileSync(file, 'utf8'));

function readTimes() {
  try {
    return JSON.parse(readFileSync(TIMES, 'utf8'));
  } catch {
    // Nothing has run here yet, or it was cut off while it was written.
    return {};
  }
}

/** A file of which nothing is known begins before those that are known to be short. */
function longestFirst(files) {
  const known = readTimes();
  const length = (file) => known[basename(file)] ?? 30_000;
  return files.toSorted((one, other) => length(other) - length(one));
}

/** Keeps how long whole files took; a filter runs only a part of them. */
function keepTimes() {
  if (values.only) return;
  const now = Object.fromEntries([...times].map(([file, ms]) => [basename(file), Math.round(ms)]));
  mkdirSync(dirname(TIMES), { recursive: true });
  writeFileSync(TIMES, `${JSON.stringify({ ...readTimes(), ...now }, undefined, 1)}\n`);
}

function succeeded(event) {
  passed += 1;
  console.log(`  ok      ${event.name} (${seconds(event.details.duration_ms)})`);
}

function broke(event) {
  const error = event.details.error;
  failed += 1;
  console.log(`  FAILED  ${event.name} (${seconds(event.details.duration_ms)})`);
  console.log(String((error?.cause?.stack ?? error?.stack ?? error)).replaceAll(/^/gm, '          '));
}

/** Runs these files, so many at once; resolves when all have ended. */
function runFiles(files, concurrency) {
  if (!files.length) return undefined;
  /** A file is reported like a test; it counts only if it fails outside any test. */
  const isFile = (event) => event.details?.type === 'suite' || files.includes(event.name);
  const stream = run({ files, concurrency, timeout: FILE_WITHIN_MS, ...(values.only ? { testNamePatterns: [values.only] } : {}) });
  stream.on('test:pass', (event) => {
    if (!isFile(event) && !event.skip && !event.todo) succeeded(event);
  });
  stream.on('test:fail', (event) => {
    if (!isFile(event) || event.details.error?.failureType !== 'subtestsFailed') broke(event);
  });
  stream.on('test:complete', (event) => {
    if (files.includes(event.name)) times.set(event.name, event.details.duration_ms);
  });
  for (const name of ['test:stderr', 'test:stdout']) stream.on(name, (event) => process.stderr.write(event.message));
  stream.resume();
  return new Promise((resolve) => stream.on('end', resolve));
}

const { alone = [], beside = [] } = Object.groupBy(positionals, (file) => (runsAlone(file) ? 'alone' : 'beside'));
await runFiles(longestFirst(beside), BESIDE_EACH_OTHER);
await runFiles(alone, 1);
keepTimes();
const slowest = [...times].toSorted(([, one], [, other]) => other - one).slice(0, SLOWEST);
if (times.size > 1) console.log(`  slowest: ${slowest.map(([file, ms]) => `${basename(file)} ${seconds(ms)}`).join(', ')}`);
console.log(JSON.stringify({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;
