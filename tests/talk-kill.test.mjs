// The server is killed in the middle of a call between the two elements, and comes back at the same address: a call
// that stands goes on, one that did not stand yet is ended for both, and both are told in words.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, messagesOf, outbox, ringsHere } from './page.mjs';
import { speechWav } from './sound.mjs';
import { atInbox, person, receives, signsIn } from './talk/people.mjs';

const microphoneWav = speechWav(temporaryFolder('talk-kill-sound'));
/** So many packets of 20 ms are half a second of sound. */
const SOUND = 25;
/** What a browser says of a server that is not there. */
const GONE = [/ERR_CONNECTION|WebSocket|Failed to load resource/];
/** Longer than the longest pause between two attempts to connect. */
const BACK_MS = 60_000;
let server;
let alicesBrowser;
let bobsBrowser;
let bob;

before(async () => {
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '60' } });
  [alicesBrowser, bobsBrowser] = await Promise.all([1, 2].map(() => person({ microphoneWav, allowedErrors: GONE })));
  await Promise.all([signsIn(alicesBrowser, server, 'alice'), signsIn(bobsBrowser, server, 'bob')]);
  bob = await atInbox(bobsBrowser, server);
});
after(async () => {
  await Promise.all([alicesBrowser?.close(), bobsBrowser?.close()]);
  await server?.stop();
});

const reads = (page, words) => page.getByRole('status').getByText(words).waitFor({ timeout: BACK_MS });
const isInterrupted = (page) => page.getByRole('status').getByText('The connection is interrupted and is being restored.');

async function comesBack() {
  server = await startServer({ port: server.port, state: server.state, env: { AFTERBEEP_RING_TIMEOUT_S: '60' } });
}

/** Alice's call page, with Bob's inbox ringing. */
async function ringing(context, to = 'bob') {
  const page = await alicesBrowser.newPage(`${server.url}/?to=${to}&processing=off`);
  context.after(() => page.close());
  await page.getByText('Calling as Alice').waitFor();
  await button(page, 'Call').click();
  return page;
}

test('a call that stands goes on: sound never ends, and hold and hang-up reach the other side after the kill', async (context) => {
  const alice = await ringing(context);
  await button(bob, 'Answer').click();
  await Promise.all([inBrowser(alice, 'talking'), reads(bob, 'You are talking with Alice')]);
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);

  await server.kill9();
  await Promise.all([isInterrupted(alice).waitFor(), isInterrupted(bob).waitFor()]);
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);
  await comesBack();
  await Promise.all([alice, bob].map((page) => isInterrupted(page).waitFor({ state: 'hidden', timeout: BACK_MS })));

  await button(alice, 'Hold').click();
  await reads(bob, 'Alice has put you on hold.');
  await button(alice, 'Hold').click();
  await Promise.all([receives(alice, SOUND), receives(bob, SOUND)]);
  await button(bob, 'Hang up').click();
  await inBrowser(alice, ['idle', 'ended']);
  await reads(bob, /^The call with Alice has ended after/);
  await ringsHere(bob);
});

test('a call that rings is over for both, who are told; the next one rings again', async (context) => {
  const alice = await ringing(context);
  await button(bob, 'Answer').waitFor();
  await inBrowser(alice, 'ringing');
  await server.kill9();
  await reads(bob, 'The connection was lost while Alice was calling.');
  await inBrowser(alice, 'ready');
  await reads(alice, 'The connection was lost. You can record and send the message later.');
  await comesBack();
  await ringsHere(bob);
  await button(alice, 'Call').first().click();
  await button(bob, 'Answer').waitFor();
  await button(bob, 'Decline').click();
  await inBrowser(alice, 'greeting');
});

test('a session that was taken outlives the kill: its message arrives once the server is back, and once', async (context) => {
  const alice = await alicesBrowser.newPage(`${server.url}/?to=carol&processing=off`);
  context.after(() => alice.close());
  await alice.getByText('Calling as Alice').waitFor();
  await alice.evaluate(() => {
    window.sessions = 0;
    document.addEventListener('afterbeep-session', () => { window.sessions += 1; });
  });
  const before = (await messagesOf(server, 'carol')).length;
  await button(alice, 'Call').click();
  await inBrowser(alice, 'greeting');
  await alice.waitForFunction(() => window.sessions === 1);
  await server.kill9();
  await button(alice, 'Skip greeting').click();
  await inBrowser(alice, ['ended', 'ready']);
  await button(alice, 'Record').first().click();
  await inBrowser(alice, 'recording');
  await alice.waitForTimeout(800);
  await button(alice, 'Stop').click();
  await inBrowser(alice, 'review');
  await button(alice, 'Send').first().click();
  await outbox(alice).getByText(/Not yet with Carol/).first().waitFor();
  await comesBack();
  await outbox(alice).getByText(/With Carol/).first().waitFor({ timeout: BACK_MS });
  assert.equal((await messagesOf(server, 'carol')).length, before + 1);
});
