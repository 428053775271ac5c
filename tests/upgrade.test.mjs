// State that an older build wrote, at the edge and in the browser, is opened by this one: what was delivered is
// still there, what had begun to go up completes, and a draft stays a draft.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layRows, layState, reserveUntil, settings } from './fixtures/upgrade.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { journal, mediaOf, messagesOf, outbox } from './page.mjs';

/** The older build's server and browser are opened; the upload that had begun ends at `reservedUntil`. */
async function opens(context, reservedUntil) {
  const state = temporaryFolder('upgrade-state');
  layState(state);
  assert.equal(reserveUntil(state, reservedUntil), 1, 'one upload had begun');
  const server = await startServer({ state, env: settings() });
  context.after(() => server.stop());
  const before = await messagesOf(server, 'bob');
  assert.equal(before.length, 1, 'what was delivered is still there');
  // The browser asks for an icon where it shows plain JSON, and says so where a place at the edge has run out.
  const browser = await launchBrowser({ allowedErrors: [/favicon\.ico/, /status of 410 .*\/deposits\//] });
  context.after(() => browser.close());
  const page = await browser.newPage(`${server.url}/healthz`);
  await layRows(page, server.url);
  const stored = await page.evaluate(() => new Promise((resolve, reject) => {
    const opening = indexedDB.open('afterbeep');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const reading = opening.result.transaction('deposits').objectStore('deposits').getAll();
      reading.onsuccess = () => resolve(reading.result);
      opening.result.close();
    };
  }));
  const [done, begun, draft] = ['deposited', 'waiting', 'recorded'].map((word) => stored.find((row) => row.state === word));
  assert.equal(done.message_id, before[0].id);
  assert.ok(begun.upload_url, 'it had a place at the edge');
  const file = await journal(page, begun.deposit_id);

  await page.goto(`${server.url}/?to=bob&processing=off`);
  await outbox(page).getByText(/With Bob/).nth(1).waitFor({ timeout: 30_000 });
  const [newest, ...others] = await messagesOf(server, 'bob');
  assert.deepEqual(others.map(({ id }) => id), [done.message_id]);
  assert.ok((await mediaOf(server, newest)).equals(file), 'the bytes that the older build recorded');
  await outbox(page).getByText(/Draft/).first().waitFor();
  assert.equal((await journal(page, draft.deposit_id)).length, draft.size, 'the draft is whole');
}

const HOUR_MS = 3_600_000;

test('an older state folder and browser database are opened, and the message that had begun to go up arrives', async (context) => {
  await opens(context, Date.now() + 48 * HOUR_MS);
});

test('a message whose place at the edge has run out since goes up anew, and nothing is lost', async (context) => {
  await opens(context, Date.now() - HOUR_MS);
});
