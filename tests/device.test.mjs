// What belongs to this device: which microphone was chosen, how much room is left, and that everything goes at a word.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { lightIsOut, watchMicrophone } from './microphone.mjs';
import { button, callUntilRecording, inBrowser, messagesOf, outbox, recordFor } from './page.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('device'));
const PAGE = '/?to=bob&processing=off';
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

/** A browser of its own, with what it keeps. */
async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  context.after(() => browser.close());
  await watchMicrophone(browser);
  return browser;
}

const told = (page, words) => page.getByRole('status').getByText(words).waitFor();
const picker = (page) => page.getByRole('combobox', { name: 'Microphone' });
const device = (page) => page.evaluate(() => window.tracks.at(-1).label);

async function record(page) {
  await button(page, /^(Record|Re-record)$/).first().click();
  await inBrowser(page, 'recording');
}

/** Changes a value that the engine keeps on this device. */
const keep = (page, name, value) => page.evaluate((row) => new Promise((done) => {
  indexedDB.open('afterbeep').onsuccess = ({ target: { result: database } }) => {
    const change = database.transaction('values', 'readwrite');
    change.objectStore('values').put(row);
    change.oncomplete = () => done(database.close());
  };
}), { name, value });

test('the chosen microphone survives a reload, and one that is gone is said to be gone', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + PAGE);
  await button(page, 'Check microphone').click();
  await told(page, 'Good: we hear you clearly.');
  const labels = await picker(page).getByRole('option').allTextContents();
  const first = await device(page);
  const other = labels.slice(1).find((label) => label !== first);
  assert.ok(other, `another microphone among ${labels}`);
  await picker(page).selectOption({ label: other });
  await page.waitForFunction((label) => window.tracks.at(-1).label === label, other);
  await page.reload();
  await record(page);
  assert.equal(await device(page), other);
  await recordFor(page, 300);

  await keep(page, 'microphone', { id: 'gone', label: 'Headset' });
  await page.reload();
  await button(page, 'Check microphone').click();
  await told(page, /^“Headset” is not connected\. “.+” is used instead\./);
  assert.equal(await picker(page).inputValue(), 'gone');
  await picker(page).selectOption({ label: 'The browser’s choice' });
  await told(page, /^Good: we hear you clearly\.$/);
  assert.equal(await device(page), first);
  await button(page, 'Done').click();
  await lightIsOut(page, 'the sound check was closed');
});

test('before a recording begins the device is asked for room: none takes no message, little takes a short one', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + PAGE);
  // Chromium reports the same room whatever is free; other browsers report what there is.
  const report = (quota) => page.evaluate((room) => { StorageManager.prototype.estimate = async () => ({ quota: room, usage: 0 }); }, quota);
  await report(100_000);
  await button(page, 'Record').click();
  await told(page, 'This device has no room left, so nothing was recorded.');
  assert.equal(await page.evaluate(() => window.tracks.length), 0, 'nobody is asked for a microphone in vain');
  await report(740_000);
  await record(page);
  await told(page, 'Room for about 45 seconds on this device.');
  await recordFor(page, 300);
  await report(248_000);
  const warned = told(page, 'The longest message is nearly full. This recording ends by itself, and what you said is kept.');
  await button(page, 'Re-record').click();
  await warned;
  await inBrowser(page, 'review');
  await lightIsOut(page, 'the room was full');
});

test('Clear this device says what would be lost, and then forgets messages, calls, name and microphone', async (context) => {
  const browser = await launch(context);
  let page = await browser.newPage(server.url + PAGE);
  const count = (await messagesOf(server, 'bob')).length;
  await page.getByLabel(/your name/i).fill('Anna');
  await callUntilRecording(page);
  await recordFor(page, 800);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('With Bob', { exact: true }).waitFor();
  await keep(page, 'microphone', { id: 'gone', label: 'Headset' });
  await browser.context.setOffline(true);
  await record(page);
  await recordFor(page, 800);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Not yet with Bob').waitFor();

  await button(page, 'Clear this device').click();
  const question = page.getByRole('group', { name: 'Clear this device?' });
  await question.getByText(/^This deletes 1 message that nobody has yet: to Bob \(0:0\d\)\. Also your receipts, your name and your sign-in/).waitFor();
  await button(question, 'Cancel').click();
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await button(page, 'Clear this device').click();
  await button(question, 'Clear everything').click();
  await page.getByText('Nothing waits here.').waitFor();
  await inBrowser(page, 'idle');
  assert.deepEqual(await kept(page), {}, 'nothing is left in the database');
  await lightIsOut(page, 'the device was cleared');

  await page.close();
  await browser.context.setOffline(false);
  page = await browser.newPage(server.url + PAGE);
  await button(page, 'Call').waitFor();
  assert.equal(await page.getByLabel(/your name/i).inputValue(), '', 'the name is forgotten');
  assert.equal(await outbox(page).getByRole('listitem').count(), 0);
  assert.equal((await messagesOf(server, 'bob')).length, count + 1, 'what was delivered stays, what waited is gone');
  await callUntilRecording(page);
  await recordFor(page, 500);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('With Bob', { exact: true }).waitFor();
});

/** How many rows each table of the engine's database has, of those that have any. */
const kept = (page) => page.evaluate(async () => {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const database = await done(indexedDB.open('afterbeep'));
  const names = [...database.objectStoreNames];
  const counts = await Promise.all(names.map((name) => done(database.transaction(name).objectStore(name).count())));
  database.close();
  return Object.fromEntries(names.map((name, index) => [name, counts[index]]).filter(([, count]) => count > 0));
});
