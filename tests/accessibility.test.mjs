// Everybody can use it: by keyboard alone, by ear, with large text, in forced colours, light and dark. axe-core finds
// nothing on any state of the elements.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertFits, buttons, check, focus, listen, liveRegions, prepare, said, tabTo } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, greetWith, inBrowser, openInbox, outbox } from './page.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav, toneOpus } from './sound.mjs';

const folder = temporaryFolder('accessibility-sound');
const microphoneWav = speechWav(folder);
const CALL_PAGE = '/?to=bob&processing=off';
let server;

before(async () => {
  // A call rings, and a greeting plays, until it was looked at by all rules.
  server = await startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '120' } });
  await greetWith(server, 'bob', toneOpus(folder, 50));
});
after(() => server?.stop());

async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  context.after(() => browser.close());
  await prepare(browser);
  return browser;
}

/** Comes to a control by Tab, presses it, and waits for what it does. */
async function press(page, name, state, key = 'Enter') {
  await tabTo(page, name);
  await page.keyboard.press(key);
  await inBrowser(page, state);
}

test('the whole story by keyboard alone: every state is named, announced once, seen, and breaks no rule', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + CALL_PAGE);
  await button(page, 'Call').waitFor();
  await listen(page);
  await check(page, 'idle');
  assert.deepEqual((await buttons(page)).slice(0, 3), ['Call', 'Record', 'Write instead']);

  await press(page, 'Call', 'greeting');
  await check(page, 'greeting');
  assert.deepEqual(await buttons(page), ['Skip greeting', 'Hang up']);
  assert.equal(await focus(page), 'Hang up', 'the focus stays on what is still of use');
  await press(page, 'Skip greeting', ['ended', 'ready'], 'Space');
  await check(page, 'ended');
  assert.equal(await focus(page), 'Record');

  await page.keyboard.press('Enter');
  await inBrowser(page, 'recording');
  await check(page, 'recording');
  assert.deepEqual((await buttons(page)).slice(0, 2), ['Stop', 'Pause']);
  assert.equal(await focus(page), 'Stop');
  const told = await said(page);
  for (const words of [/^Calling Bob/, /^Bob is not available/, /^Call ended/, /^Recording/]) {
    assert.equal(told.filter((line) => words.test(line)).length, 1, `${words} once in ${JSON.stringify(told)}`);
  }

  await press(page, 'Pause', 'paused', 'Space');
  await check(page, 'paused');
  await press(page, 'Resume', 'recording');
  await press(page, 'Stop', 'review');
  await check(page, 'review');
  for (const name of ['Send', 'Play', 'Re-record', 'Delete']) assert.ok((await buttons(page)).includes(name), name);
  assert.equal(await focus(page), 'Send');
  await tabTo(page, 'Delete');
  await page.keyboard.press('Space');
  await button(page, 'Undo').waitFor();
  assert.equal(await focus(page), 'Undo');
  await check(page, 'deleted');
  await page.keyboard.press('Enter');
  await inBrowser(page, 'review');
  assert.equal((await liveRegions(page)).length, 1, `one live region, not ${await liveRegions(page)}`);

  await browser.context.setOffline(true);
  await said(page);
  await press(page, 'Send', ['queued', 'waiting']);
  await outbox(page).getByText('Not yet with Bob').waitFor();
  await focus(page);
  await check(page, 'waiting');
  await browser.context.setOffline(false);
  await inBrowser(page, 'deposited');
  await focus(page);
  await check(page, 'deposited');
  const sent = await said(page);
  assert.equal(sent.filter((line) => /^Saved on this device/.test(line)).length, new Set(sent.filter((line) => /^Saved on this device/.test(line))).size, `nothing twice in ${JSON.stringify(sent)}`);
  assert.equal(sent.filter((line) => /^Bob has your message/.test(line)).length, 1, JSON.stringify(sent));

  await press(page, 'Write instead', 'deposited');
  await page.keyboard.type('Milk and bread');
  await inBrowser(page, 'review');
  await check(page, 'writing');
});

