// A message that is written instead of spoken: by who has no microphone, or by choice.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Draft } from '../www/src/draft.js';
import { launchBrowser, startServer } from './harness.mjs';
import { button, inBrowser, messagesOf, openInbox, outbox } from './page.mjs';

const WORDS = 'Hello Bob, it is Anna.\n\nThe train is late: <b>20:15</b> at <i>Gleis 3</i>. Grüße 👋';
const SCRIPT = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';
const CALL_PAGE = '/?to=bob';
let server;

before(async () => {
  // A call rings for a second in an open inbox before the voicemail answers.
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '1' } });
});
after(() => server?.stop());

/** A browser that refuses the microphone and ends with its test, also with a failing one. */
async function launch(context, options = {}) {
  const browser = await launchBrowser({ denyMicrophone: true, ...options });
  context.after(() => browser.close());
  return browser;
}

const field = (page) => page.getByLabel('Your message to Bob');

/** Waits until the text field can be typed into and holds these words. */
const holds = (page, words) => page.waitForFunction((wanted) => {
  const text = document.querySelector('afterbeep-call').shadowRoot.querySelector('textarea');
  return !text.readOnly && text.value === wanted;
}, words);

/** Waits until the words stand in the browser's database. */
async function saved(page, words) {
  await page.waitForFunction(async (wanted) => {
    const database = await new Promise((done) => { indexedDB.open('afterbeep').onsuccess = (event) => done(event.target.result); });
    const blocks = await new Promise((done) => { database.transaction('blocks').objectStore('blocks').getAll().onsuccess = (event) => done(event.target.result); });
    database.close();
    return blocks.some((block) => new TextDecoder().decode(block.bytes) === wanted);
  }, words);
}

test('a caller whose microphone is refused writes offline; the callee reads exactly the words, once', async (context) => {
  const before = await messagesOf(server, 'bob');
  const bobs = await launch(context);
  const inbox = await openInbox(bobs, server, 'bob');
  const annas = await launch(context);
  let page = await annas.newPage(server.url + CALL_PAGE);
  await page.getByLabel(/your name/i).fill('Anna');
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, ['ended', 'ready']);
  await page.getByText(/microphone is blocked/i).waitFor();
  await button(page, 'Write instead').click();
  assert.ok(await button(page, 'Send').first().isDisabled(), 'nothing to send yet');
  await annas.context.setOffline(true);
  await field(page).fill(WORDS);
  await inBrowser(page, 'review');
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Saved on this device. Not yet with Bob').waitFor();

  await page.close();
  page = await annas.newPage(server.url + CALL_PAGE);
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await outbox(page).getByText('The train is late').waitFor();
  await annas.context.setOffline(false);
  await outbox(page).getByText('With Bob', { exact: true }).waitFor({ timeout: 30_000 });

  const item = inbox.getByRole('listitem').first();
  await item.getByRole('button', { name: 'Read' }).waitFor();
  assert.match(await item.getAttribute('aria-label'), /^Anna \(not verified\), .*written message, new$/);
  const [message, ...others] = await messagesOf(server, 'bob');
  assert.equal(others.length, before.length, 'once');
  assert.deepEqual([message.kind, message.duration_ms, message.state, message.from_verified], ['text', 0, 'new', false]);
  assert.equal(message.size, Buffer.byteLength(WORDS));

  await item.getByRole('button', { name: 'Read' }).click();
  await item.locator('blockquote').waitFor();
  assert.equal(await item.locator('blockquote').textContent(), WORDS);
  assert.equal(await item.locator('b, i').count(), 0, 'what looks like markup is text');
  await inbox.waitForFunction(() => !/\(\d/.test(document.title));
  assert.equal((await messagesOf(server, 'bob'))[0].state, 'heard');

  await item.getByRole('button', { name: 'Delete' }).click();
  await inbox.waitForFunction(() => document.querySelector('afterbeep-inbox').total === 0);
  await button(inbox, 'Undo').first().click();
  await item.getByRole('button', { name: /Read|Close/ }).waitFor();
  assert.equal((await messagesOf(server, 'bob')).length, before.length + 1);
});

