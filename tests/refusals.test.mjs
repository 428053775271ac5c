// The edge refuses a token: the person is told in plain words, and the recording stays.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, journal, messagesOf, outbox, recordFor, signIn, watchRecorded } from './page.mjs';
import { takeSession } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('refusals-sound'));
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

/** Gives every session in the browser's database another token. */
const replaceTokens = (page, other) => page.evaluate(async (token) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('afterbeep'));
  const store = database.transaction('sessions', 'readwrite').objectStore('sessions');
  for (const row of await done(store.getAll())) await done(store.put({ ...row, token: token ?? `${row.token.slice(0, -4)}AAAA` }));
  database.close();
}, other);

/** Records a second for Bob with a session that `spoil` breaks before Send. */
async function recordAndSend(spoil) {
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/Failed to load resource/] });
  const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);
  await watchRecorded(page);
  await callUntilRecording(page);
  await recordFor(page, 1000);
  const [{ deposit_id: id }] = await page.evaluate(() => window.recorded);
  await spoil(page);
  await button(page, 'Send').first().click();
  return { browser, page, id };
}

test('a forged token is refused, said in plain words, and the recording stays', async () => {
  const before = (await messagesOf(server, 'bob')).length;
  const { browser, page, id } = await recordAndSend((page) => replaceTokens(page));
  const item = outbox(page).getByRole('listitem').first();
  await item.getByText('The server did not accept').waitFor();
  await item.getByText(/still|kept|safe/i).first().waitFor();
  assert.ok((await journal(page, id)).length > 1000, 'the sound is still on the device');
  assert.equal((await messagesOf(server, 'bob')).length, before);
  await browser.close();
});

test("a token for another mailbox is refused, said in plain words, and the message reaches nobody", async () => {
  const before = [(await messagesOf(server, 'bob')).length, (await messagesOf(server, 'carol')).length];
  const { ID: carols } = await takeSession(server, 'carol');
  const { browser, page, id } = await recordAndSend((page) => replaceTokens(page, carols));
  await outbox(page).getByText("somebody else's mailbox").waitFor();
  assert.ok((await journal(page, id)).length > 1000, 'the sound is still on the device');
  assert.deepEqual([(await messagesOf(server, 'bob')).length, (await messagesOf(server, 'carol')).length], before);
  await browser.close();
});

test('a revoked session is refused, said in plain words, and the recording stays', async () => {
  const bob = await signIn(server, 'bob');
  const before = (await bob.messages()).length;
  const { browser, page, id } = await recordAndSend(async (page) => {
    const token = await page.evaluate(async () => {
      const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
      const database = await done(indexedDB.open('afterbeep'));
      const [row] = await done(database.transaction('sessions').objectStore('sessions').getAll());
      database.close();
      return row.token;
    });
    const current = await (await fetch(`${server.url}/sessions/current`, { headers: { authorization: `Bearer ${token}` } })).json();
    assert.equal((await bob.call('POST', `/mailbox/sessions/${current.session_id}/revoke`)).status, 204);
  });
  await outbox(page).getByText(/withdrew|revoked|no longer accepts/i).first().waitFor();
  assert.ok((await journal(page, id)).length > 1000);
  assert.equal((await bob.messages()).length, before);
  await browser.close();
});

test('a session that expired before Send is replaced without ringing anybody, and the message arrives', async () => {
  const brief = await startServer({ env: { AFTERBEEP_SESSION_TTL_S: '4' } });
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/Failed to load resource/] });
  try {
    const before = (await messagesOf(brief, 'bob')).length;
    const page = await browser.newPage(`${brief.url}/?to=bob&processing=off`);
    await callUntilRecording(page);
    await recordFor(page, 4500);
    await button(page, 'Send').first().click();
    await outbox(page).getByText(/With Bob/).first().waitFor({ timeout: 30_000 });
    assert.equal((await messagesOf(brief, 'bob')).length, before + 1);
  } finally {
    await browser.close();
    await brief.stop();
  }
});