test('calling, ringing, talking, refused and going up: what callees and networks do breaks no rule', async (context) => {
  const browser = await launch(context, { allowedErrors: [/Failed to load resource|net::ERR_|WebSocket/] });
  const page = await browser.newPage(server.url + CALL_PAGE);
  let ringing;
  const bob = await new SipAgent({
    url: server.url, user: 'bob', password: 'bob-demo',
    answer: (invite, self) => { ringing = invite; self.respond(invite, 180, 'Ringing'); },
  }).connect();
  context.after(() => bob.close());
  await bob.register();
  await button(page, 'Call').click();
  await inBrowser(page, 'ringing');
  await check(page, 'ringing');
  assert.deepEqual(await buttons(page), ['Hang up']);
  bob.respond(ringing, 200, 'OK', { body: await page.evaluate(answerTo, ringing.body) });
  await inBrowser(page, 'talking');
  await check(page, 'talking');
  await button(page, 'Hang up').click();
  await inBrowser(page, ['ended', 'ready', 'idle']);
  await bob.register({ expires: 0 });

  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await browser.context.route('**/deposits', async (route) => {
    await held;
    await route.fulfill({ status: 413, contentType: 'application/problem+json', body: JSON.stringify({ code: 'too_large', title: 'Too large', status: 413 }) });
  });
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await page.waitForTimeout(500);
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  await button(page, 'Send').first().click();
  await inBrowser(page, 'uploading');
  await check(page, 'uploading');
  release();
  await inBrowser(page, 'failed');
  await check(page, 'failed');
});

test('large text, forced colours and reduced motion lose nothing', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + CALL_PAGE);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await page.waitForTimeout(500);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertFits(page, 'recording at 200 %');
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  await assertFits(page, 'review at 200 %');
  await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
  const look = await page.evaluate(() => {
    const root = document.querySelector('afterbeep-call').shadowRoot;
    const send = [...root.querySelectorAll('button')].find((one) => window.nameOf(one) === 'Send');
    const style = getComputedStyle(send);
    const wave = getComputedStyle([...root.querySelectorAll('.wave .base')].find((one) => one.closest('[hidden]') === null));
    return { border: style.borderTopStyle, moves: style.transitionDuration.split(', ').some((time) => parseFloat(time) > 0) && style.transitionProperty !== 'none', wave: wave.stroke, ground: getComputedStyle(document.body).backgroundColor };
  });
  assert.equal(look.border, 'solid', 'a button is a box also without its colour');
  assert.equal(look.moves, false, 'nothing moves');
  assert.notEqual(look.wave, look.ground);
  await page.emulateMedia({ forcedColors: 'none' });
  await button(page, 'Delete').first().click();
  await assertFits(page, 'deleted at 200 %');
});

test('inbox, greeting studio, first run and the page for embedders break no rule', async (context) => {
  const browser = await launch(context);
  const signedOut = await browser.newPage(`${server.url}/inbox`);
  await button(signedOut, 'Sign in').waitFor();
  await check(signedOut, 'signed out');
  const inbox = await openInbox(browser, server, 'bob');
  await inbox.getByRole('listitem').first().waitFor();
  await check(inbox, 'inbox');
  assert.match(await inbox.getByRole('listitem').first().getAttribute('aria-label'), /^\S/);
  await inbox.setViewportSize({ width: 390, height: 844 });
  await inbox.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertFits(inbox, 'inbox at 200 %', 'afterbeep-inbox');
  await button(inbox, 'Sign out').click();
  await button(inbox, 'Sign in').waitFor();

  const empty = await openInbox(browser, server, 'alice');
  await check(empty, 'inbox empty');
  await button(empty, 'Record greeting').click();
  await button(empty, 'Stop').waitFor();
  await check(empty, 'greeting recorded');
  await button(empty, 'Stop').click();
  await button(empty, 'Use as greeting').waitFor();
  await check(empty, 'greeting review');
  for (const [path, state] of [['/embed', 'embed'], ['/', 'dial']]) {
    const page = await browser.newPage(server.url + path);
    await button(page, 'Call').waitFor();
    await check(page, state);
  }
  const bare = await startServer({ demo: false });
  try {
    const page = await browser.newPage(bare.url);
    await page.getByLabel('Admin token').waitFor();
    await check(page, 'first run');
    await page.close();
  } finally {
    await bare.stop();
  }
});

/** Runs in the page: a peer that answers an offer, as a callee's phone would. */
async function answerTo(offer) {
  const peer = new RTCPeerConnection();
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  window.callee = peer;
  return peer.localDescription.sdp;
}
