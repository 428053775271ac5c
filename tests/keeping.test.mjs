// What is said stays on the device: full, reloaded, with another tab in the way, and where a browser stores nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { lightIsOut, watchMicrophone } from './microphone.mjs';
import { button, inBrowser, outbox, recordFor } from './page.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('keeping'));
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

/** Pages without an element stand for other tabs; Chromium asks for an icon of theirs. */
async function launch(context) {
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/favicon\.ico/] });
  context.after(() => browser.close());
  await watchMicrophone(browser);
  return browser;
}

const open = (browser) => browser.newPage(`${server.url}/?to=bob&processing=off`);

/** From the page to a recorder that records; no call is needed for that. */
async function record(page) {
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
}

const told = (page, words) => page.getByRole('status').getByText(words).waitFor();
const elapsed = (page, seconds) => page.getByText(new RegExp(`^0:0[${seconds}-9]$`)).waitFor();

/** Another page of this origin writes until nothing more fits. */
const fillUp = (page) => page.evaluate(async () => {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const opening = indexedDB.open('filler');
  opening.onupgradeneeded = () => opening.result.createObjectStore('bytes', { autoIncrement: true });
  const database = await done(opening);
  for (const size of [65_536, 8192, 1024]) {
    for (let fits = true; fits;) {
      const change = database.transaction('bytes', 'readwrite');
      change.objectStore('bytes').add(crypto.getRandomValues(new Uint8Array(size)));
      fits = await new Promise((over) => { change.oncomplete = () => over(true); change.onabort = () => over(false); });
    }
  }
  database.close();
});

test('a full device keeps what was said, and takes nothing that it cannot keep', async (context) => {
  const browser = await launch(context);
  const page = await open(browser);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  const devtools = await browser.context.newCDPSession(page);
  const quota = (quotaSize) => devtools.send('Storage.overrideQuotaForOrigin', { origin: server.url, ...(quotaSize === undefined ? {} : { quotaSize }) });
  const usage = () => page.evaluate(async () => (await navigator.storage.estimate()).usage);
  await quota((await usage()) + 600_000);
  await record(page);
  await elapsed(page, 1);
  await fillUp(page);
  await told(page, /^This device has no room left\. What you said until 0:0\d is saved here as a draft; free some space/);
  await lightIsOut(page, 'the device was full');
  await button(page, 'Send').first().waitFor();

  await quota(1000);
  await button(page, /^(Record|Re-record)$/).first().click();
  await told(page, 'This device has no room left, so nothing was recorded.');
});

test('a reload in the middle of a word leaves a draft that is offered', async (context) => {
  const browser = await launch(context);
  const page = await open(browser);
  await record(page);
  await elapsed(page, 2);
  await page.reload();
  await page.getByText('You have an unfinished message to Bob').first().waitFor();
  await outbox(page).getByText('Interrupted. Everything up to the last second is here.').waitFor();
  await outbox(page).getByRole('button', { name: 'Send', exact: true }).click();
  await outbox(page).getByText('With Bob', { exact: true }).first().waitFor({ timeout: 30_000 });
});

test('another tab that wants to upgrade waits for the recording, and the page says what to do', async (context) => {
  const browser = await launch(context);
  const page = await open(browser);
  await record(page);
  const other = await browser.newPage(`${server.url}/healthz`);
  const upgraded = other.evaluate(() => new Promise((done) => {
    const request = indexedDB.open('afterbeep', 99);
    request.onblocked = () => { window.wasBlocked = true; };
    request.onsuccess = () => {
      const rows = request.result.transaction('deposits').objectStore('deposits').getAll();
      rows.onsuccess = () => done(rows.result.map(({ state, duration_ms: length }) => ({ state, length })));
    };
  }));
  await other.waitForFunction(() => window.wasBlocked);
  await page.bringToFront();
  await elapsed(page, 2);
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  const [row] = await upgraded;
  assert.equal(row.state, 'recorded');
  assert.ok(row.length >= 1900, `${row.length} ms are kept`);
  await told(page, 'A newer version of this page is open in another tab. What you recorded is safe on this device; reload this page to go on.');
  await lightIsOut(page, 'another tab upgraded');
});

test('a page that waits for another tab says so, and goes on by itself', async (context) => {
  const browser = await launch(context);
  const first = await open(browser);
  await record(first);
  await recordFor(first, 500);
  const holder = await browser.newPage(`${server.url}/healthz`);
  await holder.evaluate(() => new Promise((done) => { indexedDB.open('afterbeep').onsuccess = ({ target }) => done(window.held = target.result); }).then(() => {}));
  await first.close();
  const upgrader = await browser.newPage(`${server.url}/healthz`);
  await upgrader.evaluate(() => new Promise((done) => { indexedDB.open('afterbeep', 99).onblocked = done; }).then(() => {}));
  const page = await open(browser);
  await told(page, 'Another tab holds this device’s messages in an older version. Nothing is lost.');
  await upgrader.close();
  await holder.close();
  await outbox(page).getByText('Draft. Not sent.').waitFor();
  await page.getByText('Another tab holds').waitFor({ state: 'hidden' });
});

test('a browser that stores nothing takes no message', async (context) => {
  const browser = await launch(context);
  await browser.context.addInitScript(() => Object.defineProperty(window, 'indexedDB', { value: undefined }));
  const page = await open(browser);
  await button(page, 'Record').click();
  await told(page, 'This browser keeps nothing for this page, perhaps because the window is private.');
  assert.equal(await page.evaluate(() => window.tracks.length), 0);
});
