// What the edge owes to any SIP client besides calls: a connection that can be come back to, every form of
// registration, the answers of RFC 3261 to what it does not do, and peace from those who flood it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { proxy } from './proxy.mjs';
import { OFFER, SipAgent, sessionInfo } from './sip-agent.mjs';

const BOB = 'sip:bob@localhost';
const ANSWER = OFFER.replace('a=setup:actpass', 'a=setup:active');
let server;
/** A way to the server that can be cut. */
let relay;

before(async () => {
  server = await startServer({ env: { AFTERBEEP_LIMIT_MESSAGES_PER_MIN: '300' } });
  relay = await proxy();
  relay.target = server.port;
});
after(async () => {
  relay?.close();
  await server?.stop();
});

const agent = (options = {}) => new SipAgent({ url: server.url, ...options }).connect();
const pickUp = (invite, self) => self.respond(invite, 200, 'OK', { body: ANSWER });
const value = () => randomBytes(16).toString('hex');

/** Sends a literal request, its own headers first, and gives back its final answer. */
async function ask(from, start, lines = [], body = '') {
  const id = value();
  const method = start.split(' ')[0];
  const uri = start.split(' ')[1];
  const own = (name) => lines.some((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  const standard = [
    ['Via', `SIP/2.0/WS x.invalid;branch=z9hG4bK${id}`], ['Max-Forwards', '70'], ['From', '<sip:a@x.invalid>;tag=1'], ['To', `<${uri}>`],
    ['Call-ID', id], ['CSeq', `1 ${method}`], ['Contact', '<sip:a@x.invalid;transport=ws>'], ['Content-Length', Buffer.byteLength(body)],
  ].filter(([name]) => !own(name)).map(([name, text]) => `${name}: ${text}`);
  from.send([start, ...lines, ...standard, '', body].join('\r\n'));
  return from.expect(`answer to ${start}`, (message) => message.status >= 200 && message.header('call-id') === id);
}

test('a call goes on when either end comes back to its connection, and what was said meanwhile arrives', async (context) => {
  const bob = await agent({ url: relay.url, user: 'bob', password: 'bob-demo', answer: pickUp, flow: value() });
  const anna = await agent({ url: relay.url, flow: value() });
  context.after(() => { anna.close(); bob.close(); });
  assert.equal((await bob.register()).status, 200);
  const { response, dialog } = await anna.invite(BOB);
  assert.equal(response.status, 200);
  await bob.expect('ACK', (message) => message.method === 'ACK');
  relay.cut();
  assert.equal((await bob.closed).code, 1006);
  await anna.connect();
  const answer = anna.inDialog(dialog, 'INFO', { type: 'text/plain', body: 'still there?' });
  await bob.connect();
  await bob.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  assert.equal((await answer).status, 200);
  relay.cut();
  await Promise.all([bob.connect(), anna.connect()]);
  const invite = bob.received.find((message) => message.method === 'INVITE');
  assert.equal((await bob.inDialog(bob.dialogOf(invite), 'BYE')).status, 200);
  await anna.expect('BYE', (message) => message.method === 'BYE' && !message.status);
});

test('the newest socket of a connection wins, and the older one is told', async (context) => {
  const bob = await agent({ user: 'bob', password: 'bob-demo', answer: pickUp, flow: value() });
  assert.equal((await bob.register()).status, 200);
  await bob.expect('NOTIFY', (message) => message.method === 'NOTIFY' && !message.status);
  const { closed } = bob;
  await bob.connect();
  assert.deepEqual(await closed, { code: 4001, reason: 'replaced' });
  const anna = await agent();
  context.after(() => { anna.close(); bob.close(); });
  assert.equal((await anna.invite(BOB)).response.body, ANSWER, 'his registration still stands');
});

test('a telephone that registers again on another connection is found in its call, without naming any', async (context) => {
  const bob = await agent({ url: relay.url, user: 'bob', password: 'bob-demo', answer: pickUp });
  const anna = await agent();
  context.after(() => { anna.close(); bob.close(); });
  await bob.register();
  const { dialog } = await anna.invite(BOB);
  await bob.expect('ACK', (message) => message.method === 'ACK');
  relay.cut();
  await bob.closed;
  await bob.connect();
  await bob.register();
  assert.equal((await anna.inDialog(dialog, 'INFO', { type: 'text/plain', body: 'still there?' })).status, 200);
  await bob.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  const invite = bob.received.find((message) => message.method === 'INVITE');
  assert.equal((await bob.inDialog(bob.dialogOf(invite), 'BYE')).status, 200);
  await anna.expect('BYE', (message) => message.method === 'BYE' && !message.status);
});

test('a redirection to one of ours is followed by the edge, and one that leads out ends at the voicemail', async (context) => {
  const anna = await agent();
  context.after(() => anna.close());
  for (const [to, called] of [['sip:carol@localhost', 'sip:carol@localhost'], ['sip:carol@elsewhere.example', BOB], ['sip:voicemail@localhost;target=sip:bob%40localhost;cause=302', BOB]]) {
    const bob = await agent({ user: 'bob', password: 'bob-demo', answer: (invite, self) => self.respond(invite, 302, 'Moved Temporarily', { extra: [`Contact: <${to}>`] }) });
    await bob.register();
    const { response, dialog } = await anna.invite(BOB);
    assert.equal(response.status, 200, response.text);
    const info = await anna.expect('INFO', (message) => message.method === 'INFO' && !message.status);
    assert.equal(sessionInfo(info.body)['Called Party'], called, to);
    assert.equal((await anna.inDialog(dialog, 'BYE')).status, 200);
    await bob.register({ expires: 0 });
    bob.close();
  }
});

test('what the edge does not do is refused as RFC 3261 says, and the connection lives on', async (context) => {
  const anna = await agent();
  context.after(() => anna.close());
  const sdp = ['Content-Type: application/sdp'];
  for (const [start, lines, status, header, body] of [
    [`PUBLISH ${BOB} SIP/2.0`, [], 405, 'allow'],
    [`INVITE ${BOB} SIP/2.0`, [...sdp, 'Accept: text/x'], 406, 'to', OFFER],
    [`INVITE ${BOB} SIP/2.0`, ['Content-Type: text/x'], 415, 'accept', 'x'],
    ['OPTIONS isbn:2983792873 SIP/2.0', [], 416, 'to'],
    [`INVITE ${BOB} SIP/2.0`, [...sdp, 'Require: x'], 420, 'unsupported', OFFER],
    [`BYE ${BOB} SIP/2.0`, [`To: <${BOB}>;tag=2`], 481, 'to'],
    [`CANCEL ${BOB} SIP/2.0`, [], 481, 'to'],
    ['OPTIONS sip:localhost SIP/2.0', ['Max-Forwards: 0'], 483, 'to'],
    [`DANCE ${BOB} SIP/2.0`, [], 501, 'to'],
    ['OPTIONS sip:localhost SIP/3.0', [], 505, 'to'],
    ['OPTIONS sip:localhost SIP/2.0', [], 200, 'allow'],
  ]) {
    const answer = await ask(anna, start, lines, body);
    assert.equal(answer.status, status, answer.text);
    assert.ok(answer.header(header), answer.text);
  }
});

test('two who say to be each other find out nothing: challenges look alike, and a proof serves once', async (context) => {
  const [anna, bob] = [await agent(), await agent({ user: 'bob', password: 'bob-demo', algorithm: 'SHA-256' })];
  context.after(() => { anna.close(); bob.close(); });
  const challenges = [];
  for (const user of ['bob', 'nobody']) {
    const answer = await ask(anna, 'REGISTER sip:localhost SIP/2.0', [`To: <sip:${user}@localhost>`, `From: <sip:${user}@localhost>;tag=1`]);
    assert.equal(answer.status, 401);
    challenges.push(answer.all('www-authenticate').map((text) => text.replace(/nonce="[^"]*"/, 'nonce')));
  }
  assert.deepEqual(challenges[0], challenges[1]);
  assert.deepEqual(challenges[0].map((text) => text.match(/algorithm=([^,]+)/)[1]), ['SHA-256', 'MD5']);
  const sent = [];
  const send = bob.send.bind(bob);
  bob.send = (text) => { sent.push(text); send(text); };
  assert.equal((await bob.register()).status, 200);
  const proof = sent.find((text) => text.startsWith('REGISTER') && text.includes('Authorization:'));
  anna.send(proof.replace(/Call-ID: .*/, 'Call-ID: replayed'));
  const replayed = await anna.expect('answer', (message) => message.header('call-id') === 'replayed');
  assert.equal(replayed.status, 401);
  assert.match(replayed.header('www-authenticate'), /stale=true/);
});

test('a flood closes its own connection with a reason, and a call beside it goes on', async (context) => {
  const bob = await agent({ user: 'bob', password: 'bob-demo', answer: pickUp });
  const [anna, mallory, giant] = [await agent(), await agent(), await agent()];
  context.after(() => { for (const one of [anna, bob, mallory, giant]) one.close(); });
  await bob.register();
  const options = (number) => `OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS m.invalid;branch=z9hG4bK${number}\r\nMax-Forwards: 70\r\nFrom: <sip:m@m.invalid>;tag=1\r\nTo: <sip:localhost>\r\nCall-ID: flood\r\nCSeq: ${number} OPTIONS\r\nContent-Length: 0\r\n\r\n`;
  for (let number = 1; number <= 3000; number += 1) mallory.send(options(number));
  giant.send(`${options(1).trimEnd()}\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`);
  const { response, dialog } = await anna.invite(BOB);
  assert.equal(response.body, ANSWER);
  assert.equal((await anna.inDialog(dialog, 'BYE')).status, 200);
  assert.deepEqual(await mallory.closed, { code: 1008, reason: 'too many messages' });
  assert.deepEqual(await giant.closed, { code: 1009, reason: 'message too big' });
  assert.ok(mallory.received.length <= 300, `${mallory.received.length} answers`);
  const again = await agent();
  context.after(() => again.close());
  assert.equal((await ask(again, 'OPTIONS sip:localhost SIP/2.0')).status, 200, 'who comes back is welcome');
});
