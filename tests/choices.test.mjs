// What the owner of a mailbox chooses in the inbox, and whom a caller may dial.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listen, prepare, said } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, messagesOf, openInbox, recordFor, ringsHere, signIn } from './page.mjs';
import { sessionInfo, SipAgent } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';
import { look } from './talk/people.mjs';
import { write } from './variants/deposit.mjs';

let server;
let browser;

before(async () => {
  server = await startServer({});
  browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('choices-sound')) });
  await prepare(browser);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const settingsOf = async (user) => (await (await (await signIn(server, user)).call('GET', '/mailbox')).json()).settings;

test('every choice is saved as it is made, said once, still there after a reload, and taken back by choosing again', async (context) => {
  const page = await openInbox(browser, server, 'bob');
  context.after(() => page.close());
  await page.getByText('Voicemail settings').click();
  assert.ok(await page.getByRole('radio', { name: 'My own greeting' }).isChecked(), 'the default');
  await look(page, 'voicemail settings');
  await listen(page, 'afterbeep-inbox');

  await page.getByRole('radio', { name: 'No greeting' }).check();
  await page.getByText('Saved. What callers hear: no greeting.').last().waitFor();
  await page.getByRole('status').getByText('Saved. What callers hear: no greeting.').waitFor();
  assert.equal((await said(page)).filter((words) => /^Saved/.test(words)).length, 1);
  await page.getByRole('radio', { name: 'It calls back' }).check();
  await page.getByRole('status').getByText(/it calls back/).waitFor();
  await page.getByRole('radio', { name: 'After the greeting' }).check();
  await page.getByRole('status').getByText(/after the greeting/).waitFor();
  await page.getByRole('radio', { name: 'As the call ends' }).check();
  await page.getByRole('status').getByText(/as the call ends/).waitFor();
  assert.ok(await page.getByRole('radio', { name: 'After the greeting' }).isHidden(), 'what changes nothing is not asked');
  await page.getByLabel('Seconds your phone rings').fill('7');
  await page.keyboard.press('Tab');
  await page.getByRole('status').getByText('Saved. Calls ring for 7 seconds.').waitFor();
  const { greeting, answer, instruction, info_timing, ring_timeout_s } = await settingsOf('bob');
  assert.deepEqual({ greeting, answer, instruction, info_timing, ring_timeout_s }, { greeting: 'none', answer: 'call_back', instruction: 'bye', info_timing: 'after', ring_timeout_s: 7 });

  await page.reload();
  await page.getByText('Voicemail settings').click();
  assert.ok(await page.getByRole('radio', { name: 'No greeting' }).isChecked());
  assert.equal(await page.getByLabel('Seconds your phone rings').inputValue(), '7');
  await page.getByText('Callers hear no greeting, as you chose.').waitFor({ state: 'attached' });
  await page.getByRole('radio', { name: 'My own greeting' }).check();
  await page.getByRole('status').getByText('Saved. What callers hear: my own greeting.').waitFor();
  await page.getByLabel('Seconds your phone rings').fill('');
  await page.keyboard.press('Tab');
  await page.getByRole('status').getByText('Saved. Calls ring as long as your server says.').waitFor();
  assert.equal((await settingsOf('bob')).ring_timeout_s, null);
  await button(page, 'Sign out').click();
  await button(page, 'Sign in').waitFor();
});

