// Kills a browser at random instants of a recording and counts what that costs. Started by `cargo xtask bench
// kills`; its last line of output is the result as JSON.
//
//   node bench/kills.mjs BROWSER COUNT [SEED]

import { loadavg } from 'node:os';
import { browserWith } from '../tests/browsers/all.mjs';
import { killCampaign } from '../tests/browsers/kills.mjs';
import { startServer, temporaryFolder } from '../tests/harness.mjs';
import { speechWav } from '../tests/sound.mjs';

const AT_ONCE = 2;

const [name, count, seed = Math.floor(Math.random() * 2 ** 32)] = process.argv.slice(2);
const wav = speechWav(temporaryFolder('kills-sound'));
const server = await startServer({});
const browser = await browserWith(name, wav);
const before = loadavg()[0];
let number = 0;
const rows = await killCampaign({
  launch: browser.launch,
  url: `${server.url}/?to=bob&processing=off`,
  wav,
  count: Number(count),
  seed: Number(seed),
  atOnce: AT_ONCE,
  told: (row) => console.error(`  ${(number += 1)}: ${JSON.stringify(row)}`),
});
await browser.stop();
await server.stop();

const sorted = (key) => rows.map((row) => row[key]).filter((value) => value !== undefined).toSorted((one, other) => one - other);
const rank = (values, part) => values[Math.max(0, Math.ceil(part * values.length) - 1)];
const losses = sorted('loss_ms');
const result = {
  browser: name,
  seed: Number(seed),
  at_once: AT_ONCE,
  kills: rows.length,
  recovered: rows.filter(({ recovered_ms: ms }) => ms > 0).length,
  broken: rows.filter(({ problem }) => problem).length,
  loss_p50_ms: rank(losses, 0.5),
  loss_p99_ms: rank(losses, 0.99),
  loss_max_ms: losses.at(-1),
  correlation_p50: Number((rank(sorted('correlation'), 0.5) ?? 0).toFixed(3)),
  load_before: Math.round(before * 10) / 10,
  load_after: Math.round(loadavg()[0] * 10) / 10,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
