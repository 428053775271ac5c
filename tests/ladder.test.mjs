// Every call can be looked at: the ladder says what the wires said, message by message, and gives no secret away.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer } from './harness.mjs';
import { callOf, callIds, assertSameLeg, secretsOf, watchSockets, WiredAgent } from './ladder/wire.mjs';
import { button, inBrowser, signIn } from './page.mjs';
import { sessionInfo } from './sip-agent.mjs';

const ADMIN = 'dev-admin-token';
const ANSWER = ['v=0', 'o=- 2 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 127.0.0.1', 'a=ice-pwd:answeransweransweranswer', ''].join('\r\n');
/** Everything secret that any wire of these tests carried, and every answer in which it must not stand. */
const secrets = new Set([ADMIN, 'alice-demo', 'bob-demo', 'carol-demo']);
const answers = [];
let server;
let bob;
let carol;

before(async () => {
  server = await startServer({});
  bob = await signIn(server, 'bob');
  carol = await signIn(server, 'carol');
  for (const { token } of [bob, carol]) secrets.add(token);
});
after(() => server?.stop());

async function agent(context, options = {}) {
  const one = await new WiredAgent({ url: server.url, ...options }).connect();
  context.after(() => one.close());
  return one;
}

async function registered(context, user, answer) {
  const one = await agent(context, { user, password: `${user}-demo`, answer });
  assert.equal((await one.register()).status, 200);
  return one;
}

async function json(answer) {
  const text = await answer.text();
  answers.push(text);
  assert.equal(answer.status, 200, text);
  return JSON.parse(text);
}

/** The ladder of a call as its callee sees it, once it has so many messages at this end. */
async function ladderOf(owner, callId, end, count) {
  for (let attempt = 0; ; attempt += 1) {
    const { calls } = await json(await owner.call('GET', '/calls'));
    const call = calls.find((one) => one.call_id === callId);
    const ladder = call && (await json(await owner.call('GET', `/calls/${call.id}`)));
    const seen = ladder?.entries.filter(({ from, to }) => from === end || to === end).length ?? 0;
    if (seen >= count || attempt === 300) return ladder;
    await new Promise((next) => setTimeout(next, 100));
  }
}

async function assertLeg(owner, callId, end, wire) {
  const leg = callOf(wire, callId);
  for (const secret of secretsOf(wire)) secrets.add(secret);
  const ladder = await ladderOf(owner, callId, end, leg.length);
  assert.ok(ladder, 'the call is there');
  assertSameLeg(ladder, end, leg);
  return ladder;
}

test('a call to the voicemail, skipped by a key, is on the ladder message by message', async (context) => {
  const anna = await agent(context);
  const { response, dialog } = await anna.invite('sip:bob@localhost', { displayName: 'Anna' });
  assert.equal(response.status, 200);
  const info = await anna.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  await anna.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\nDuration=160\r\n' });
  await anna.expect('BYE', (message) => message.method === 'BYE' && !message.status);
  const ladder = await assertLeg(bob, dialog.callId, 'caller', anna.wire);
  assert.equal(ladder.outcome, 'voicemail');
  assert.deepEqual(ladder.ends, ['caller', 'edge', 'voicemail']);
  assert.ok(ladder.notes.some(({ note, duration_ms: length }) => note === 'greeting' && length > 0), JSON.stringify(ladder.notes));

  const { ID: token } = sessionInfo(info.body);
  const mine = await json(await fetch(`${server.url}/sessions/current/calls`, { headers: { authorization: `Bearer ${token}` } }));
  assert.equal(mine.calls.length, 1);
  assertSameLeg(mine.calls[0], 'caller', callOf(anna.wire, dialog.callId));
  const { calls } = await json(await bob.call('GET', `/calls?session=${ladder.session_id}`));
  assert.deepEqual(calls.map(({ id }) => id), [ladder.id]);
});

test('a busy contact and the voicemail after it stand side by side', async (context) => {
  const desk = await registered(context, 'carol', (invite, self) => self.respond(invite, 486, 'Busy Here'));
  const anna = await agent(context);
  const { dialog } = await anna.invite('sip:carol@localhost');
  await anna.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  await anna.inDialog(dialog, 'BYE');
  await desk.expect('ACK', (message) => message.method === 'ACK' && !message.status);
  const ladder = await assertLeg(carol, dialog.callId, 'caller', anna.wire);
  assertSameLeg(ladder, 'contact 1', callOf(desk.wire, dialog.callId));
  assert.deepEqual(ladder.ends, ['caller', 'edge', 'contact 1', 'voicemail']);
});