test('a mailbox that was asked for before a choice does not take it back on the screen', async (context) => {
  const page = await openInbox(browser, server, 'carol');
  context.after(() => page.close());
  await page.getByText('Voicemail settings').click();
  await ringsHere(page);
  let release;
  const released = new Promise((done) => { release = done; });
  let asked;
  const old = new Promise((done) => { asked = done; });
  await page.route('**/mailbox', async (route) => {
    const response = await route.fetch();
    asked();
    await released;
    await route.fulfill({ response });
  }, { times: 1 });
  await page.evaluate(() => {
    window.looks = 0;
    document.querySelector('afterbeep-inbox').addEventListener('afterbeep-inbox', () => { window.looks += 1; });
    window.dispatchEvent(new Event('online'));
  });
  await old;
  const none = page.getByRole('radio', { name: 'No greeting' });
  const changed = page.waitForResponse((response) => response.request().method() === 'PATCH');
  await none.check();
  await changed;
  const before = await page.evaluate(() => {
    const panel = document.querySelector('afterbeep-inbox').shadowRoot;
    window.shown = [];
    document.querySelector('afterbeep-inbox').addEventListener('afterbeep-inbox', () => window.shown.push(panel.querySelector('[value="none"][name="greeting"]').checked));
    return window.looks;
  });
  release();
  await page.waitForFunction((looks) => window.looks > looks, before);
  await page.getByRole('status').getByText('Saved. What callers hear: no greeting.').waitFor();
  assert.ok((await page.evaluate(() => window.shown)).every(Boolean), 'at no look is the choice taken back');
  assert.ok(await none.isChecked());
  await page.getByRole('radio', { name: 'My own greeting' }).check();
  await page.getByRole('status').getByText('Saved. What callers hear: my own greeting.').waitFor();
  await button(page, 'Sign out').click();
  await button(page, 'Sign in').waitFor();
});

test('the dial box explains what nobody can be called by, and calls names, addresses and numbers', async (context) => {
  const page = await browser.newPage(server.url);
  context.after(() => page.close());
  const box = page.getByLabel('Name, address or number');
  await box.fill('bob smith');
  await button(page, 'Call').click();
  await page.getByRole('status').getByText('“bob smith” is nobody’s address.').waitFor();
  assert.equal(await box.getAttribute('aria-invalid'), 'true');
  await look(page, 'dialled nonsense');
  for (const [typed, called] of [['sip:carol@localhost', 'Carol'], ['carol', 'Carol']]) {
    await page.goto(server.url);
    await box.fill(typed);
    await page.keyboard.press('Enter');
    await inBrowser(page, 'greeting');
    await page.getByRole('status').getByText(`${called} is not available`).waitFor();
  }

  await page.goto(server.url);
  const called = page.evaluate(() => new Promise((done) => {
    document.addEventListener('afterbeep-state', ({ detail }) => detail.state === 'calling' && done(detail.to));
  }));
  await box.fill('+44 20 7946 0018');
  await page.keyboard.press('Enter');
  assert.match(await called, /^sip:\+442079460018@/);
});

test('who calls a telephone number leaves the message with whoever has it', async (context) => {
  const given = await fetch(`${server.url}/admin/users/carol/numbers/${encodeURIComponent('+49 30 123456')}`, { method: 'PUT', headers: { authorization: 'Bearer dev-admin-token' } });
  assert.equal(given.status, 201, await given.text());
  const page = await browser.newPage(server.url);
  context.after(() => page.close());
  await page.getByLabel('Name, address or number').fill('+49 30 123456');
  await page.keyboard.press('Enter');
  await inBrowser(page, 'greeting');
  await page.getByRole('status').getByText('Carol is not available').waitFor();
  assert.equal(await page.getByText('Forwarded to').count(), 0, 'her number is herself');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, ['ended', 'ready']);
  await button(page, 'Write instead').click();
  await page.getByLabel('Your message to Carol').fill('By your number.');
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited');
  const [message] = await messagesOf(server, 'carol');
  assert.equal(message.kind, 'text', JSON.stringify(message));

  // Recorded before any call: it is asked for a session, which nobody's call to that number gave.
  await page.goto(`${server.url}/?to=%2B4930123456&processing=off`);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited');
  assert.deepEqual((await messagesOf(server, 'carol')).map(({ kind }) => kind), ['voice', 'text']);
});

test('a message of a call that was sent on says from whom', async (context) => {
  const phone = await new SipAgent({ url: server.url }).connect();
  context.after(() => phone.close());
  await phone.invite('sip:alice@localhost', { extra: ['Diversion: <sip:carol@localhost>;reason=no-answer;counter=1'] });
  const { body } = await phone.expect('INFO', ({ method, status }) => method === 'INFO' && !status);
  assert.equal((await write(server, sessionInfo(body).ID)).status, 201);
  const page = await openInbox(browser, server, 'alice');
  context.after(() => page.close());
  await page.getByRole('listitem').getByText('Forwarded from Carol.').waitFor();
  await look(page, 'forwarded');
});
