// SIP in figures: the grammar beside JsSIP and SIP.js, a voicemail call beside Kamailio with a plain agent, and 5,000
// telephones that sleep. Started by `cargo xtask bench sip`; its last line of output is the result as JSON.
//
//   node bench/sip.mjs NATIVE-PROGRAM WASM-MODULE

import { availableParallelism, loadavg } from 'node:os';
import { startServer } from '../tests/harness.mjs';
import { grammar } from './sip/grammar.mjs';
import { idle } from './sip/idle.mjs';
import { voicemail } from './sip/voicemail.mjs';

const UNLIMITED = {
  AFTERBEEP_LIMIT_INVITES_PER_MIN: '0', AFTERBEEP_LIMIT_SESSIONS_PER_HOUR: '0', AFTERBEEP_LIMIT_MAILBOX_SESSIONS_PER_HOUR: '0',
};

const [nativeProgram, wasmModule] = process.argv.slice(2);
const load = () => Math.round(loadavg()[0] * 10) / 10;
const before = load();
const read = await grammar({ nativeProgram, wasmModule });
const server = await startServer({ env: UNLIMITED });
const calls = await voicemail(server);
const sleeping = await idle(server);
await server.stop();
process.stdout.write(`${JSON.stringify({ cores: availableParallelism(), load_before: before, load_after: load(), grammar: read, calls, idle: sleeping })}\n`);
process.exit(0);
