// What registered telephones cost that do nothing but keep their connection alive: memory of each, and whether they
// wake the runtime. A connection that hibernates holds its socket and its attachment; its keep-alive is answered beside
// all code of ours.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SipAgent } from '../../tests/sip-agent.mjs';

const FLOWS = 5_000;
/** An address has at most 16 contacts. */
const PER_ADDRESS = 10;
const AT_ONCE = 20;
const ADMIN = 'Bearer dev-admin-token';
/** The runtime lets an object sleep when nothing came for ten seconds. */
const SLEEP_MS = 15_000;
const WATCHED_MS = 20_000;
const PINGS = 1_000;

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
const round = (number, digits = 1) => Math.round(number * 10 ** digits) / 10 ** digits;

async function inTurns(count, work) {
  let next = 0;
  const one = async () => {
    while (next < count) await work((next += 1) - 1);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function makeUser(server, number) {
  const made = await fetch(`${server.url}/admin/users/${encodeURIComponent(`sip:idle${number}@localhost`)}`, {
    method: 'PUT', headers: { authorization: ADMIN, 'content-type': 'application/json' }, body: JSON.stringify({ password: `idle${number}-demo`, display_name: `Idle ${number}` }),
  });
  if (!made.ok) throw new Error(`user ${number}: ${made.status}`);
}

async function register(server, number) {
  const user = `idle${Math.floor(number / PER_ADDRESS)}`;
  const agent = await new SipAgent({ url: server.url, user, password: `${user}-demo` }).connect();
  const answer = await agent.register({ expires: 3_600 });
  if (answer.status !== 200) throw new Error(answer.text);
  return agent;
}

/** What the runtime's process used so far: memory in kB, processor in s, times that one of its threads was woken. */
function usage(pid) {
  const status = (path) => readFileSync(path, 'utf8');
  const field = (text, name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => field(status(`/proc/${pid}/task/${thread}/status`), 'voluntary_ctxt_switches'));
  const times = status(`/proc/${pid}/stat`).split(') ').at(-1).split(' ');
  return {
    memory_kb: field(status(`/proc/${pid}/status`), 'VmRSS'),
    cpu_s: (Number(times[11]) + Number(times[12])) / 100,
    wakes: threads.reduce((sum, count) => sum + count, 0),
  };
}

async function watched(pid, work) {
  const before = usage(pid);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const after = usage(pid);
  return { cpu_percent: round(((after.cpu_s - before.cpu_s) * 100) / seconds, 2), wakes_per_s: round((after.wakes - before.wakes) / seconds) };
}

/** Keep-alives of some of them, each awaited: how long a sleeping connection takes to answer. */
async function pings(agents) {
  const times = [];
  for (const agent of agents.slice(0, PINGS)) times.push(await agent.ping());
  return times.toSorted((one, other) => one - other)[PINGS >> 1];
}

export async function idle(server) {
  const pid = Number(readFileSync(join(server.state, 'workerd.pid'), 'utf8'));
  await inTurns(FLOWS / PER_ADDRESS, (number) => makeUser(server, number));
  await pause(SLEEP_MS);
  const empty = usage(pid);
  const agents = [];
  await inTurns(FLOWS, async (number) => { agents.push(await register(server, number)); });
  const awake = usage(pid);
  await pause(SLEEP_MS);
  const asleep = usage(pid);
  const quiet = await watched(pid, () => pause(WATCHED_MS));
  let ping_p50_ms;
  const pinged = await watched(pid, async () => { ping_p50_ms = round(await pings(agents), 2); });
  for (const agent of agents) agent.close();
  const each = (usage) => round((usage.memory_kb - empty.memory_kb) / FLOWS);
  return { flows: FLOWS, awake_kb_each: each(awake), asleep_kb_each: each(asleep), quiet, ping_p50_ms, pinged };
}
