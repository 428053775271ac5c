// The page of ladders, as people use it: list, picture, messages, files, the way there from a message.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { check, prepare } from './accessibility.mjs';
import { launchBrowser, startServer } from './harness.mjs';
import { button, openInbox } from './page.mjs';
import { SipAgent, sessionInfo } from './sip-agent.mjs';
import { write } from './variants/deposit.mjs';

let server;
let token;

before(async () => {
  server = await startServer({});
  const desk = await new SipAgent({ url: server.url, user: 'bob', password: 'bob-demo', answer: (invite, self) => self.respond(invite, 486, 'Busy Here') }).connect();
  await desk.register();
  const anna = await new SipAgent({ url: server.url }).connect();
  const { dialog } = await anna.invite('sip:bob@localhost', { displayName: 'Anna' });
  const info = await anna.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  token = sessionInfo(info.body).ID;
  await anna.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\nDuration=160\r\n' });
  await anna.expect('BYE', (message) => message.method === 'BYE' && !message.status);
  assert.equal((await write(server, token)).status, 201);
  await desk.register({ expires: 0 });
  for (const agent of [anna, desk]) agent.close();
});
after(() => server?.stop());

async function launch(context, allowedErrors = []) {
  const browser = await launchBrowser({ allowedErrors });
  context.after(() => browser.close());
  await prepare(browser);
  return browser;
}

async function openLadder(browser, user, query = '') {
  const page = await browser.newPage(`${server.url}/ladder${query}`);
  await page.getByLabel('Address').fill(user);
  await page.getByLabel('Password').fill(`${user}-demo`);
  await button(page, 'Sign in').click();
  await button(page, 'Sign out').waitFor();
  return page;
}

const title = (page) => page.getByRole('heading', { name: 'Call from Anna' });
const messages = (page) => page.getByRole('list', { name: 'Messages' });

async function saved(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, name).click()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

test('a call is found in the list, drawn, and opened message by message with mouse and keyboard', async (context) => {
  const browser = await launch(context);
  const page = await openLadder(browser, 'bob');
  const calls = page.getByRole('list', { name: 'Calls', exact: true });
  await calls.getByRole('link').first().waitFor();
  await check(page, 'ladder list');
  await calls.getByRole('link', { name: /Anna.*Voicemail/ }).focus();
  await page.keyboard.press('Enter');
  await title(page).waitFor();
  assert.match(page.url(), /\/ladder\?call=/);
  const steps = messages(page).locator('details');
  const arrows = page.locator('svg.picture g.step');
  await arrows.first().waitFor();
  assert.ok(await steps.count() > 10, 'both legs');
  assert.equal(await arrows.count(), await steps.count(), 'an arrow for every message');
  for (const words of ['greeting starts', 'message deposited']) await messages(page).getByText(words).waitFor();
  await check(page, 'ladder');

  const busy = messages(page).locator('summary', { hasText: '486 Busy Here' });
  await busy.focus();
  await page.keyboard.press('Enter');
  await messages(page).getByText(/^SIP\/2\.0 486 Busy Here/).waitFor();
  await arrows.filter({ hasText: 'INFO' }).first().locator('text').click();
  const info = messages(page).getByText(/^INFO sip:/).first();
  await info.waitFor();
  assert.match(await info.textContent(), /^ID=\*\*\*$/m);

  await page.goBack();
  await calls.getByRole('link').first().waitFor();
});

test('a ladder is saved as text and as a picture, and neither gives a secret away', async (context) => {
  const browser = await launch(context);
  const page = await openLadder(browser, 'bob');
  await page.getByRole('link', { name: /Anna/ }).click();
  await title(page).waitFor();
  const text = await saved(page, 'Save as text');
  const drawing = await saved(page, 'Save as SVG');
  assert.match(text.name, /^call-[\dT-]+\.txt$/);
  assert.match(drawing.name, /^call-[\dT-]+\.svg$/);
  assert.match(text.text, /caller +edge +contact 1 +voicemail/);
  assert.match(text.text, /<-+ 486 Busy Here -+\|/);
  for (const { text: saved } of [text, drawing]) {
    for (const secret of [token, 'bob-demo', 'dev-admin-token', 'greetings/m1', 'abcdefghijklmnopqrstuvwx']) assert.ok(!saved.includes(secret), secret);
  }
  const file = await browser.context.newPage();
  await file.setContent(drawing.text);
  assert.ok(await file.locator('svg g.step').count() > 10, 'the file is a picture of its own');
});

test('a message leads to its call, and whoever has none is told what comes here', async (context) => {
  const browser = await launch(context);
  const inbox = await openInbox(browser, server, 'bob');
  await inbox.getByRole('link', { name: 'Show call' }).first().click();
  await title(inbox).waitFor();
  await button(inbox, 'All calls').click();
  await inbox.getByRole('link', { name: /Anna/ }).waitFor();
  await button(inbox, 'Sign out').click();
  await inbox.getByLabel('Password').waitFor();
  await check(inbox, 'ladder signed out');
  const page = await openLadder(browser, 'carol');
  await page.getByText('No calls in the last seven days.').waitFor();
  await check(page, 'ladder empty');
});

test('a call that one made is in the list too, and says which way it went', async (context) => {
  const alice = await new SipAgent({ url: server.url, user: 'alice', password: 'alice-demo' }).connect();
  context.after(() => alice.close());
  const { dialog } = await alice.invite('sip:bob@localhost');
  await alice.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  await alice.inDialog(dialog, 'BYE');
  const browser = await launch(context);
  const page = await openLadder(browser, 'alice');
  await page.getByRole('link', { name: /Call to bob@localhost.*Voicemail$/ }).click();
  await page.getByRole('heading', { name: 'Call to bob@localhost' }).waitFor();
  await messages(page).locator('summary', { hasText: '200 (BYE)' }).waitFor();
  await check(page, 'ladder made');
});

test('the operator sees anybody’s calls, and what cannot be shown is said', async (context) => {
  const browser = await launch(context, [/status of 40[14]/]);
  const page = await browser.newPage(`${server.url}/ladder`);
  await page.getByText('For the operator').click();
  await page.getByLabel('Whose calls').fill('bob');
  await page.getByLabel('Admin token').fill('wrong');
  await button(page, 'Show calls').click();
  await page.getByRole('alert').getByText('This admin token is not the right one.').waitFor();
  await page.getByLabel('Admin token').fill('dev-admin-token');
  await button(page, 'Show calls').click();
  await page.getByRole('link', { name: /Anna/ }).click();
  await title(page).waitFor();
  const unknown = await openLadder(browser, 'bob', '?call=unknown');
  await unknown.getByRole('alert').getByText('There is no such call, or it was more than a week ago.').waitFor();
  await check(unknown, 'ladder not found');
  await button(unknown, 'All calls').click();
  await unknown.getByRole('link', { name: /Anna/ }).waitFor();
});
