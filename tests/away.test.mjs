// Notifications of calls and messages while the inbox is in the background: nobody is told who did not ask for it here.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, messagesOf, ringsHere, signIn } from './page.mjs';
import { speechWav } from './sound.mjs';
import { atInbox, look, person, signsIn } from './talk/people.mjs';

const TELL = 'Notify me in the background';
const microphoneWav = speechWav(temporaryFolder('away-sound'));
let server;

before(async () => { server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '60' } }); });
after(() => server?.stop());

/** Keeps what is shown, as the browser shows it, and how often permission was asked for. */
function keepNotices() {
  window.notices = [];
  window.asked = 0;
  const { Notification: Native } = window;
  const ask = Native.requestPermission.bind(Native);
  Native.requestPermission = () => {
    window.asked += 1;
    return ask();
  };
  window.Notification = class extends Native {
    constructor(...words) {
      super(...words);
      window.notices.push(this);
      for (const end of ['show', 'close']) this.addEventListener(end, () => { this.was = end; });
    }
  };
}

/** Tabs of a browser without a screen are never hidden by themselves. */
const hide = (page) => page.evaluate(() => {
  Object.defineProperty(document, 'hidden', { get: () => true });
  document.dispatchEvent(new Event('visibilitychange'));
});

async function inboxOf(context, user) {
  const browser = await person({ microphoneWav });
  context.after(() => browser.close());
  await browser.context.addInitScript(keepNotices);
  await signsIn(browser, server, user);
  return { browser, page: await atInbox(browser, server) };
}

const tells = (page, title, state) => page.waitForFunction(([wanted, was]) => window.notices.some((notice) => notice.title === wanted && notice.was === was), [title, state]);

test('a call and a message are told while the tab is in the background, and a click leads back', async (context) => {
  const { browser, page: bob } = await inboxOf(context, 'bob');
  await browser.context.grantPermissions(['notifications', 'microphone'], { origin: server.url });
  assert.equal(await bob.evaluate(() => window.asked), 0, 'not asked by itself');
  await button(bob, TELL).click();
  await bob.getByText('While this tab is open in the background, this browser tells you of calls and messages.').waitFor();
  assert.equal(await button(bob, TELL).getAttribute('aria-pressed'), 'true');
  await look(bob, 'told in the background');
  await bob.reload();
  await ringsHere(bob);
  assert.equal(await button(bob, TELL).getAttribute('aria-pressed'), 'true', 'kept');
  await hide(bob);

  const caller = await browser.newPage(`${server.url}/?to=bob&processing=off`);
  await button(caller, 'Call').click();
  await tells(bob, 'Bob is calling', 'show');
  await bob.evaluate(() => {
    window.focus = () => { window.ledBack = true; };
    window.notices.at(-1).dispatchEvent(new Event('click'));
  });
  assert.equal(await bob.evaluate(() => window.ledBack), true);
  await tells(bob, 'Bob is calling', 'close');

  await button(bob, 'Send to voicemail').click();
  await inBrowser(caller, 'greeting');
  await button(caller, 'Skip greeting').click();
  await inBrowser(caller, ['ended', 'ready']);
  await button(caller, 'Record').first().click();
  await inBrowser(caller, 'recording');
  await caller.waitForTimeout(500);
  await button(caller, 'Stop').click();
  await inBrowser(caller, 'review');
  await button(caller, 'Send').first().click();
  await inBrowser(caller, 'deposited');
  await tells(bob, 'Message from Bob', 'show');

  const { call } = await signIn(server, 'bob');
  const [message] = await messagesOf(server, 'bob');
  for (const [state, fresh] of [['heard', 0], ['new', 1]]) {
    assert.equal((await call('PATCH', `/mailbox/messages/${message.id}`, { state })).status, 200);
    await bob.waitForFunction((count) => document.querySelector('afterbeep-inbox').new === count, fresh);
  }
  assert.deepEqual(await bob.evaluate(() => window.notices.map(({ title }) => title)), ['Bob is calling', 'Message from Bob']);
});

test('where the browser refuses, the page says so and tells nobody', async (context) => {
  const { page } = await inboxOf(context, 'alice');
  await button(page, TELL).click();
  await page.getByText('This browser does not let this page tell you of calls in the background.').waitFor();
  assert.ok(await button(page, TELL).isHidden());
  const focused = await page.evaluate(() => document.querySelector('afterbeep-inbox').shadowRoot.activeElement.textContent);
  assert.match(focused, /^This browser does not let/, 'the focus is where the button was');
  await look(page, 'not told in the background');
});
