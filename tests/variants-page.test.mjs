// The element and the ways in which a mailbox brings the session: which event opens the recorder (D9), the session with
// the greeting (D7), the call back (D3), the second call (D16, D17).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, greetWith, inBrowser, messagesOf, outbox, recordFor, signIn } from './page.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav, toneOpus } from './sound.mjs';
import { atInbox, signsIn } from './talk/people.mjs';

const EVERY = { greeting: 'personal', instruction: 'info', info_timing: 'before', answer: 'same_call' };
const folder = temporaryFolder('variants-sound');
let server;
let browser;

before(async () => {
  server = await startServer({});
  browser = await launchBrowser({ microphoneWav: speechWav(folder) });
  await greetAtLength();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Until somebody skips it, on a slow machine too. */
const greetAtLength = () => greetWith(server, 'bob', toneOpus(folder, 50));

async function choose(settings, user = 'bob') {
  const { call } = await signIn(server, user);
  assert.equal((await call('PATCH', '/mailbox/settings', { ...EVERY, ...settings })).status, 200);
}

/** The call page, with what its element fires and its socket carries. */
async function open(context, openOn = '', { to = 'bob', calls = true } = {}) {
  const page = await browser.context.newPage();
  context.after(() => page.close());
  const frames = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => frames.push(`> ${String(payload).split('\r\n')[0]}`));
    socket.on('framereceived', ({ payload }) => frames.push(`< ${String(payload).split('\r\n')[0]}`));
  });
  await page.goto(`${server.url}/?to=${to}&processing=off`);
  await page.evaluate((value) => {
    window.fired = [];
    const element = document.querySelector('afterbeep-call');
    for (const name of ['state', 'session', 'error']) element.addEventListener(`afterbeep-${name}`, ({ detail }) => window.fired.push([name, detail.state ?? detail.code ?? detail.id]));
    if (value) element.setAttribute('open-on', value);
  }, openOn);
  if (calls) await button(page, 'Call').click();
  return { page, frames };
}

const fired = (page, name) => page.waitForFunction((wanted) => window.fired.some(([found]) => found === wanted), name);
const states = (page) => page.evaluate(() => window.fired.filter(([name]) => name === 'state').map(([, state]) => state));
const sent = (frames, method) => frames.findIndex((frame) => frame.startsWith(`> ${method}`));
const got = (frames, method) => frames.findIndex((frame) => frame.startsWith(`< ${method}`));

/** Writes a message and waits until Bob has it. */
async function leaveMessage(page, text, to = 'Bob') {
  await button(page, 'Write instead').click();
  await page.getByLabel(/Your message to/).fill(text);
  await button(page, 'Send').first().click();
  await outbox(page).getByText(new RegExp(`^With ${to}$`, 'i')).first().waitFor({ timeout: 20_000 });
}

test('the BYE opens the recorder, or the end of the greeting does, which then hangs up by itself', async (context) => {
  await choose({});
  await greetWith(server, 'bob', toneOpus(folder, 1));
  context.after(greetAtLength);
  const waiting = await open(context);
  const early = await open(context, 'greeting');
  await Promise.all([waiting, early].map(({ page }) => inBrowser(page, 'ready')));
  assert.ok(got(waiting.frames, 'BYE') > 0 && sent(waiting.frames, 'BYE') < 0, waiting.frames.join('\n'));
  assert.ok(sent(early.frames, 'BYE') > 0 && got(early.frames, 'BYE') < 0, early.frames.join('\n'));
});

test('where INFO opens the recorder, one may record while the greeting plays', async (context) => {
  await choose({});
  const { page } = await open(context, 'info');
  await inBrowser(page, 'greeting');
  await fired(page, 'session');
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 300);
  await button(page, 'Delete').first().click();
});

test('without any INFO the session is taken with the greeting, and the message goes up under it', async (context) => {
  await choose({ instruction: 'none' });
  const { page, frames } = await open(context);
  await inBrowser(page, 'greeting');
  await fired(page, 'session');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  assert.ok(got(frames, 'BYE') > 0 && got(frames, 'INFO') < 0, frames.join('\n'));
  await leaveMessage(page, 'With the greeting.');
  assert.equal(frames.filter((frame) => frame.startsWith('> INVITE')).length, 1, 'no other call was needed');
  assert.ok((await messagesOf(server, 'bob')).length > 0);
});

test('a mailbox that plays nothing and says nothing but its session leads to the recorder at once', async (context) => {
  await choose({ instruction: 'bye', greeting: 'none' });
  const { page } = await open(context);
  await inBrowser(page, 'ready');
  await fired(page, 'session');
});

test('the voicemail that was dialled calls back and is answered by itself', async (context) => {
  await choose({ answer: 'call_back' });
  const { page, frames } = await open(context);
  await inBrowser(page, 'greeting');
  await fired(page, 'session');
  assert.ok(got(frames, 'SIP/2.0 480') > 0 && got(frames, 'INVITE') > 0 && sent(frames, 'SIP/2.0 200') > 0, frames.join('\n'));
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  assert.ok(!(await states(page)).includes('failed'), 'nothing is said to have failed');
  await leaveMessage(page, 'After your call.');
});

/** Another user, whose voicemail is like this. */
async function make(user, settings) {
  const made = await fetch(`${server.url}/admin/users/${encodeURIComponent(`sip:${user}@localhost`)}`, {
    method: 'PUT', headers: { authorization: 'Bearer dev-admin-token', 'content-type': 'application/json' },
    body: JSON.stringify({ password: `${user}-demo`, display_name: 'Bob' }),
  });
  assert.equal(made.status, 201);
  await choose(settings, user);
}

test('a message without any call gets its session by a call that rings nobody, in every variant', async (context) => {
  const variants = [{ info_timing: 'after' }, { instruction: 'bye' }, { instruction: 'none' }, { answer: 'call_back' }];
  for (const [number, settings] of variants.entries()) {
    const to = `silent-${number}`;
    await make(to, settings);
    const { page } = await open(context, '', { to, calls: false });
    await leaveMessage(page, JSON.stringify(settings), to);
    assert.equal((await messagesOf(server, to)).length, 1, JSON.stringify(settings));
    await page.close();
  }
});

test('a call that nobody expects rings, whatever it says of itself', async (context) => {
  await signsIn(browser, server, 'alice');
  const inbox = await atInbox(browser, server);
  context.after(() => inbox.close());
  const bob = await new SipAgent({ url: server.url, user: 'bob', password: 'bob-demo' }).connect();
  context.after(() => bob.close());
  const call = bob.invite('sip:alice@localhost', { body: '', extra: [`Call-Info: <${server.url}/greetings/x>;purpose=afterbeep-greeting`], timeout: 60_000 });
  await button(inbox, 'Decline').click();
  const { response } = await call;
  assert.equal(response.status, 200, 'her voicemail answers in the end');
});

test('a video after a call about a voice message is announced by a second call', async (context) => {
  await choose({});
  const { page } = await open(context);
  await inBrowser(page, 'greeting');
  await fired(page, 'session');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  await button(page, 'Video').click();
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1500);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Sent by a second call.').waitFor({ timeout: 30_000 });
  const [message] = await messagesOf(server, 'bob');
  assert.equal(message.kind, 'video');
});
