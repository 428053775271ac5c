// Who answers a call: the callee, or his voicemail. Plain SIP agents against the real runtime.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { signIn } from './page.mjs';
import { SipAgent, sessionInfo } from './sip-agent.mjs';

const BOB = 'sip:bob@localhost';
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

const agent = (options = {}) => new SipAgent({ url: server.url, ...options }).connect();

/** Plays the caller's side of a voicemail call up to the BYE; gives back what was said on the way. */
async function reachVoicemail(caller, target = BOB) {
  const provisionals = [];
  const { response, dialog } = await caller.invite(target, { onProvisional: (message) => provisionals.push(message) });
  assert.equal(response.status, 200, response.text);
  assert.match(response.header('call-info'), /<http[^>]*\/greetings\/[^>]+>;\s*purpose=afterbeep-greeting/);
  const info = await caller.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  assert.equal(info.header('content-type'), 'text/plain');
  const session = sessionInfo(info.body);
  assert.deepEqual(Object.keys(session).slice(0, 3), ['Session Type', 'Called Party', 'ID']);
  assert.equal(session['Session Type'], 'voice');
  assert.equal(session['Called Party'], target);
  assert.match(session.ID, /^s1\./);
  assert.ok(Buffer.byteLength(info.body) <= 1200);
  const skip = await caller.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\nDuration=160\r\n' });
  assert.equal(skip.status, 200);
  const bye = await caller.expect('BYE', (message) => message.method === 'BYE' && !message.status);
  assert.match(bye.header('reason'), /^SIP\s*;\s*cause=200\s*;\s*text="record offline"$/);
  return { response, session, provisionals };
}

test('voicemail answers for a callee who is not registered, refuses every media line, and says 180 without SDP', async () => {
  const caller = await agent();
  const { response, provisionals } = await reachVoicemail(caller);
  assert.ok(provisionals.every((message) => message.body === ''), 'SDP in a provisional answer');
  assert.match(response.body, /^m=audio 0 UDP\/TLS\/RTP\/SAVPF 111$/m);
  assert.match(response.body, /^a=mid:0$/m);
  assert.match(response.body, /^a=group:BUNDLE\s*$/m);
  assert.doesNotMatch(response.body, /ice-ufrag|fingerprint|candidate/);
  caller.close();
});

for (const [status, reason] of [[486, 'Busy Here'], [404, 'Not Found'], [603, 'Decline'], [500, 'Server Error'], [488, 'Not Acceptable Here']]) {
  test(`voicemail answers when the callee's phone says ${status}`, async () => {
    const bob = await agent({ user: 'bob', password: 'bob-demo', answer: (invite, self) => self.respond(invite, status, reason) });
    assert.equal((await bob.register()).status, 200);
    const caller = await agent();
    await reachVoicemail(caller);
    await bob.expect('ACK to the failure', (message) => message.method === 'ACK');
    assert.equal((await bob.register({ expires: 0 })).status, 200);
    bob.close();
    caller.close();
  });
}

test('voicemail answers when the phone rings and nobody picks up, and the phone stops ringing', async () => {
  const { call } = await signIn(server, 'carol');
  assert.equal((await call('PATCH', '/mailbox/settings', { ring_timeout_s: 1 })).status, 200);
  const carol = await agent({
    user: 'carol', password: 'carol-demo', algorithm: 'SHA-256',
    answer: (invite, self) => { self.ringing = invite; self.respond(invite, 180, 'Ringing'); },
  });
  await carol.register();
  const caller = await agent();
  await reachVoicemail(caller, 'sip:carol@localhost');
  await carol.expect('CANCEL', (message) => message.method === 'CANCEL');
  await carol.register({ expires: 0 });
  carol.close();
  caller.close();
});

test('voicemail answers at once when the phone vanished without unregistering', async () => {
  const bob = await agent({ user: 'bob', password: 'bob-demo' });
  await bob.register();
  bob.close();
  const caller = await agent();
  await reachVoicemail(caller);
  caller.close();
});

test('a callee who answers has the call: ACK and BYE find their way in both directions, voicemail stays out', async () => {
  const bob = await agent({ user: 'bob', password: 'bob-demo', answer: (invite, self) => self.respond(invite, 200, 'OK', { body: ANSWER }) });
  await bob.register();
  for (const hangsUp of ['caller', 'bob']) {
    const caller = await agent();
    const { response, dialog } = await caller.invite(BOB);
    assert.equal(response.status, 200);
    assert.equal(response.body, ANSWER, 'the answer passes end to end');
    await bob.expect('ACK', (message) => message.method === 'ACK');
    const invite = bob.received.findLast((message) => message.method === 'INVITE');
    const answer = hangsUp === 'caller' ? await caller.inDialog(dialog, 'BYE') : await bob.inDialog(bob.dialogOf(invite), 'BYE');
    assert.equal(answer.status, 200);
    await (hangsUp === 'caller' ? bob : caller).expect('BYE', (message) => message.method === 'BYE' && !message.status);
    assert.ok(!caller.received.some((message) => message.method === 'INFO'), 'no voicemail in an answered call');
    caller.close();
  }
  await bob.register({ expires: 0 });
  bob.close();
});

test('a caller who gives up gets 487 and the phone stops ringing', async () => {
  const bob = await agent({
    user: 'bob', password: 'bob-demo',
    answer: (invite, self) => { self.ringing = invite; self.respond(invite, 180, 'Ringing'); },
  });
  await bob.register();
  const caller = await agent();
  const call = caller.invite(BOB);
  await bob.expect('INVITE', (message) => message.method === 'INVITE');
  await caller.cancel();
  assert.equal((await call).response.status, 487);
  await bob.expect('CANCEL', (message) => message.method === 'CANCEL');
  await bob.register({ expires: 0 });
  bob.close();
  caller.close();
});

test('nobody calls as somebody of our domain without proof, and nobody is relayed elsewhere', async () => {
  const forger = await agent({ user: 'alice' });
  assert.equal((await forger.invite(BOB)).response.status, 407);
  const alice = await agent({ user: 'alice', password: 'alice-demo', algorithm: 'SHA-256' });
  const { session } = await reachVoicemail(alice);
  assert.ok(session.ID);
  const stranger = await agent();
  assert.equal((await stranger.invite('sip:someone@elsewhere.example')).response.status, 403);
  assert.equal((await stranger.invite('sip:nobody-here@localhost')).response.status, 404);
  for (const one of [forger, alice, stranger]) one.close();
});

test('registration refuses a wrong password and an unknown user alike', async () => {
  const wrong = await agent({ user: 'bob', password: 'not-his' });
  const unknown = await agent({ user: 'mallory', password: 'anything' });
  const [first, second] = [await wrong.register(), await unknown.register()];
  assert.deepEqual([first.status, second.status], [401, 401]);
  assert.deepEqual(first.headers.map(([name]) => name), second.headers.map(([name]) => name));
  wrong.close();
  unknown.close();
});

const ANSWER = [
  'v=0', 'o=- 2 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 4000 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 127.0.0.1',
  'a=mid:0', 'a=sendrecv', 'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');
