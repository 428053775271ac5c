// The pages as a newcomer meets them: first run, empty states, a refused microphone, and the pictures of the README.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, messagesOf, openInbox, outbox, recordFor } from './page.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('pages-sound'));
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

test('an empty server asks for the admin token once and makes the first user, who can sign in', async () => {
  const empty = await startServer({ demo: false });
  const browser = await launchBrowser({ microphoneWav });
  try {
    const page = await browser.newPage(empty.url);
    await page.getByLabel('Admin token').fill('dev-admin-token');
    await page.getByLabel('Address').fill('dora');
    await page.getByLabel('Password').fill('a-long-first-password');
    await page.getByRole('button', { name: /create/i }).click();
    await button(page, 'Sign out').or(button(page, 'Sign in')).first().waitFor();
    const needed = await (await fetch(`${empty.url}/admin/first-run`)).json();
    assert.equal(needed.needed, false, 'the first-run page is gone for good');
    const login = await fetch(`${empty.url}/login`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address: 'sip:dora@localhost', password: 'a-long-first-password' }),
    });
    assert.equal(login.status, 200);
  } finally {
    await browser.close();
    await empty.stop();
  }
});

test('the first page leads a newcomer to Bob in two clicks, also under another name of this machine', async () => {
  const browser = await launchBrowser({ microphoneWav });
  try {
    for (const host of ['127.0.0.1', 'localhost']) {
      const page = await browser.newPage(`http://${host}:${server.port}/`);
      await page.getByRole('link', { name: 'Call Bob' }).click();
      await button(page, 'Call').click();
      await inBrowser(page, 'greeting');
      await button(page, 'Skip greeting').click();
      await inBrowser(page, ['ended', 'ready']);
      await button(page, 'Record').first().click();
      await inBrowser(page, 'recording');
      await recordFor(page, 1000);
      await button(page, 'Send').first().click();
      await outbox(page).getByText(/With Bob/).first().waitFor();
    }
  } finally {
    await browser.close();
  }
});

test('a refused microphone leaves the call and the greeting, and says how to allow it', async () => {
  const browser = await launchBrowser({ microphoneWav, denyMicrophone: true });
  try {
    const page = await browser.newPage(`${server.url}/?to=bob`);
    await button(page, 'Call').click();
    await inBrowser(page, 'greeting');
    await page.getByText(/microphone/i).first().waitFor();
    await button(page, 'Skip greeting').click();
    await inBrowser(page, ['ended', 'ready']);
  } finally {
    await browser.close();
  }
});

test('an anonymous caller gives a name once; the inbox shows it as not verified and says why there is no calling back', async () => {
  const browser = await launchBrowser({ microphoneWav });
  // `AFTERBEEP_PICTURES=docs/pictures` keeps the pictures, the README's among them.
  const shots = process.env.AFTERBEEP_PICTURES;
  if (shots) mkdirSync(shots, { recursive: true });
  try {
    const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);
    await page.getByLabel(/your name/i).fill('Anna');
    await page.setViewportSize({ width: 1280, height: 800 });
    await callUntilRecording(page);
    await page.waitForTimeout(shots ? 6000 : 500);
    if (shots) await page.screenshot({ path: join(shots, 'call.png') });
    await recordFor(page, 500);
    await button(page, 'Send').first().click();
    await outbox(page).getByText(/With Bob/).first().waitFor();
    const inbox = await openInbox(browser, server, 'bob');
    const item = inbox.getByRole('listitem').first();
    await item.getByText(/not verified/i).first().waitFor();
    assert.match(await item.getAttribute('aria-label') ?? await item.textContent(), /^\s*Anna/);
    const callBack = item.getByRole('button', { name: 'Call back' });
    assert.ok(await callBack.isDisabled());
    const { length: count } = await messagesOf(server, 'bob');
    assert.match(await inbox.title(), new RegExp(`^\\(${count}\\) `), 'nobody has heard any of them');
    await inbox.setViewportSize({ width: 1280, height: 800 });
    if (shots) await inbox.screenshot({ path: join(shots, 'inbox.png') });

    await item.getByRole('button', { name: 'Delete' }).click();
    await button(inbox, 'Undo').first().click();
    await inbox.getByRole('listitem').first().waitFor();

    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1280, 390]) {
        for (const [name, one] of [['call', page], ['inbox', inbox]]) {
          await one.emulateMedia({ colorScheme });
          await one.setViewportSize({ width, height: 844 });
          const overflow = await one.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(overflow <= 0, `${name} at ${width} px scrolls sideways by ${overflow} px`);
          if (shots) await one.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
        }
      }
    }
  } finally {
    await browser.close();
  }
});
