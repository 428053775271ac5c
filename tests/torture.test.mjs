// The torture messages of RFC 4475 over the live socket: each gets the answer that its entry in the table
// wants, or none, and its connection goes on. The most telling ones stand here as text, so that something is
// checked where the shared folder is not beside the repository. Then 5,000 random and changed messages; more by
// `cargo xtask fuzz socket --count N`.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { SipAgent } from './sip-agent.mjs';
import { corpus, storm } from './torture/storm.mjs';

const FOLDER = resolve(import.meta.dirname, '../../shared/data/sip-torture');
const ADMIN = 'Bearer dev-admin-token';
/** Whom the messages are for. */
const USERS = ['user', 'j.user'];
/** What an exchange for example.com says to the messages that it must understand. */
const UNDERSTOOD = {
  wsinv: 403, intmeth: 501, esc01: 403, escnull: 403, esc02: 501, lwsdisp: 200, longreq: 200, dblreq: 401, semiuri: 200, transports: 200,
  mpart01: 403, badbranch: 200, cparam01: 401, cparam02: 401, regescrt: 401, inv2543: 404,
};
/** Faults that a liberal reader may overlook. */
const OVERLOOKED = { baddate: 200 };

let server;

before(async () => {
  server = await startServer({ demo: false, env: { AFTERBEEP_DOMAIN: 'example.com', AFTERBEEP_LIMIT_INVITES_PER_MIN: '0' } });
  for (const name of USERS) await makeUser(name);
});
after(async () => {
  assert.doesNotMatch(server?.log() ?? '', /panic|unreachable|RuntimeError|already borrowed/i, 'nothing has died');
  await server?.stop();
});

async function makeUser(name) {
  const made = await fetch(`${server.url}/admin/users/${encodeURIComponent(`sip:${name}@example.com`)}`, {
    method: 'PUT', headers: { authorization: ADMIN, 'content-type': 'application/json' },
    body: JSON.stringify({ password: 'torture-demo', display_name: name }),
  });
  assert.ok(made.ok, `${name} is made: ${made.status}`);
}

const isFinal = (message) => message.status >= 200;

/** An OPTIONS that is answered: the connection lives, and everything it said before is here. */
async function stillAnswers(agent) {
  const callId = `alive-${Math.random()}`;
  agent.send(request('OPTIONS sip:example.com', { 'Call-ID': callId }));
  const answer = await agent.expect('answer to OPTIONS', (message) => isFinal(message) && message.header('call-id') === callId);
  assert.equal(answer.status, 200);
}

/** The final answer to these bytes on a connection of their own; 0 where there must be none. */
async function statusOf(bytes, isAnswered) {
  const agent = await new SipAgent({ url: server.url }).connect();
  agent.send(bytes);
  const answer = isAnswered ? await agent.expect('final answer', isFinal) : undefined;
  await stillAnswers(agent);
  agent.close();
  const others = agent.received.filter((message) => !message.taken);
  if (!isAnswered) assert.deepEqual(others.map((message) => message.start), []);
  return answer ?? { status: 0 };
}

/** A request with these headers instead of the usual ones; `null` leaves one out. */
function request(start, changes = {}, body = '') {
  const method = start.split(' ')[0];
  const headers = {
    Via: 'SIP/2.0/WS torture.invalid;branch=z9hG4bKtorture', 'Max-Forwards': '70', From: '<sip:caller@example.net>;tag=1', To: '<sip:user@example.com>',
    'Call-ID': 'torture', CSeq: `8 ${method}`, Contact: '<sip:caller@torture.invalid;transport=ws>', 'Content-Length': String(body.length), ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== null).flatMap(([name, value]) => [].concat(value).map((one) => `${name}: ${one}`));
  return [`${start} SIP/2.0`, ...lines, '', body].join('\r\n');
}

