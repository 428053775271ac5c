// Two people talk, each in a browser of their own: what they press, what they see and read, and that sound goes both ways.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertFits, focus, listen, liveRegions, said } from './accessibility.mjs';
import { startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, messagesOf, openInbox, ringsHere } from './page.mjs';
import { speechWav } from './sound.mjs';
import { atInbox, hearsNothing, look, person, received, receives, signsIn } from './talk/people.mjs';

const microphoneWav = speechWav(temporaryFolder('talk-sound'));
/** So many packets of 20 ms are half a second of sound. */
const SOUND = 25;
let server;
let alicesBrowser;
let bobsBrowser;
let bob;
/** The BYEs that came to Bob. */
const byes = [];

before(async () => {
  // A call rings until somebody has looked at it by all rules.
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '60' } });
  [alicesBrowser, bobsBrowser] = await Promise.all([person({ microphoneWav }), person({ microphoneWav })]);
  await Promise.all([signsIn(alicesBrowser, server, 'alice'), signsIn(bobsBrowser, server, 'bob')]);
  bobsBrowser.context.on('page', (page) => page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (String(payload).startsWith('BYE ')) byes.push(String(payload));
  })));
  bob = await atInbox(bobsBrowser, server);
});
after(async () => {
  await Promise.all([alicesBrowser?.close(), bobsBrowser?.close()]);
  await server?.stop();
});

/** The call page of somebody who is signed in as Alice. */
async function aliceCalls(context) {
  const page = await alicesBrowser.newPage(`${server.url}/?to=bob&processing=off`);
  context.after(() => page.close());
  await page.getByText('Calling as Alice').waitFor();
  await button(page, 'Call').click();
  return page;
}

const rings = (page, who = 'Alice') => page.getByRole('status').getByText(`${who} is calling`, { exact: true }).waitFor();
const talks = (page, name) => page.getByRole('status').getByText(`You are talking with ${name}`).waitFor();
const reads = (page, words) => page.getByRole('status').getByText(words).waitFor();
const shows = (page, element, part) => page.waitForFunction(([tag, name]) => {
  const video = document.querySelector(tag).shadowRoot.querySelector(`[part="${name}"]`);
  return video.checkVisibility() && video.videoWidth > 0;
}, [element, part]);
const isSilent = (page) => page.evaluate(() => window.rings.every(({ state }) => state !== 'running'));

/** On a telephone, with text twice as large. */
async function fits(page, state) {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertFits(page, state, 'afterbeep-inbox');
  await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** From Alice's call to both talking. */
async function connected(context, answer) {
  const alice = await aliceCalls(context);
  await rings(bob);
  await button(bob, answer).click();
  await Promise.all([inBrowser(alice, 'talking'), talks(bob, 'Alice')]);
  return alice;
}

test('an incoming call rings, seen and heard; both talk, mute, hold and press keys; the caller hangs up', async (context) => {
  const alice = await aliceCalls(context);
  await listen(bob, 'afterbeep-inbox');
  await rings(bob);
  await inBrowser(alice, 'ringing');
  assert.ok(await bob.evaluate(() => window.rings.at(-1).state === 'running'), 'the ring sounds');
  assert.match(await bob.title(), /^Alice is calling/);
  await reads(bob, 'Verified: alice@localhost.');
  await look(bob, 'incoming call');
  await fits(bob, 'incoming call');
  assert.deepEqual((await liveRegions(bob, 'afterbeep-inbox')).length, 1);

  await button(bob, 'Answer').focus();
  // Held down, the key does not press what the focus comes to.
  await bob.keyboard.down('Enter');
  for (let again = 0; again < 3; again += 1) await bob.keyboard.down('Enter');
  await bob.keyboard.up('Enter');
  await Promise.all([inBrowser(alice, 'talking'), talks(bob, 'Alice')]);
  assert.equal(await focus(bob), 'Hang up', 'the focus stays in the call');
  assert.ok(await isSilent(bob), 'the ring has ended');
  assert.doesNotMatch(await bob.title(), /calling/);
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);
  await look(bob, 'talking in the inbox');

  await button(alice, 'Mute').click();
  await reads(alice, 'Muted. Bob does not hear you.');
  assert.equal(await button(alice, 'Mute').getAttribute('aria-pressed'), 'true');
  await hearsNothing(bob);
  await button(alice, 'Mute').click();
  await receives(bob, 1e-3, 'totalAudioEnergy');

  await button(alice, 'Hold').click();
  await reads(alice, 'On hold. You and Bob do not hear each other.');
  await reads(bob, 'Alice has put you on hold.');
  const held = await received(alice);
  await hearsNothing(bob);
  assert.ok(await received(alice) - held < SOUND, 'nothing comes to who holds');
  await button(alice, 'Hold').click();
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);

  await button(bob, 'Keypad').focus();
  await bob.keyboard.press('Enter');
  assert.equal(await focus(bob), '1');
  await button(bob, '5').click();
  await bob.keyboard.press('#');
  await bob.getByText('5#', { exact: true }).waitFor();
  await look(bob, 'keypad');
  await fits(bob, 'keypad');
  await bob.waitForFunction(() => window.keys.join('') === '5#');
  await bob.keyboard.press('Escape');
  assert.equal(await focus(bob), 'Keypad');

  await button(alice, 'Hang up').click();
  await inBrowser(alice, ['idle', 'ended', 'ready']);
  await reads(bob, /^The call with Alice has ended after 0:\d\d\.$/);
  assert.match(byes.at(-1), /^Reason: Q\.850;cause=16;text="Normal call clearing"\r$/m);
  const told = await said(bob);
  assert.equal(told.filter((line) => /^Alice is calling/.test(line)).length, 1, JSON.stringify(told));
});

