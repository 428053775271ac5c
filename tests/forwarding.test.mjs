// Bob's calls are sent on to Carol, whose voicemail answers: what is said after her greeting is for her, the page says so
// before it is said, and what was meant for Bob stays his.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { prepare } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, greetWith, inBrowser, messagesOf, outbox, recordFor, signIn } from './page.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav, toneOpus } from './sound.mjs';
import { look } from './talk/people.mjs';

const BOB = 'sip:bob@localhost';
const CAROL = 'sip:carol@localhost';
const folder = temporaryFolder('forwarding-sound');
let server;
let browser;
let phone;

before(async () => {
  server = await startServer({});
  browser = await launchBrowser({ microphoneWav: speechWav(folder) });
  await prepare(browser);
  await greetWith(server, 'carol', toneOpus(folder, 50));
  phone = await new SipAgent({ url: server.url, user: 'bob', password: 'bob-demo', answer: (invite, self) => self.respond(invite, 302, 'Moved Temporarily', { extra: [`Contact: <${CAROL}>`] }) }).connect();
  assert.equal((await phone.register()).status, 200);
});
after(async () => {
  phone?.close();
  await browser?.close();
  await server?.stop();
});

/** The page that calls Bob. */
async function open(context) {
  const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);
  context.after(() => page.close());
  return page;
}

const choose = async (settings) => {
  const { call } = await signIn(server, 'carol');
  assert.equal((await call('PATCH', '/mailbox/settings', { instruction: 'info', info_timing: 'before', answer: 'same_call', ...settings })).status, 200);
};

const status = (page, words) => page.getByRole('status').getByText(words, { exact: true }).waitFor();

async function hearCarol(page) {
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await status(page, 'Carol is not available');
  await page.getByText('Forwarded to Carol.').waitFor();
}

async function write(page, text) {
  await button(page, 'Write instead').click();
  await page.getByLabel('Your message to Carol').fill(text);
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited');
  await status(page, 'Carol has your message');
}

test('a message goes to whoever was heard, and one that was meant for Bob before goes to Bob', async (context) => {
  const page = await open(context);
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await status(page, 'Your message to Bob');
  await page.reload();
  await outbox(page).getByText('To Bob').waitFor();

  await hearCarol(page);
  await look(page, 'forwarded greeting');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await page.getByText('Forwarded to Carol.').waitFor();
  await recordFor(page, 300);
  await status(page, 'Your message to Carol');
  await look(page, 'forwarded review');
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await status(page, 'Your message to Carol');
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited');
  await status(page, 'Carol has your message');
  assert.deepEqual(await messagesOf(server, 'bob'), []);
  const [message, ...more] = await messagesOf(server, 'carol');
  assert.deepEqual([message.forwarded_from, message.kind, more], [BOB, 'voice', []]);

  await outbox(page).getByRole('button', { name: 'Send', exact: true }).first().click();
  await outbox(page).getByText('With Bob', { exact: true }).waitFor();
  await outbox(page).getByText('With Carol', { exact: true }).waitFor();
  assert.equal((await messagesOf(server, 'bob')).length, 1);
  assert.equal((await messagesOf(server, 'carol')).length, 1);
});

for (const [way, settings] of [
  ['with the greeting', { instruction: 'none' }],
  ['in the BYE', { instruction: 'bye' }],
  ['by an INFO at the end', { info_timing: 'after' }],
]) {
  test(`where the session comes ${way}, a message goes to whoever was heard too`, async (context) => {
    await choose(settings);
    const page = await open(context);
    const before = (await messagesOf(server, 'carol')).length;
    await hearCarol(page);
    await button(page, 'Skip greeting').click();
    await inBrowser(page, 'ready');
    await write(page, `The session came ${way}.`);
    assert.equal((await messagesOf(server, 'carol')).length, before + 1);
  });
}

test('who hangs up before any session came leaves the message with whoever was heard', async (context) => {
  await choose({ info_timing: 'after' });
  const page = await open(context);
  const before = (await messagesOf(server, 'carol')).length;
  await hearCarol(page);
  await button(page, 'Hang up').click();
  await inBrowser(page, 'ready');
  await write(page, 'I heard enough.');
  assert.equal((await messagesOf(server, 'carol')).length, before + 1);
});

test('a draft for Carol stays hers on the page that calls Bob', async (context) => {
  await choose({});
  const page = await open(context);
  await hearCarol(page);
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await page.reload();
  await status(page, 'Call Bob');
  const before = [(await messagesOf(server, 'bob')).length, (await messagesOf(server, 'carol')).length];
  await outbox(page).getByRole('button', { name: 'Edit', exact: true }).first().click();
  await status(page, 'Your message to Carol');
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await status(page, 'Your message to Carol');
  await button(page, 'Send').first().click();
  await status(page, 'Carol has your message');
  assert.deepEqual([(await messagesOf(server, 'bob')).length, (await messagesOf(server, 'carol')).length], [before[0], before[1] + 1]);
});

test('a mailbox that calls back for somebody else is answered, and its message is hers', async (context) => {
  await choose({ answer: 'call_back' });
  const page = await open(context);
  const before = (await messagesOf(server, 'carol')).length;
  await hearCarol(page);
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  await write(page, 'You called back.');
  assert.equal((await messagesOf(server, 'carol')).length, before + 1);
});