test('a text that looks like a script is shown as text and served as nothing that a browser runs', async (context) => {
  const annas = await launch(context);
  const page = await annas.newPage(server.url + CALL_PAGE);
  await button(page, 'Write instead').click();
  await field(page).fill(SCRIPT);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('With Bob', { exact: true }).waitFor({ timeout: 30_000 });

  const [message] = await messagesOf(server, 'bob');
  const media = await fetch(new URL(message.media_url, server.url));
  assert.equal(await media.text(), SCRIPT);
  assert.equal(media.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(media.headers.get('x-content-type-options'), 'nosniff');
  assert.match(media.headers.get('content-disposition'), /^attachment; filename=".*\.txt"$/);
  assert.match(media.headers.get('content-security-policy'), /sandbox/);

  const inbox = await openInbox(annas, server, 'bob');
  const item = inbox.getByRole('listitem').first();
  await item.getByRole('button', { name: 'Read' }).click();
  await item.locator('blockquote').waitFor();
  assert.equal(await item.locator('blockquote').textContent(), SCRIPT);
  assert.equal(await item.locator('img, script').count(), 0);
  assert.doesNotMatch(await inbox.title(), /broken/);
});

test('what is typed is a draft within half a second; it survives a kill, never goes up by itself, and can be edited', async (context) => {
  const count = (await messagesOf(server, 'bob')).length;
  const first = await launch(context);
  const page = await first.newPage(server.url + CALL_PAGE);
  await button(page, 'Write instead').click();
  await field(page).pressSequentially('Milk and', { delay: 20 });
  await page.waitForTimeout(500);
  await saved(page, 'Milk and');
  await first.kill9();

  const second = await launch(context, { profileDir: first.profileDir });
  const again = await second.newPage(server.url + CALL_PAGE);
  await outbox(again).getByText('Draft. Not sent.').waitFor();
  await button(outbox(again), 'Edit').click();
  await holds(again, 'Milk and');
  await field(again).press('End');
  await field(again).pressSequentially(' bread');
  await saved(again, 'Milk and bread');
  await button(again, 'Delete').first().click();
  await inBrowser(again, 'ready');
  await button(again, 'Undo').click();
  await inBrowser(again, 'review');
  await holds(again, 'Milk and bread');
  assert.equal((await messagesOf(server, 'bob')).length, count, 'the draft never went up');

  await button(again, 'Send').first().click();
  await outbox(again).getByText('With Bob', { exact: true }).waitFor({ timeout: 30_000 });
  const [message, ...others] = await messagesOf(server, 'bob');
  assert.equal(others.length, count);
  assert.equal(message.size, 'Milk and bread'.length);
});

test('the text field says when it is nearly full, and the pages fit narrow and wide, light and dark', async (context) => {
  const shots = process.env.AFTERBEEP_PICTURES;
  if (shots) mkdirSync(shots, { recursive: true });
  const browser = await launch(context);
  const page = await browser.newPage(server.url + CALL_PAGE);
  const inbox = await openInbox(browser, server, 'bob');
  await inbox.getByRole('listitem').first().getByRole('button', { name: 'Read' }).click();
  const take = async (name, one) => {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1280, 390]) {
        await one.emulateMedia({ colorScheme });
        await one.setViewportSize({ width, height: 844 });
        const overflow = await one.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(overflow <= 0, `${name} at ${width} px scrolls sideways by ${overflow} px`);
        if (shots) await one.screenshot({ path: join(shots, `text-${name}-${colorScheme}-${width}.png`), fullPage: true });
      }
    }
  };
  await take('idle', page);
  await button(page, 'Write instead').click();
  await field(page).fill('x'.repeat(5100));
  assert.equal((await field(page).inputValue()).length, 5000);
  await page.getByText('0 characters left').waitFor();
  await field(page).fill(WORDS);
  await inBrowser(page, 'review');
  await take('writing', page);
  await browser.context.setOffline(true);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await take('sent', page);
  await take('inbox', inbox);
});

test('a draft saves while somebody goes on typing, in order, and never twice at once', async () => {
  const log = [];
  let busy = 0;
  const store = async (entry) => {
    assert.equal(busy++, 0, 'one save at a time');
    await pause(20);
    busy -= 1;
    log.push(entry);
  };
  const draft = new Draft({ write: async (text) => (await store(text), 'd'), rewrite: (id, text) => store(`${id} ${text}`), failed: assert.fail });
  draft.type(' ');
  await draft.flush();
  assert.deepEqual(log, [], 'spaces begin no message');
  for (let typed = 'a'; log.length === 0; typed += 'a') {
    draft.type(typed);
    await pause(50);
    assert.ok(typed.length < 40, 'typing puts no save off');
  }
  draft.type('the end');
  await Promise.all([draft.flush(), draft.flush()]);
  assert.equal(log.at(-1), 'd the end');
  const saves = log.length;
  draft.type('gone');
  draft.close();
  await draft.flush();
  assert.equal(log.length, saves, 'a deleted draft is not written again');
});