test('with video both are seen, and who was called hangs up', async (context) => {
  const alice = await connected(context, 'Answer with video');
  await receives(alice, 5, 'framesDecoded', 'video');
  await shows(alice, 'afterbeep-call', 'remote-video');
  await shows(bob, 'afterbeep-inbox', 'local-video');
  await look(alice, 'seeing the other side');
  await button(alice, 'Video').click();
  await receives(bob, 5, 'framesDecoded', 'video');
  await shows(bob, 'afterbeep-inbox', 'remote-video');
  await look(bob, 'both are seen');
  await button(bob, 'Hang up').click();
  await inBrowser(alice, ['idle', 'ended', 'ready']);
  await reads(bob, /^The call with Alice has ended/);
  const live = (page) => page.evaluate(() => window.peers.flatMap((peer) => peer.getSenders()).filter(({ track }) => track?.readyState === 'live' && track.kind === 'video').length);
  assert.deepEqual([await live(alice), await live(bob)], [0, 0], 'no camera is on');
});

test('a caller who gives up is said to have done so, and one who is declined comes to the voicemail', async (context) => {
  const impatient = await aliceCalls(context);
  await rings(bob);
  await button(impatient, 'Hang up').click();
  await reads(bob, 'Alice has stopped calling.');
  assert.ok(await isSilent(bob));
  assert.ok(await button(bob, 'Answer').isHidden());

  const declined = await aliceCalls(context);
  await rings(bob);
  await button(bob, 'Decline').click();
  await reads(bob, 'You declined the call of Alice.');
  await inBrowser(declined, 'greeting');
});

test('sent to the voicemail the caller leaves a message, and is called back from it', async (context) => {
  const caller = await aliceCalls(context);
  await rings(bob);
  await button(bob, 'Send to voicemail').click();
  await reads(bob, 'Alice is with your voicemail now.');
  await inBrowser(caller, 'greeting');
  await button(caller, 'Skip greeting').click();
  await inBrowser(caller, ['ended', 'ready']);
  await button(caller, 'Record').first().click();
  await inBrowser(caller, 'recording');
  await caller.waitForTimeout(800);
  await button(caller, 'Stop').click();
  await inBrowser(caller, 'review');
  await button(caller, 'Send').first().click();
  await inBrowser(caller, 'deposited');
  assert.equal((await messagesOf(server, 'bob'))[0].from_verified, true);

  const back = bob.getByRole('listitem').first().getByRole('button', { name: 'Call back' });
  const alice = await atInbox(alicesBrowser, server);
  context.after(() => alice.close());
  await back.click();
  await rings(alice, 'Bob');
  await look(bob, 'calling back');
  await button(alice, 'Answer').click();
  await Promise.all([talks(alice, 'Bob'), talks(bob, 'Alice')]);
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);
  await button(bob, 'Hang up').click();
  await reads(alice, /^The call with Bob has ended/);
  await reads(bob, /^The call with Alice has ended/);
});

test('where nobody answers a call back, the greeting is heard and the call page takes the message', async () => {
  const back = bob.getByRole('listitem').first().getByRole('button', { name: 'Call back' });
  await back.click();
  await reads(bob, 'Alice is not available');
  await button(bob, 'Skip greeting').click();
  await reads(bob, 'Alice did not answer');
  await look(bob, 'nobody answers a call back');
  await button(bob, 'Leave a message').click();
  await bob.waitForURL(/\?to=alice$/);
  await button(bob, 'Record').first().click();
  await inBrowser(bob, 'recording');
  await bob.waitForTimeout(300);
  await button(bob, 'Stop').click();
  await inBrowser(bob, 'review');
  await button(bob, 'Send').first().click();
  await inBrowser(bob, 'deposited');
  assert.equal((await messagesOf(server, 'alice')).length, 1);
});

test('a browser without WebRTC says so, and leaves messages all the same', async (context) => {
  const browser = await person({ microphoneWav });
  context.after(() => browser.close());
  await browser.context.addInitScript(() => { delete window.RTCPeerConnection; });
  const page = await browser.newPage(`${server.url}/?to=carol&processing=off`);
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await page.getByText('This browser cannot make or take calls').waitFor();
  await look(page, 'no WebRTC');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, ['ended', 'ready']);
  const inbox = await openInbox(browser, server, 'carol');
  await reads(inbox, 'Calls do not ring here: this browser cannot make or take calls');
  await look(inbox, 'an inbox without WebRTC');
});

test('the inbox says that calls ring here only while they do', async (context) => {
  const browser = await person({ microphoneWav, allowedErrors: [/ERR_CONNECTION_REFUSED|WebSocket|Failed to load resource/] });
  context.after(() => browser.close());
  const lost = await startServer({});
  await signsIn(browser, lost, 'alice');
  const page = await atInbox(browser, lost);
  await look(page, 'calls ring here');
  await lost.kill9();
  await reads(page, 'Calls do not ring here: this page is not connected');
  await look(page, 'calls do not ring here');
  const again = await startServer({ port: lost.port, state: lost.state });
  context.after(() => again.stop());
  await ringsHere(page);
  await button(page, 'Sign out').click();
  await button(page, 'Sign in').waitFor();
  await page.getByText('Calls ring here.').waitFor({ state: 'hidden' });
});