test('an answered call is seen at both ends, requests inside the dialog too', async (context) => {
  const desk = await registered(context, 'carol', (invite, self) => {
    self.respond(invite, 180, 'Ringing');
    self.respond(invite, 200, 'OK', { body: ANSWER });
    self.invited = invite;
  });
  const anna = await agent(context);
  const { response, dialog } = await anna.invite('sip:carol@localhost');
  assert.equal(response.status, 200);
  await desk.expect('ACK', (message) => message.method === 'ACK' && !message.status);
  await anna.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=7\r\n' });
  await desk.inDialog(desk.dialogOf(desk.invited), 'BYE');
  const ladder = await assertLeg(carol, dialog.callId, 'caller', anna.wire);
  await assertLeg(carol, dialog.callId, 'contact 1', desk.wire);
  assert.equal(ladder.outcome, 'answered');
  assert.ok(ladder.entries.some(({ message }) => message.includes('Signal=***')), 'digits are nobody else’s business');
});

test('a call that its caller takes back is there as well', async (context) => {
  const desk = await registered(context, 'carol', (invite, self) => {
    self.ringing = invite;
    self.respond(invite, 180, 'Ringing');
  });
  const anna = await agent(context);
  const { response, dialog } = await anna.invite('sip:carol@localhost', { onProvisional: () => anna.cancel() });
  assert.equal(response.status, 487);
  await desk.expect('ACK', (message) => message.method === 'ACK' && !message.status);
  const ladder = await assertLeg(carol, dialog.callId, 'caller', anna.wire);
  await assertLeg(carol, dialog.callId, 'contact 1', desk.wire);
  assert.equal(ladder.outcome, 'cancelled');
});

test('a call from a browser is there too', async (context) => {
  const browser = await launchBrowser();
  context.after(() => browser.close());
  const page = await browser.context.newPage();
  const wire = watchSockets(page);
  await page.goto(`${server.url}/?to=bob`);
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  // Where a key is pressed while the INFO is on its way, their order at either end says nothing.
  while (!wire.some(({ way, text }) => way === 'sent' && /^SIP\/2\.0 200 [\s\S]*^CSeq: \d+ INFO/m.test(text))) await page.waitForTimeout(20);
  await button(page, 'Skip greeting').click();
  await inBrowser(page, ['ended', 'ready']);
  const [callId] = callIds(wire);
  await assertLeg(bob, callId, 'caller', wire);
});

test('only the owner, the operator and the caller look, and nothing anybody sees opens anything', async (context) => {
  const alice = await agent(context, { user: 'alice', password: 'alice-demo' });
  const { dialog } = await alice.invite('sip:bob@localhost');
  await alice.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  await alice.inDialog(dialog, 'BYE');
  const proven = callOf(alice.wire, dialog.callId).findIndex(({ text }) => /^proxy-authorization:/im.test(text));
  assert.ok(proven > 0, 'she was asked to prove who she is');
  for (const secret of secretsOf(alice.wire)) secrets.add(secret);
  const ladder = await ladderOf(bob, dialog.callId, 'caller', callOf(alice.wire, dialog.callId).length - proven);
  assertSameLeg(ladder, 'caller', callOf(alice.wire, dialog.callId).slice(proven));
  assert.equal(ladder.from, 'sip:alice@localhost');

  const own = await signIn(server, 'alice');
  secrets.add(own.token);
  const made = (await json(await own.call('GET', '/calls'))).calls.find((call) => call.call_id === dialog.callId);
  assert.deepEqual([made.way, made.to, made.outcome, made.messages], ['made', 'sip:bob@localhost', 'voicemail', null]);
  assert.equal((await own.call('GET', `/calls/${made.id}`)).status, 404);
  const hers = await json(await fetch(made.ladder_url));
  assertSameLeg(hers, 'caller', callOf(alice.wire, dialog.callId).slice(proven));
  assert.deepEqual([hers.way, hers.to, hers.ends], ['made', 'sip:bob@localhost', ['caller', 'edge', 'voicemail']]);
  assert.equal((await fetch(`${server.url}/calls/${made.id}?token=x`)).status, 401);

  const asOperator = (path) => fetch(server.url + path, { headers: { authorization: `Bearer ${ADMIN}` } });
  await json(await asOperator('/admin/calls?address=bob'));
  await json(await asOperator(`/admin/calls/${ladder.id}?address=bob`));
  assert.equal((await asOperator('/admin/calls')).status, 422);
  assert.equal((await asOperator('/calls')).status, 401);
  assert.equal((await fetch(`${server.url}/calls`)).status, 401);
  assert.equal((await carol.call('GET', `/calls/${ladder.id}`)).status, 404);
  assert.equal((await carol.call('GET', '/admin/calls?address=bob')).status, 401);

  assert.ok(secrets.size > 20, `${secrets.size} secrets passed by`);
  for (const answer of answers) for (const secret of secrets) assert.ok(!answer.includes(secret), `${secret} is in ${answer}`);
});
