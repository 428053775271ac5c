// The callee's side: the first sign-in, an own greeting, playing, deleting, signing out.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, messagesOf, openInbox, outbox, recordFor } from './page.mjs';
import { InboxMessages } from '../www/src/inbox-messages.js';
import { speechWav, wavSamples, decodeOpus, likeness } from './sound.mjs';
import { readFileSync } from 'node:fs';

const microphoneWav = speechWav(temporaryFolder('inbox-sound'));
const speech = wavSamples(readFileSync(microphoneWav));
let server;

before(async () => {
  // A call rings for a second in an open inbox before the voicemail answers.
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '1' } });
});
after(() => server?.stop());

async function launch(context) {
  const browser = await launchBrowser({ microphoneWav });
  context.after(() => browser.close());
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
  return browser;
}

test('the first sign-in gives a call link to copy, records a greeting that callers hear, and lets one call oneself', async (context) => {
  const browser = await launch(context);
  const inbox = await openInbox(browser, server, 'carol');
  await button(inbox, 'Copy').click();
  const link = await inbox.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /\/\?to=carol/);

  await button(inbox, 'Record greeting').click();
  await inbox.waitForTimeout(3000);
  await button(inbox, 'Stop').click();
  await inbox.getByRole('button', { name: /use|save|keep/i }).first().click();
  await inbox.getByText(/your (own )?greeting|callers hear/i).first().waitFor();

  const caller = await browser.newPage(link.replace(/^https?:\/\/[^/]+/, server.url));
  const heard = caller.waitForResponse((response) => /\/greetings\//.test(response.url()) && response.ok());
  await button(caller, 'Call').click();
  await inBrowser(caller, 'greeting');
  const greeting = await fetch((await heard).url());
  assert.equal(greeting.status, 200);
  const { correlation } = likeness(decodeOpus(Buffer.from(await greeting.arrayBuffer())), speech);
  assert.ok(correlation > 0.5, `the greeting is what she said (${correlation})`);
  await button(caller, 'Hang up').click();

  const [self] = await Promise.all([browser.context.waitForEvent('page').catch(() => undefined), inbox.getByRole('link', { name: 'Call myself' }).or(button(inbox, 'Call myself')).first().click()]);
  const own = self ?? inbox;
  await own.waitForURL(/to=carol/);
});

test('a message plays, seeks by keyboard, is heard only when played, and Delete can be undone', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);
  await callUntilRecording(page);
  await recordFor(page, 4000);
  await button(page, 'Send').first().click();
  await outbox(page).getByText(/With Bob/).first().waitFor();
  const inbox = await openInbox(browser, server, 'bob');
  const item = inbox.getByRole('listitem').first();
  await item.waitFor();
  assert.match(await inbox.title(), /\(1\)/);
  const [before] = await messagesOf(server, 'bob');
  assert.equal(before.state, 'new');
  assert.ok(before.waveform?.length > 0, 'the inbox draws the waveform of the recorder');

  await item.getByRole('button', { name: 'Play' }).click();
  const slider = item.getByRole('slider');
  await slider.focus();
  await slider.press('End');
  await inbox.waitForFunction(async () => !/\(1\)/.test(document.title), undefined, { timeout: 10_000 });
  assert.equal((await messagesOf(server, 'bob'))[0].state, 'heard');

  await item.getByRole('button', { name: 'Delete' }).click();
  await inbox.waitForFunction(() => document.querySelector('afterbeep-inbox').total === 0);
  assert.equal((await messagesOf(server, 'bob')).length, 0);
  await button(inbox, 'Undo').first().click();
  await item.getByRole('button', { name: 'Play' }).waitFor();
  assert.equal((await messagesOf(server, 'bob')).length, 1);

  await inbox.reload();
  await item.waitFor();
  await button(inbox, 'Sign out').click();
  await button(inbox, 'Sign in').waitFor();
  await inbox.reload();
  await button(inbox, 'Sign in').waitFor();
});

/** Messages as a mailbox gives them, newest first, by their ids; one that was listened to ends in `!`. */
const page = (...ids) => ({ messages: ids.map((id) => ({ id: id.replace('!', ''), state: id.endsWith('!') ? 'heard' : 'new', received_at: Number.parseInt(id, 10) })), next: '' });

/** An inbox whose mailbox answers what `mailbox.page` is, now or later, and the ids that came with each look. */
function messagesWithoutBrowser() {
  const mailbox = { page: page() };
  const looks = [];
  const messages = new InboxMessages({
    ask: async (method) => (method === 'messages' ? mailbox.page : {}),
    wanted: () => true,
    asking: () => 0,
    fetched: (_, arrived) => looks.push(arrived.map(({ id }) => id)),
    changed: () => {},
    undone: () => {},
    failed: (error) => { throw error; },
  });
  return { mailbox, messages, looks };
}

test('what was asked for somebody who has signed out since is not shown to whoever signs in', async () => {
  const { mailbox, messages, looks } = messagesWithoutBrowser();
  messages.belongTo('sip:alice@localhost');
  let answer;
  mailbox.page = new Promise((settle) => { answer = settle; });
  const alices = messages.refresh();
  messages.forget();
  messages.belongTo('sip:bob@localhost');
  mailbox.page = page('7');
  const bobs = messages.refresh();
  answer(page('9', '8'));
  await Promise.all([alices, bobs]);
  assert.deepEqual([looks, messages.all.map(({ id }) => id)], [[[]], ['7']], 'shown once, and only his');
  messages.belongTo('sip:carol@localhost');
  assert.deepEqual([messages.all, messages.loaded], [[], false], 'whoever comes without a sign-out between them sees nothing either');
});

test('only a message that never was here before has come', async () => {
  const { mailbox, messages, looks } = messagesWithoutBrowser();
  messages.belongTo('sip:bob@localhost');
  for (const now of [page('3', '2!'), page('4', '3', '2!'), page('4', '3', '2'), page('3', '2'), page('4', '3', '2'), page('4', '2', '1'), page('6!', '5', '4')]) {
    mailbox.page = now;
    await messages.refresh();
  }
  assert.deepEqual(looks, [[], ['4'], [], [], [], [], ['5']]);
});
