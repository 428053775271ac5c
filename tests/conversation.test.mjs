// Calls between two people, engine to engine: sound both ways, hold, camera, keys, a lost connection, every way out.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { comes, fallsSilent, forget, heard, hears, isDark, openEngine, tell, watchMedia } from './conversation/engine.mjs';
import { launchBrowser, startServer } from './harness.mjs';
import { proxy } from './proxy.mjs';
import { SipAgent } from './sip-agent.mjs';

const BOB = 'sip:bob@localhost';
let server;
let relay;
let browser;
let alice;
let bob;

before(async () => {
  relay = await proxy();
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '60' } });
  relay.target = Number(new URL(server.url).port);
  // One test takes Bob's way to the server away.
  browser = await launchBrowser({ allowedErrors: [/WebSocket connection to .* failed/] });
  await watchMedia(browser);
  // Two origins, so that each has a device of its own; what Bob says goes through the relay.
  alice = await openEngine(browser, server.url, 'alice');
  bob = await openEngine(browser, relay.url, 'bob');
  await hears(bob, { type: 'mailbox' });
});
after(() => browser?.close());
after(() => server?.stop());
after(() => relay?.close());

async function talk() {
  await Promise.all([forget(alice), forget(bob)]);
  await tell(alice, 'call', BOB);
  await hears(bob, { type: 'incoming', from: 'sip:alice@localhost', verified: true, video: false });
  await hears(alice, { type: 'state', state: 'ringing' });
  await tell(bob, 'answer', false);
  await Promise.all([hears(alice, { type: 'talk' }), hears(bob, { type: 'talk' })]);
}

/** Within the sound where that was agreed, by INFO where it was not. */
async function keysGoBothWays() {
  await alice.evaluate(() => {
    const { insertDTMF } = RTCDTMFSender.prototype;
    window.tones = '';
    RTCDTMFSender.prototype.insertDTMF = function (tones, ...how) {
      window.tones += tones;
      return insertDTMF.call(this, tones, ...how);
    };
  });
  for (const key of ['5', '#']) await tell(alice, 'send_key', key);
  assert.equal(await alice.evaluate(() => window.tones), '5#');
  await alice.evaluate(() => Object.defineProperty(RTCDTMFSender.prototype, 'canInsertDTMF', { get: () => false }));
  await tell(alice, 'send_key', '7');
  await hears(bob, { type: 'key', key: '7' });
  assert.deepEqual(await bob.evaluate(() => window.heard.filter(({ type }) => type === 'key').map(({ key }) => key)), ['7']);
}

async function over(page) {
  await hears(page, { type: 'state', state: 'idle' });
  await isDark(page);
}

