// The outbox when things go wrong between browser and edge: answers lost, late and doubled, two tabs, a frozen
// one, no call ever made, a token that ran out. What the user sent is with the callee once, and nobody is rung.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, journal, mediaOf, outbox, recordFor, signIn } from './page.mjs';
import { proxy } from './proxy.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('outbox-sound'));
const DELIVERED_MS = 30_000;
let server;
let network;
let bob;

before(async () => {
  network = await proxy();
  server = await startServer({ env: { AFTERBEEP_PUBLIC_URL: network.url } });
  network.target = server.port;
  bob = await signIn(server, 'bob');
});
after(async () => {
  network?.close();
  await server?.stop();
});

/** A browser that ends with its test; it logs every broken connection by itself. */
async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/net::ERR_|Failed to load resource|WebSocket/], ...options });
  context.after(() => browser.close());
  return browser;
}

const openCall = (browser, from = network) => browser.newPage(`${from.url}/?to=bob&processing=off`);
const send = (page) => button(page, 'Send').first().click();
const delivered = (page) => outbox(page).getByText(/With Bob/).first().waitFor({ timeout: DELIVERED_MS });
const notYet = (page) => outbox(page).getByText('Not yet with Bob').first().waitFor();

/** All rows of one kind in the browser's database. */
const rows = (page, store) => page.evaluate(async (name) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('afterbeep'));
  const found = await done(database.transaction(name).objectStore(name).getAll());
  database.close();
  return found;
}, store);

/** Loses the first answer that carries a receipt, after `meanwhile`; resolves with that receipt. */
function loseReceipt(meanwhile = async () => {}) {
  return new Promise((lost) => {
    let done = false;
    network.rule = async ({ headers }) => {
      const receipt = headers['afterbeep-receipt'];
      if (!receipt || done) return 'deliver';
      done = true;
      await meanwhile();
      lost(receipt);
      return 'drop';
    };
  });
}

test('the answer with the receipt is lost and the browser dies: it comes back to the same receipt, one message', async (context) => {
  const count = (await bob.messages()).length;
  const first = await launch(context);
  const page = await openCall(first);
  await callUntilRecording(page);
  await recordFor(page, 1000);
  const [{ deposit_id: id }] = await rows(page, 'deposits');
  const file = await journal(page, id);
  const losing = loseReceipt();
  await send(page);
  const lost = await losing;
  await first.kill9();

  const again = await openCall(await launch(context, { profileDir: first.profileDir }));
  await delivered(again);
  const [row] = await rows(again, 'deposits');
  assert.equal(row.receipt, lost);
  const messages = await bob.messages();
  assert.equal(messages.length, count + 1);
  assert.ok((await mediaOf(server, messages[0])).equals(file), 'the same bytes');
});

test('the answer with the receipt is lost and the callee deletes the message: the same receipt, and nothing comes back', async (context) => {
  const count = (await bob.messages()).length;
  const page = await openCall(await launch(context));
  await callUntilRecording(page);
  await recordFor(page, 1000);
  const losing = loseReceipt(async () => {
    const [message] = await bob.messages();
    assert.equal((await bob.call('DELETE', `/mailbox/messages/${message.id}`)).status, 204);
  });
  await send(page);
  const lost = await losing;
  await delivered(page);
  const [row] = await rows(page, 'deposits');
  assert.equal(row.receipt, lost);
  assert.equal((await bob.messages()).length, count, 'a late repeat revives nothing');
});

test('requests that reach the edge twice and answers that come late make one message', async (context) => {
  const count = (await bob.messages()).length;
  const page = await openCall(await launch(context));
  await callUntilRecording(page);
  await recordFor(page, 1000);
  let doubled = 0;
  network.rule = async ({ path }) => {
    if (!path.startsWith('/deposits')) return 'deliver';
    doubled += 1;
    await new Promise((resolve) => setTimeout(resolve, 700));
    return 'double';
  };
  await send(page);
  await delivered(page);
  assert.ok(doubled > 0);
  assert.equal((await bob.messages()).length, count + 1);
});

/**
 * Only tabs send, not the service worker, and `window.transactions` are the open ones: browsers freeze no page that has
 * one, as it would keep all others out.
 */
const watchTabs = (browser) => browser.context.addInitScript(() => {
  delete window.ServiceWorkerRegistration?.prototype.sync;
  window.transactions = new Set();
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...given) {
    const begun = transaction.apply(this, given);
    window.transactions.add(begun);
    for (const end of ['complete', 'abort']) begun.addEventListener(end, () => window.transactions.delete(begun));
    return begun;
  };
});