const USER = 'sip:user@example.com';
const LITERALS = [
  ['unknown extensions', request(`OPTIONS ${USER}`, { Require: 'nothingSupportsThis', 'Proxy-Require': 'noProxiesSupportThis' }), [420]],
  ['an extension that a call needs', request(`INVITE ${USER}`, { Require: 'nothingSupportsThis' }), [420]],
  ['a body of an unknown type', request(`INVITE ${USER}`, { 'Content-Type': 'application/unknownformat' }, '<audio/>'), [415]],
  ['a caller who reads no SDP', request(`INVITE ${USER}`, { Accept: 'text/nobodyKnowsThis' }), [406]],
  ['an unknown scheme', request('OPTIONS soap.beep://192.0.2.103:3002'), [416]],
  ['no hops left', request(`OPTIONS ${USER}`, { 'Max-Forwards': '0' }), [483]],
  ['headers that are missing', request(`INVITE ${USER}`, { 'Call-ID': null, From: null, To: null }), [400]],
  ['headers that stand twice', request(`INVITE ${USER}`, { 'Call-ID': ['one', 'two'], CSeq: ['5 INVITE', '59 INVITE'] }), [400]],
  ['two lengths', request(`OPTIONS ${USER}`, { 'Content-Length': ['13', '5'] }), [400]],
  ['another method in the CSeq', request(`OPTIONS ${USER}`, { CSeq: '8 INVITE' }), [400]],
  ['an unknown method', request(`NEWMETHOD ${USER}`), [501]],
  ['a method for others', request(`REFER ${USER}`), [405]],
  ['an event that nobody tells of', request(`SUBSCRIBE ${USER}`, { Event: 'presence' }), [489]],
  ['a text that is too long', request(`MESSAGE ${USER}`, { 'Content-Type': 'text/plain' }, 'x'.repeat(1_300)), [413]],
  ['another version', request(`OPTIONS ${USER}`).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), [505]],
  ['a registration of no address', request('REGISTER sip:example.com', { To: 'isbn:2983792873' }), [400]],
  ['an unknown proof', request('REGISTER sip:example.com', { Authorization: 'NoOneKnowsThisScheme opaque-data=here' }), [401]],
  ['a status beyond all numbers', request('x').replace(/^.*/, 'SIP/2.0 4294967301 better not break the receiver'), []],
  ['an answer for somebody else', request('x', { CSeq: '8 INVITE' }).replace(/^.*/, 'SIP/2.0 200 OK'), []],
];

for (const [what, text, codes] of LITERALS) {
  test(`${what}: ${codes[0] ?? 'no answer'}`, async () => {
    const answer = await statusOf(text, codes.length > 0);
    if (codes.length > 0) assert.ok(codes.includes(answer.status), answer.text);
    if (answer.status === 420) assert.match(answer.header('unsupported'), /nothingSupportsThis|noProxiesSupportThis/);
    if (answer.status === 415) assert.match(answer.header('accept'), /application\/sdp/);
  });
}

/** Which statuses the table allows; none where nobody may answer. */
function verdict({ name, kind, behaviour, bytes }) {
  if (bytes.subarray(0, 4).toString() === 'SIP/') return [];
  if (name in UNDERSTOOD) return [UNDERSTOOD[name]];
  const refusals = behaviour.match(/\b[45]\d\d\b/g).map(Number);
  return kind === 'L' && name in OVERLOOKED ? [OVERLOOKED[name]] : refusals;
}

function cases() {
  const rows = readFileSync(join(FOLDER, 'expected.tsv'), 'utf8').split('\n').filter((row) => row && !row.startsWith('#'));
  return rows.map((row) => {
    const [name, , kind, behaviour] = row.split('\t');
    return { name, kind, behaviour, bytes: readFileSync(join(FOLDER, `${name}.dat`)) };
  });
}

if (existsSync(FOLDER)) {
  test('all 49 torture messages get the answer that they deserve', async () => {
    const all = cases();
    assert.equal(all.length, 49);
    for (const one of all) {
      const wanted = verdict(one);
      const { status } = await statusOf(one.bytes, wanted.length > 0);
      if (wanted.length > 0) assert.ok(wanted.includes(status), `${one.name}: ${status}, not ${wanted}`);
    }
  });
} else {
  console.log('skipped: no ../shared');
}

test('5,000 random and changed messages get a right answer or none, and every connection lives on or is told why it ends', async () => {
  const tortures = existsSync(FOLDER) ? cases().map(({ bytes }) => bytes) : [];
  const messages = [...corpus('example.com', 'user'), ...tortures];
  const result = await storm({ url: server.url, domain: 'example.com', messages, count: 5_000, seed: 4475 });
  assert.deepEqual(result.complaints, []);
  assert.equal(result.thrown, 5_000);
  assert.ok(result.answered > 1_500, `enough are understood to matter: ${JSON.stringify(result)}`);
});
