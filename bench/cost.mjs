// What one call with its voice deposit costs, counted on the real bindings of the local runtime: one anonymous
// call to somebody who is away, over WebSocket, with the greeting fetched and skipped, one deposit in one
// request, and everything that follows by itself until it is quiet. Limits are those of a deployment. The
// mailbox has been called before. It takes four to five minutes, nearly all of it to see that it is quiet. Started by
// `cargo xtask bench cost`; its last line of output is the result.

import { createHash, randomUUID } from 'node:crypto';
import { startServer, temporaryFolder } from '../tests/harness.mjs';
import { signIn } from '../tests/page.mjs';
import { SipAgent, sessionInfo } from '../tests/sip-agent.mjs';
import { speechOpus } from '../tests/sound.mjs';

const BUDGET_USD = 14;
/** USD per million at list prices; what a plan includes is not taken off. */
const PRICES = {
  'worker requests': 0.3, 'object requests': 0.15, 'WebSocket messages (20 are one object request)': 0.15,
  'KV reads': 0.5, 'KV writes': 5, 'object rows written': 1, 'alarms set (a row each)': 1, 'object rows read': 0.001,
  'R2 class A': 4.5, 'R2 class B': 0.36,
};
/** The alarm that tells the directory comes within a minute. */
const QUIET_MS = 70_000;
const MOST_MS = 300_000;
const LIMITS = {
  AFTERBEEP_LIMIT_INVITES_PER_MIN: '10', AFTERBEEP_LIMIT_SESSIONS_PER_HOUR: '20', AFTERBEEP_LIMIT_MAILBOX_SESSIONS_PER_HOUR: '500',
};

const voice = speechOpus(temporaryFolder('cost'));
const isRequest = (method) => (message) => message.method === method && !message.status;

const counts = async (server) => (await fetch(`${server.url}/__counts`)).json();

async function deposit(server, token) {
  const metadata = {
    filetype: 'audio/ogg', deposit_id: randomUUID(), kind: 'voice', callee: 'sip:bob@localhost',
    sha256: createHash('sha256').update(voice).digest('hex'),
  };
  const answer = await fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', 'upload-length': String(voice.length),
      'content-type': 'application/offset+octet-stream',
      'upload-metadata': Object.entries(metadata).map(([key, value]) => `${key} ${btoa(value)}`).join(','),
    },
    body: voice,
  });
  if (!answer.headers.get('afterbeep-receipt')) throw new Error(`the deposit was answered ${answer.status}: ${await answer.text()}`);
}

async function callAndDeposit(server) {
  const caller = await new SipAgent({ url: server.url }).connect();
  const info = caller.expect('INFO', isRequest('INFO'));
  const bye = caller.expect('BYE', isRequest('BYE'));
  const { response, dialog } = await caller.invite('sip:bob@localhost', { displayName: 'Anna' });
  if (response.status !== 200) throw new Error(response.text);
  const session = sessionInfo((await info).body);
  await (await fetch(new URL(new URL(session.Greeting).pathname, server.url))).arrayBuffer();
  await caller.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\n' });
  await bye;
  await deposit(server, session.ID);
  caller.close();
}

/** Waits until nothing happens by itself any more. */
async function untilQuiet(server) {
  const end = Date.now() + MOST_MS;
  let last = '';
  let since = Date.now();
  while (Date.now() < end && Date.now() - since < QUIET_MS) {
    const now = JSON.stringify((await counts(server)).counts);
    if (now !== last) [last, since] = [now, Date.now()];
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const sum = (list) => list.reduce((total, value) => total + value, 0);

function rowsOf({ counts: counted, statements }) {
  const about = (prefix) => sum(Object.entries(counted).filter(([name]) => name.startsWith(prefix)).map(([, value]) => value));
  const worker = counted['requests to the worker'] ?? 0;
  const operations = {
    'worker requests': worker,
    'object requests': about('requests to') - worker,
    'WebSocket messages (20 are one object request)': (counted['WebSocket messages'] ?? 0) / 20,
    'KV reads': counted['KV reads'] ?? 0,
    'KV writes': (counted['KV writes'] ?? 0) + (counted['KV deletes'] ?? 0),
    'object rows written': sum(statements.map((row) => row.written)),
    'alarms set (a row each)': about('alarms set'),
    'object rows read': sum(statements.map((row) => row.read)),
    'R2 class A': counted['R2 class A'] ?? 0,
    'R2 class B': counted['R2 class B'] ?? 0,
  };
  return Object.entries(operations).map(([what, count]) => ({ what, count, price: PRICES[what], usd: Math.round(count * PRICES[what] * 100) / 100 }));
}

const server = await startServer({ env: { ...LIMITS, XTASK_COUNTING: '1' } });
const bob = await signIn(server, 'bob');
await callAndDeposit(server);
await untilQuiet(server);
await fetch(`${server.url}/__counts`, { method: 'POST' });
await callAndDeposit(server);
await untilQuiet(server);
const counted = await counts(server);
if ((await bob.messages()).length !== 2) throw new Error('the messages did not arrive');
await server.stop();

const rows = rowsOf(counted);
const written = counted.statements.filter((row) => row.written > 0).sort((one, two) => two.written - one.written);
process.stdout.write(`${JSON.stringify({
  budget_usd: BUDGET_USD, usd: Math.round(sum(rows.map((row) => row.usd)) * 100) / 100, rows,
  rows_written: written.map(({ object, statement, written: count }) => ({ object, statement, count })),
  events: counted.counts, deposit_bytes: voice.length,
})}\n`);