test('two tabs with one outbox upload once; a tab that freezes in mid-upload does not stall the other', async (context) => {
  network.rule = () => 'deliver';
  const count = (await bob.messages()).length;
  const annas = await launch(context);
  await watchTabs(annas);
  const tabs = [await openCall(annas), await openCall(annas)];
  await callUntilRecording(tabs[0]);
  await annas.context.setOffline(true);
  await recordFor(tabs[0], 1000);
  await send(tabs[0]);
  await Promise.all(tabs.map(notYet));
  network.seen.length = 0;
  await annas.context.setOffline(false);
  await Promise.all(tabs.map(delivered));
  const bodies = network.seen.filter(({ method, path, length }) => path.startsWith('/deposits') && method !== 'HEAD' && length > 0);
  assert.deepEqual(bodies.map(({ method, path }) => `${method} ${path}`), ['POST /deposits'], 'one request carried the bytes');
  assert.equal((await bob.messages()).length, count + 1);

  // The next one: its uploader freezes while the edge has everything and the answer is on its way.
  await button(tabs[0], 'Record').first().click();
  await inBrowser(tabs[0], 'recording');
  await recordFor(tabs[0], 1000);
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  const uploading = new Promise((reached) => {
    let held = false;
    network.rule = async ({ headers }) => {
      if (!headers['afterbeep-receipt'] || held) return 'deliver';
      held = true;
      reached();
      await released;
      return 'deliver';
    };
  });
  const sender = Promise.race(tabs.map((tab) => tab.waitForRequest((request) => request.method() !== 'GET' && request.url().includes('/deposits')).then(() => tab)));
  await send(tabs[0]);
  const frozen = await sender;
  await uploading;
  const control = await annas.context.newCDPSession(frozen);
  await control.send('Debugger.enable');
  const paused = new Promise((resolve) => control.once('Debugger.paused', resolve));
  const stuck = frozen.evaluate(async () => {
    while (window.transactions.size > 0) await new Promise((next) => setTimeout(next));
    debugger;
  });
  await paused;
  const other = tabs.find((tab) => tab !== frozen);
  await other.bringToFront();
  await outbox(other).getByText(/With Bob/).nth(1).waitFor({ timeout: DELIVERED_MS });
  await control.send('Debugger.disable');
  await stuck;
  release();
  await outbox(frozen).getByText(/With Bob/).nth(1).waitFor({ timeout: DELIVERED_MS });
  assert.equal((await bob.messages()).length, count + 2);
});

/** Bob's telephone, which must not ring. */
async function silentPhone(context, at) {
  const phone = await new SipAgent({ url: at.url, user: 'bob', password: 'bob-demo' }).connect();
  context.after(() => phone.close());
  assert.equal((await phone.register()).status, 200);
  return () => assert.ok(!phone.received.some(({ method }) => method === 'INVITE'), 'nobody is rung');
}

test('recorded with no call ever made, offline from the start: delivered when the network is back, and nobody is rung', async (context) => {
  network.rule = () => 'deliver';
  const count = (await bob.messages()).length;
  const annas = await launch(context);
  const first = await openCall(annas);
  await first.evaluate(() => navigator.serviceWorker.ready);
  await first.close();
  await annas.context.setOffline(true);
  let page = await openCall(annas);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1200);
  const [{ deposit_id: id }] = await rows(page, 'deposits');
  const file = await journal(page, id);
  assert.deepEqual(await rows(page, 'sessions'), [], 'there is no session');
  await send(page);
  await notYet(page);
  await page.close();
  page = await openCall(annas);
  await notYet(page);
  const noRing = await silentPhone(context, server);
  await annas.context.setOffline(false);
  await delivered(page);
  const messages = await bob.messages();
  assert.equal(messages.length, count + 1);
  assert.ok((await mediaOf(server, messages[0])).equals(file), 'the same bytes');
  noRing();
});

test('a token that ran out while offline: delivered under a new one when the network is back, and nobody is rung', async (context) => {
  const brief = await startServer({ env: { AFTERBEEP_SESSION_TTL_S: '4' } });
  const annas = await launch(context);
  context.after(() => brief.stop());
  const page = await openCall(annas, brief);
  await callUntilRecording(page);
  await annas.context.setOffline(true);
  await recordFor(page, 1200);
  await send(page);
  await notYet(page);
  const [session] = await rows(page, 'sessions');
  await page.waitForFunction((expires) => Date.now() > expires, session.expires_at);
  const noRing = await silentPhone(context, brief);
  await annas.context.setOffline(false);
  await delivered(page);
  const [row] = await rows(page, 'deposits');
  assert.notEqual(row.session_id, session.id, 'under another session');
  assert.equal((await (await signIn(brief, 'bob')).messages()).length, 1);
  noRing();
});

test('what waits says when its call expires, can be edited, and goes up after Delete and Undo', async (context) => {
  network.rule = () => 'deliver';
  const count = (await bob.messages()).length;
  const annas = await launch(context);
  const page = await openCall(annas);
  await callUntilRecording(page);
  await annas.context.setOffline(true);
  await recordFor(page, 1200);
  await send(page);
  await notYet(page);
  await outbox(page).getByText('Its call expires in 6 days; after that it still goes up, by a new call.').waitFor();
  await button(outbox(page), 'Edit').click();
  await inBrowser(page, 'review');
  await page.getByLabel('Title').fill('Later');
  await send(page);
  await outbox(page).getByText('Later').waitFor();
  await button(outbox(page), 'Delete').click();
  await outbox(page).getByText('Later').waitFor({ state: 'hidden' });
  await button(page, 'Undo').click();
  await outbox(page).getByText('Later').waitFor();
  assert.equal((await bob.messages()).length, count, 'nothing has left the device');
  await annas.context.setOffline(false);
  await delivered(page);
  const messages = await bob.messages();
  assert.deepEqual([messages.length, messages[0].title], [count + 1, 'Later'], 'what Undo brought back goes up by itself, once');
});
