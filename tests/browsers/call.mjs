// Calls in this browser. Where it has WebRTC: with Chromium, each with the known speech as its microphone; one calls, then
// the other does, and sound is counted at both ends. Where it has none: messages go both ways, and it says why nothing else does.

import assert from 'node:assert/strict';
import { startServer, temporaryFolder } from '../harness.mjs';
import { messagesOf } from '../page.mjs';
import { SipAgent } from '../sip-agent.mjs';
import { speechWav } from '../sound.mjs';
import { browserWith } from './all.mjs';
import { hears, inState, press, says, signsIn } from './person.mjs';
import { until } from './processes.mjs';

/** So many packets of 20 ms are a second of sound. */
const SOUND = 50;
/** Summed squares of samples in seconds: half a second of anything that is not silence is more. */
const ENERGY = 1e-4;
const CONNECTED_MS = 60_000;
/** How long a telephone rings before the voicemail answers: who answers is driven by a machine that may be busy. */
const RINGS_S = 60;
const RECORDED_MS = 1500;
/** What WebKit says of the socket of a page that is left for another. */
const LEFT = [/WebSocket is closed due to suspension/];

/** Keeps every peer connection of this page from now on. */
const count = (tab) => tab.evaluate(() => {
  const Native = globalThis.RTCPeerConnection;
  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...words) {
      super(...words);
      globalThis.peers.push(this);
    }
  };
});

/** All sound that has come in here: packets, and how loud they were. */
const received = (tab) => tab.evaluate(async () => {
  const sum = { packets: 0, energy: 0 };
  for (const peer of globalThis.peers) {
    for (const report of (await peer.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue;
      sum.packets += report.packetsReceived;
      sum.energy += report.totalAudioEnergy ?? 0;
    }
  }
  return sum;
});

/** Waits until a second of speech more has come in. */
async function hearsSpeech(tab, name) {
  const before = await received(tab);
  await until(`${name} hears the other side`, async () => {
    const now = await received(tab);
    return now.packets >= before.packets + SOUND && now.energy > before.energy + ENERGY;
  }, CONNECTED_MS);
}

/** Opens the inbox of this user, where calls ring. */
async function waits(tab, url, user) {
  await tab.goto(`${url}/inbox`);
  await count(tab);
  await signsIn(tab, user);
  await says(tab, /Calls ring here\./, CONNECTED_MS);
}

/** One calls, the other answers, both hear each other; `hangsUp` ends it for both. */
async function talk(url, { caller, callee, user, hangsUp }) {
  await waits(callee, url, user);
  await caller.goto(`${url}/?to=${user}&processing=off`);
  await count(caller);
  await press(caller, 'Call');
  await press(callee, 'Answer');
  await inState(caller, 'talking');
  await says(callee, /You are talking with/);
  await Promise.all([hearsSpeech(caller, 'who calls'), hearsSpeech(callee, 'who is called')]);
  await press(hangsUp, 'Hang up');
  await inState(caller, 'idle', 'ended');
  await says(callee, /The call with .+ has ended after/);
}

/** Plays both calls in the browser of this name. */
export async function callBothWays(name, context) {
  const wav = speechWav(temporaryFolder('browsers-call-sound'));
  const server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: String(RINGS_S) } });
  const [ours, other] = await Promise.all([browserWith(name, wav), browserWith('chromium', wav)]);
  context.after(() => Promise.all([ours.stop(), other.stop()]));
  const [tab, chromium] = await Promise.all([ours, other].map((browser) => browser.launch({ profileDir: temporaryFolder('profile') })));
  try {
    assert.ok(await tab.evaluate(() => 'RTCPeerConnection' in globalThis), `${name} has WebRTC`);
    await talk(server.url, { caller: chromium, callee: tab, user: 'bob', hangsUp: tab });
    await talk(server.url, { caller: tab, callee: chromium, user: 'alice', hangsUp: chromium });
  } finally {
    await Promise.all([tab.close(), chromium.close()]);
    await server.stop();
  }
}

/** Leaves a message with Bob, in a browser that says why it cannot call him. */
async function leavesMessage(tab, url) {
  await tab.goto(`${url}/?to=bob&processing=off`);
  await press(tab, 'Call');
  await inState(tab, 'greeting');
  await says(tab, /This browser cannot make or take calls: it has no WebRTC\./);
  await press(tab, 'Skip greeting');
  await inState(tab, 'ended', 'ready');
  await press(tab, 'Record');
  await inState(tab, 'recording');
  await new Promise((resolve) => setTimeout(resolve, RECORDED_MS));
  await press(tab, 'Stop');
  await inState(tab, 'review');
  await press(tab, 'Send');
  await says(tab, /With Bob/, CONNECTED_MS);
}

/** Who calls somebody whose browser cannot talk is with the voicemail at once, not after it has rung in vain. */
async function isNotKeptWaiting(server) {
  const caller = await new SipAgent({ url: server.url }).connect();
  const { response } = await caller.invite('sip:bob@localhost', { timeout: (RINGS_S * 1000) / 2 });
  assert.match(response.header('call-info'), /purpose=afterbeep-greeting/, 'the voicemail answers');
  caller.close();
}

/** Messages, without calls, in the browser of this name. */
export async function messagesOnly(name, context) {
  const server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: String(RINGS_S) } });
  const browser = await browserWith(name, speechWav(temporaryFolder('browsers-call-sound')));
  context.after(() => browser.stop());
  const tab = await browser.launch({ profileDir: temporaryFolder('profile'), allowedErrors: LEFT });
  try {
    const before = (await messagesOf(server, 'bob')).length;
    await leavesMessage(tab, server.url);
    assert.equal((await messagesOf(server, 'bob')).length, before + 1);
    await tab.goto(`${server.url}/inbox`);
    await signsIn(tab, 'bob');
    await says(tab, /Calls do not ring here: this browser cannot make or take calls, as it has no WebRTC\./);
    await isNotKeptWaiting(server);
    await press(tab, 'Play', 'li');
    await hears(tab, 'afterbeep-inbox');
  } finally {
    await tab.close();
    await server.stop();
  }
}