test('two people talk: sound flows both ways, and who hangs up ends it for both', async () => {
  await talk();
  await Promise.all([comes(alice, 20), comes(bob, 20)]);
  await tell(alice, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
  await talk();
  await tell(bob, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
});

test('hold stops the sound in both directions and says so there; keys, mute and camera do what they say', async () => {
  await talk();
  await tell(bob, 'hold', true);
  await hears(bob, { type: 'talk', held: true });
  await hears(alice, { type: 'talk', held_by_peer: true });
  await fallsSilent(bob);
  await forget(alice);
  await tell(bob, 'hold', false);
  await hears(alice, { type: 'talk', held_by_peer: false });
  await comes(bob, 10);
  await tell(alice, 'mute', true);
  await hears(alice, { type: 'talk', muted: true });
  await keysGoBothWays();
  await tell(alice, 'set_camera', true);
  await hears(bob, { type: 'talk', video: true });
  await comes(bob, 10, 'video');
  await forget(bob);
  await tell(alice, 'set_camera', false);
  await hears(bob, { type: 'talk', video: false });
  await tell(alice, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
});

test('a call goes on when the connection to the server is lost and comes back', async () => {
  await talk();
  await comes(alice, 10);
  await Promise.all([forget(alice), forget(bob)]);
  relay.cut();
  await hears(bob, { type: 'connection', online: false });
  // Said while nobody could hear it there.
  await tell(alice, 'hold', true);
  await hears(bob, { type: 'connection', online: true });
  await hears(bob, { type: 'talk', held_by_peer: true });
  await forget(alice);
  await tell(bob, 'hold', true);
  await hears(alice, { type: 'talk', held_by_peer: true });
  assert.deepEqual((await heard(bob)).filter((event) => /^(error|state)/.test(event)), []);
  await tell(alice, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
});

test('who answers with the camera is seen', async () => {
  await Promise.all([forget(alice), forget(bob)]);
  await tell(alice, 'call', BOB);
  await hears(bob, { type: 'incoming' });
  await tell(bob, 'answer', true);
  await hears(alice, { type: 'talk', video: true });
  await comes(alice, 10, 'video');
  await tell(bob, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
});

test('a call that comes is declined, sent to the voicemail, cancelled, or finds a busy line', async () => {
  for (const [method, reason] of [['decline', 'declined'], ['send_to_voicemail', 'voicemail']]) {
    await Promise.all([forget(alice), forget(bob)]);
    await tell(alice, 'call', BOB);
    await hears(bob, { type: 'incoming' });
    await tell(bob, method);
    await hears(bob, { type: 'incoming_over', reason });
    await hears(alice, { type: 'state', state: 'greeting' });
    await tell(alice, 'hang_up');
    await hears(alice, { type: 'state', state: 'ready' });
  }
  await Promise.all([forget(alice), forget(bob)]);
  await tell(alice, 'call', BOB);
  await hears(bob, { type: 'incoming' });
  await tell(alice, 'hang_up');
  await hears(bob, { type: 'incoming_over', reason: 'cancelled' });
  await isDark(bob);
  await talk();
  const third = await new SipAgent({ url: server.url }).connect();
  const { response } = await third.invite(BOB);
  assert.match(response.header('call-info'), /purpose=afterbeep-greeting/, 'busy: the voicemail answers');
  assert.ok(!(await heard(bob)).includes('incoming_over'), 'a call that finds a busy line does not ring');
  third.close();
  await tell(bob, 'hang_up');
  await Promise.all([over(alice), over(bob)]);
});

test('a call rings on all devices, and stops on the others when one answers', async () => {
  const other = await openEngine(browser, relay.url.replace('127.0.0.1', 'localhost'), 'bob');
  await hears(other, { type: 'mailbox' });
  await Promise.all([forget(alice), forget(bob)]);
  await tell(alice, 'call', BOB);
  await Promise.all([hears(bob, { type: 'incoming' }), hears(other, { type: 'incoming' })]);
  await tell(other, 'answer', false);
  await hears(other, { type: 'talk' });
  await hears(bob, { type: 'incoming_over', reason: 'answered_elsewhere' });
  await tell(other, 'hang_up');
  await over(alice);
  await other.evaluate(() => window.client.sign_out());
  await other.close();
});

test('a browser without WebRTC says so, and its calls reach the voicemail without ringing anybody', async () => {
  await forget(bob);
  const poor = await openEngine(browser, server.url.replace('127.0.0.1', 'localhost'), undefined, () => { delete window.RTCPeerConnection; });
  await tell(poor, 'call', BOB);
  await hears(poor, { type: 'cannot_call', code: 'no_webrtc' });
  await hears(poor, { type: 'state', state: 'greeting' });
  await hears(poor, { type: 'session' });
  assert.ok(!(await heard(bob)).includes('incoming'));
  await poor.close();
});

test('who does not find back to the server within 32 seconds learns that the call is over', async () => {
  await talk();
  await bob.clock.install();
  await forget(bob);
  const { target } = relay;
  relay.target = 1;
  relay.cut();
  await hears(bob, { type: 'connection', online: false });
  await bob.clock.fastForward(31_000);
  assert.ok(!(await heard(bob)).includes('state idle'), 'not yet');
  await bob.clock.fastForward(2_000);
  await hears(bob, { type: 'error', code: 'connection_lost' });
  await over(bob);
  relay.target = target;
  await tell(bob, 'retry');
  await hears(bob, { type: 'connection', online: true });
  await tell(alice, 'hang_up');
  await over(alice);
});

test('a page that is closed ends its call for the other side at once', async () => {
  await talk();
  await alice.close();
  await over(bob);
});
