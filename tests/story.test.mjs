// The main job, end to end: real runtime, real browser, known speech in the microphone. Runs alone: what arrives
// is compared with what was played, and a busy machine loses samples.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { watchMicrophone } from './microphone.mjs';
import { button, callUntilRecording, inBrowser, journal, mediaOf, messagesOf, openInbox, outbox, recordFor, watchRecorded } from './page.mjs';
import { decodeOpus, likeness, milliseconds, speechWav, wavSamples } from './sound.mjs';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

const microphoneWav = speechWav(temporaryFolder('story-sound'));
const speech = wavSamples(readFileSync(microphoneWav));
const CALL_PAGE = '/?to=bob&processing=off';
let server;

before(async () => {
  // A call rings for a second in an open inbox before the voicemail answers.
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '1' } });
});
after(() => server?.stop());

/** A browser that ends with its test, also with a failing one. */
async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  context.after(() => browser.close());
  return browser;
}

test('a message recorded without a network is in the inbox once, whole, and the callee is told', async (context) => {
  const before = await messagesOf(server, 'bob');
  const bobs = await launch(context);
  const inbox = await openInbox(bobs, server, 'bob');
  const annas = await launch(context);
  let page = await annas.newPage(server.url + CALL_PAGE);
  await watchRecorded(page);
  await callUntilRecording(page);
  await annas.context.setOffline(true);
  await recordFor(page, 8000);
  const [{ deposit_id: id, duration_ms: duration }] = await page.evaluate(() => window.recorded);
  assert.ok(duration > 7500 && duration < 10_500, `${duration} ms recorded`);
  const file = await journal(page, id);

  await button(page, 'Send').first().click();
  await outbox(page).getByText('Saved on this device. Not yet with Bob').waitFor();
  const next = outbox(page).getByText(/Goes up by itself when you are online|Open this page again when you are online/);
  await next.waitFor();
  const registered = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return registration.sync ? (await registration.sync.getTags()).includes('afterbeep-outbox') : false;
  });
  assert.equal(/by itself/.test(await next.textContent()), registered, 'the next step that is promised is the true one');

  await page.close();
  page = await annas.newPage(server.url + CALL_PAGE);
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await outbox(page).getByRole('button', { name: 'Play' }).first().click();
  await page.waitForFunction(() => {
    const audio = document.querySelector('afterbeep-call').shadowRoot.querySelector('audio');
    return audio && audio.currentTime > 0.2;
  });

  // A second recording, stopped but never sent.
  await watchRecorded(page);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1500);
  const [{ deposit_id: draft }] = await page.evaluate(() => window.recorded);

  await inbox.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => {
      const items = document.querySelector('afterbeep-inbox').shadowRoot.querySelectorAll('li, [role=listitem]').length;
      window.seen.push([Date.now(), items]);
    }).observe(document.querySelector('afterbeep-inbox').shadowRoot, { childList: true, subtree: true });
  });
  const shown = await inbox.getByRole('listitem').count();
  await annas.context.setOffline(false);
  await inbox.waitForFunction((count) => window.seen.some(([, items]) => items > count), shown, { timeout: 30_000 });
  const appeared = await inbox.evaluate((count) => window.seen.find(([, items]) => items > count)[0], shown);

  const messages = await messagesOf(server, 'bob');
  assert.equal(messages.length, before.length + 1, 'once');
  const [message] = messages;
  const delay = appeared - Date.parse(message.received_at);
  assert.ok(delay < 2000, `shown ${delay} ms after the commit`);
  const received = await mediaOf(server, message);
  assert.equal(createHash('sha256').update(received).digest('hex'), message.sha256);
  assert.ok(received.equals(file), 'the inbox has the recorded file, byte for byte');
  const sound = decodeOpus(received);
  assert.ok(Math.abs(milliseconds(sound) - duration) <= 60, `${milliseconds(sound)} ms decoded, ${duration} ms recorded`);
  const { correlation } = likeness(sound, speech);
  assert.ok(correlation > 0.9, `envelope correlates ${correlation}`);

  await outbox(page).getByText(/With Bob/).first().waitFor();
  assert.equal((await journal(page, id)).length, 0, 'the sound left the device after the receipt');
  assert.ok((await journal(page, draft)).length > 0, 'the draft is still there');
  await page.reload();
  await outbox(page).getByText(/Draft|Not sent/i).first().waitFor();
  assert.equal((await messagesOf(server, 'bob')).length, before.length + 1, 'the draft never went up');

  await inbox.getByRole('listitem').first().getByRole('button', { name: 'Play' }).click();
  await inbox.waitForFunction(() => {
    const audio = document.querySelector('afterbeep-inbox').shadowRoot.querySelector('audio');
    return audio && audio.currentTime > 0.2;
  });
});

test('clear speech is recorded from the moment the microphone opens, and nothing is complained of', async (context) => {
  const browser = await launch(context);
  await watchMicrophone(browser);
  const page = await browser.newPage(server.url + CALL_PAGE);
  await watchRecorded(page);
  const states = page.evaluate(() => new Promise((done) => {
    document.addEventListener('afterbeep-state', ({ detail }) => detail.state === 'recording' && done(performance.now() - window.openedAt));
  }));
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  const shownAfter = await states;
  await page.getByText(/^0:0[4-9]$/).waitFor();
  assert.match(await page.getByRole('status').innerText(), /Every word is saved on this device as you speak\.$/);
  const spoken = await page.evaluate(() => {
    const since = performance.now() - window.openedAt;
    document.querySelector('afterbeep-call').stop();
    return since;
  });
  await inBrowser(page, 'review');
  const [{ duration_ms: length }] = await page.evaluate(() => window.recorded);
  assert.ok(length > spoken - 120, `${length} ms are kept of ${spoken} ms since the microphone opened`);
  assert.ok(shownAfter > 0, 'it says Recording only after the microphone is open');
  const [taken, released] = await page.evaluate(() => [window.locks.length, window.locks.every(({ released }) => released)]);
  assert.ok(taken > 0 && released, 'the screen stays on while somebody records, and not longer');
});

test('kill -9 of the browser in mid-recording loses at most the last second', async (context) => {
  const before = await messagesOf(server, 'bob');
  const first = await launch(context);
  const page = await first.newPage(server.url + CALL_PAGE);
  await callUntilRecording(page);
  const started = Date.now();
  await page.waitForTimeout(5000);
  const spoken = Date.now() - started;
  await first.kill9();

  const second = await launch(context, { profileDir: first.profileDir });
  const again = await second.newPage(server.url + CALL_PAGE);
  await again.getByText('You have an unfinished message to Bob').first().waitFor();
  await outbox(again).getByRole('button', { name: 'Play' }).first().click();
  await again.waitForFunction(() => {
    const audio = document.querySelector('afterbeep-call').shadowRoot.querySelector('audio');
    return audio && audio.currentTime > 0.2;
  });
  await outbox(again).getByRole('button', { name: 'Send', exact: true }).first().click();
  await outbox(again).getByText(/With Bob/).first().waitFor({ timeout: 30_000 });
  const messages = await messagesOf(server, 'bob');
  assert.equal(messages.length, before.length + 1);
  const sound = decodeOpus(await mediaOf(server, messages[0]));
  assert.ok(milliseconds(sound) >= spoken - 1000, `${milliseconds(sound)} ms of ${spoken} ms kept`);
  assert.ok(likeness(sound, speech).correlation > 0.9);
});
