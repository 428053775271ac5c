// Torture for as long as one likes. Started by `cargo xtask fuzz socket`; its last line of output is the result as JSON.
//
//   node tests/torture/campaign.mjs COUNT SEED

import { startServer } from '../harness.mjs';
import { corpus, storm } from './storm.mjs';

const [count, seed] = process.argv.slice(2).map(Number);
const server = await startServer({ env: { AFTERBEEP_LIMIT_INVITES_PER_MIN: '0' } });
let next = 5_000;
const told = ({ thrown }) => {
  if (thrown < next) return;
  console.error(`  ${thrown} thrown`);
  next += 5_000;
};
const result = await storm({ url: server.url, domain: 'localhost', messages: corpus('localhost', 'bob'), count, seed, told });
const panics = server.log().match(/.*(panic|unreachable|RuntimeError|already borrowed).*/gi) ?? [];
await server.stop();
process.stdout.write(`${JSON.stringify({ seed, ...result, panics })}\n`);
process.exitCode = result.complaints.length || panics.length ? 1 : 0;
