// What is seen around a recording breaks no rule of axe-core either: calling, sound check, camera, files, a cut by hand,
// clearing the device, and the inbox with a video.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, prepare } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, openInbox, outbox, recordFor } from './page.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const attached = (page) => page.getByRole('list', { name: 'Attached files' }).getByRole('listitem');

/** The picture of `part` moves. */
const plays = (page, element, part) => page.waitForFunction(([tag, name]) => {
  const video = document.querySelector(tag).shadowRoot.querySelector(`[part="${name}"] video, video[part="${name}"]`);
  return video?.videoWidth > 0 && video.currentTime > 0.2;
}, [element, part]);

async function attach(page, ...files) {
  const choosing = page.waitForEvent('filechooser');
  await button(page, 'Attach').click();
  await (await choosing).setFiles(files);
}

test('calling, sound check, camera, files, cut, clearing the device and an inbox with a video break no rule', async (context) => {
  // A call rings until it was looked at by all rules.
  const server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '120' } });
  const browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('accessibility-capture')), allowedErrors: [/Failed to load resource|net::ERR_|WebSocket/] });
  context.after(() => browser.close());
  context.after(() => server.stop());
  await prepare(browser);
  const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);

  await calling(context, server, page);
  await button(page, 'Check microphone').click();
  await page.getByRole('status').getByText('Good: we hear you clearly.').waitFor();
  await check(page, 'sound check');
  await button(page, 'Done').click();
  await filming(page);

  await attach(page, { name: 'Plan for Saturday.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\nplan') }, { name: 'green.png', mimeType: 'image/png', buffer: PNG });
  await attached(page).nth(1).waitFor();
  await check(page, 'files');
  await button(page, 'Voice').click();
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 2000);
  await attached(page).nth(1).waitFor();
  await page.getByRole('slider', { name: 'Position' }).first().click();
  await button(page, 'Cut after here').click();
  await button(page, 'Restore all of it').waitFor();
  await check(page, 'cut');

  await browser.context.setOffline(true);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await check(page, 'waiting with files');
  await button(page, 'Clear this device').click();
  await page.getByRole('group', { name: 'Clear this device?' }).waitFor();
  await check(page, 'clear device');
  await button(page, 'Cancel').click();
  await browser.context.setOffline(false);
  await inBrowser(page, 'deposited');
  await watching(browser, server, page);
});

/** A telephone that says nothing yet. */
async function calling(context, server, page) {
  const bob = await new SipAgent({ url: server.url, user: 'bob', password: 'bob-demo', answer: () => {} }).connect();
  context.after(() => bob.close());
  await bob.register();
  await button(page, 'Call').click();
  await inBrowser(page, 'calling');
  await check(page, 'calling');
  await button(page, 'Hang up').click();
  await inBrowser(page, ['idle', 'ready']);
  await bob.register({ expires: 0 });
}

/** The camera while and after a video is recorded, and before the next one. */
async function filming(page) {
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('kind', 'video'));
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await plays(page, 'afterbeep-call', 'preview');
  await check(page, 'recording video');
  await recordFor(page, 500);
  await check(page, 'review video');
  await button(page, 'Delete').click();
  await inBrowser(page, 'ready');
  await button(page, 'Video').click();
  await plays(page, 'afterbeep-call', 'preview');
  await check(page, 'camera');
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 500);
}

/** A video goes up, and its callee watches it. */
async function watching(browser, server, page) {
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('kind', 'video'));
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1500);
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited');
  const inbox = await openInbox(browser, server, 'bob');
  const item = inbox.getByRole('listitem').first();
  await item.getByText('Video', { exact: true }).waitFor();
  await item.getByRole('button', { name: 'Play' }).click();
  await plays(inbox, 'afterbeep-inbox', 'screen');
  await check(inbox, 'inbox with video');
  assert.ok(await inbox.getByRole('listitem').filter({ hasText: 'green.png' }).count() > 0, 'the files are walked too');
}
