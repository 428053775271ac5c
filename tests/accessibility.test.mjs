// Everybody can use it: with assistive technology, large text, in forced colours, light and dark. axe-core finds nothing
// on the states that callees and networks bring about.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertFits, audit, buttons, prepare } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser } from './page.mjs';
import { SipAgent } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('accessibility-sound'));
const CALL_PAGE = '/?to=bob&processing=off';
const shots = process.env.AFTERBEEP_PICTURES;
let server;

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true });
  server = await startServer({});
});
after(() => server?.stop());

async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  context.after(() => browser.close());
  await prepare(browser);
  return browser;
}

/** Checks one state by all rules; with `AFTERBEEP_PICTURES` it is kept as pictures too. */
async function check(page, state) {
  await audit(page, state);
  if (!shots) return;
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      await page.screenshot({ path: join(shots, `state-${state.replaceAll(' ', '-')}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

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

/** Runs in the page: a peer that answers an offer, as a callee's phone would. */
async function answerTo(offer) {
  const peer = new RTCPeerConnection();
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  window.callee = peer;
  return peer.localDescription.sdp;
}
