// Runs test files one after the other and tells about each test in one line; what a failing one wrote comes
// with it. The last line is machine-readable: `{"passed": n, "failed": n}`.
//
//   node tests/run.mjs [--only PATTERN] FILE...

import { run } from 'node:test';
import { parseArgs } from 'node:util';

const FILE_WITHIN_MS = 300_000;
const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });

let passed = 0;
let failed = 0;
const stream = run({
  files: positionals,
  concurrency: 1,
  timeout: FILE_WITHIN_MS,
  ...(values.only ? { testNamePatterns: [values.only] } : {}),
});

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
/** A file is reported like a test; it counts only if it fails outside any test. */
const isFile = (event) => event.details?.type === 'suite' || positionals.some((file) => event.name.endsWith(file) || file.endsWith(event.name));

stream.on('test:pass', (event) => {
  if (isFile(event) || event.skip || event.todo) return;
  passed += 1;
  console.log(`  ok      ${event.name} (${seconds(event.details.duration_ms)})`);
});
stream.on('test:fail', (event) => {
  const error = event.details.error;
  if (isFile(event) && error?.failureType === 'subtestsFailed') return;
  failed += 1;
  console.log(`  FAILED  ${event.name} (${seconds(event.details.duration_ms)})`);
  console.log(String((error?.cause?.stack ?? error?.stack ?? error)).replaceAll(/^/gm, '          '));
});
stream.on('test:stderr', (event) => process.stderr.write(event.message));
stream.on('test:stdout', (event) => process.stderr.write(event.message));
stream.on('end', () => {
  console.log(JSON.stringify({ passed, failed }));
  process.exitCode = failed > 0 ? 1 : 0;
});
stream.resume();
