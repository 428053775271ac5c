// What can go wrong with the microphone while somebody speaks: each failure leaves a draft and one clear sentence, and
// is told while there is time to do something.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { lightIsOut, soundFile, watchMicrophone } from './microphone.mjs';
import { button, inBrowser, journal, watchRecorded } from './page.mjs';
import { decodeOpus, milliseconds, speechWav } from './sound.mjs';

const folder = temporaryFolder('capture');
const speech = speechWav(folder);
const PAGE = '/?to=bob&processing=off';
let server;
let browser;

before(async () => {
  server = await startServer({});
  browser = await launchBrowser({ microphoneWav: speech });
  await watchMicrophone(browser);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A browser with another microphone, or none. */
async function launch(context, options) {
  const other = await launchBrowser({ microphoneWav: speech, ...options });
  context.after(() => other.close());
  await watchMicrophone(other);
  return other;
}

async function open(one = browser) {
  const page = await one.newPage(server.url + PAGE);
  await watchRecorded(page);
  return page;
}

/** From the page to a recorder that records; no call is needed for that. */
async function record(page) {
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
}

const told = (page, words) => page.getByRole('status').getByText(words).waitFor();
const elapsed = (page, seconds) => page.getByText(new RegExp(`^0:0[${seconds}-9]$`)).waitFor();

/** What the recorder's own clock shows at the moment in which these words come. */
const clockAt = (page, words) => page.evaluate((wanted) => new Promise((done) => {
  const root = document.querySelector('afterbeep-call').shadowRoot;
  const isTold = () => root.querySelector('[role=status]').innerText.includes(wanted);
  new MutationObserver(() => isTold() && done(root.querySelector('[part=time]').textContent)).observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
}), words);

/** The draft on the stage: it is there, it plays, and it is sound. */
async function hasDraft(page, atLeastMs) {
  await inBrowser(page, 'review');
  const [{ deposit_id: id, duration_ms: length }] = await page.evaluate(() => window.recorded);
  assert.ok(length >= atLeastMs, `${length} ms of at least ${atLeastMs} ms are kept`);
  assert.ok(milliseconds(decodeOpus(await journal(page, id))) >= atLeastMs);
  await button(page, 'Send').first().waitFor();
}

test('a refused microphone, and none at all, leave calling and writing', async (context) => {
  const refused = await launch(context, { denyMicrophone: true });
  const page = await open(refused);
  await button(page, 'Record').click();
  await told(page, 'The microphone is blocked.');
  await button(page, 'Write instead').waitFor();

  const without = await launch(context, { withoutDevices: true });
  const bare = await open(without);
  await button(bare, 'Record').click();
  await told(bare, 'No microphone was found.');
  assert.equal(await bare.evaluate(() => window.tracks.length), 0);
});

test('a microphone that is taken away, or taken by something else, leaves a draft', async () => {
  const page = await open();
  await record(page);
  await elapsed(page, 1);
  // No flag or command of Chromium unplugs its fake device: the track says what it says when one is unplugged.
  await page.evaluate(() => {
    const track = window.tracks.find(({ readyState }) => readyState === 'live');
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  await told(page, 'The microphone was unplugged or switched off. What you said until then is saved here as a draft');
  await hasDraft(page, 900);
  await lightIsOut(page, 'the microphone was unplugged');

  const other = await open();
  await record(other);
  await elapsed(other, 1);
  await other.evaluate(() => {
    const track = window.tracks.find(({ readyState }) => readyState === 'live');
    Object.defineProperty(track, 'muted', { value: true });
    track.dispatchEvent(new Event('mute'));
  });
  await told(other, 'Something else took the microphone, perhaps a phone call. What you said until then is saved here as a draft');
  await hasDraft(other, 900);
  await lightIsOut(other, 'the microphone was taken');
});

test('a silent microphone is told of within seconds, a distorted one and a noisy one as well', async (context) => {
  const sounds = {
    'We hear nothing.': soundFile(folder, 'silence', ['trim', '0', '10']),
    'Too loud: your words are distorted.': soundFile(folder, 'clipping', ['gain', '24'], speech),
    'There is much noise around you.': soundFile(folder, 'noise', ['synth', '10', 'pinknoise', 'vol', '0.3']),
  };
  for (const [words, microphoneWav] of Object.entries(sounds)) {
    const page = await open(await launch(context, { microphoneWav }));
    const clock = clockAt(page, words);
    await record(page);
    const time = await clock;
    if (words.startsWith('We hear nothing')) assert.match(time, /^0:0[0-3]$/, `told at ${time}`);
    await button(page, 'Stop').click();
    await inBrowser(page, 'review');
  }
});

test('an audio engine that falls asleep is woken and the gap told; one that cannot be woken leaves a draft', async () => {
  const page = await open();
  await record(page);
  await elapsed(page, 1);
  await page.evaluate(async () => {
    const [engine] = window.contexts.filter(({ state }) => state === 'running');
    const resume = engine.resume.bind(engine);
    engine.resume = () => new Promise((done) => setTimeout(() => done(resume()), 700));
    await engine.suspend();
  });
  await page.getByText(/^\d\.\d s were lost at 0:0\d: the browser was too busy/).waitFor();
  await inBrowser(page, 'recording');
  await elapsed(page, 3);
  await button(page, 'Stop').click();
  await hasDraft(page, 2900);
  await page.getByText(/^\d\.\d s were lost at 0:0\d/).waitFor();

  const other = await open();
  await record(other);
  await elapsed(other, 1);
  await other.evaluate(async () => {
    const [engine] = window.contexts.filter(({ state }) => state === 'running');
    engine.resume = () => new Promise(() => {});
    await engine.suspend();
  });
  await told(other, 'The browser stopped listening to the microphone. What you said until then is saved here as a draft');
  await hasDraft(other, 900);
  await lightIsOut(other, 'the audio engine stopped');
});
