// The sound check before speaking, the choice of a microphone, and the light: it is out on every way out.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { lightIsOut, soundFile, watchMicrophone } from './microphone.mjs';
import { button, callUntilRecording, inBrowser, outbox, recordFor } from './page.mjs';
import { speechWav } from './sound.mjs';

const folder = temporaryFolder('sound-check');
const speech = speechWav(folder);
const PAGE = '/?to=bob&processing=off';
const PICTURES = process.env.AFTERBEEP_PICTURES;
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav: speech, ...options });
  context.after(() => browser.close());
  await watchMicrophone(browser);
  return browser;
}

const told = (page, words) => page.getByRole('status').getByText(words).waitFor();

/** Wide and light, narrow and dark. */
async function picture(page, name) {
  if (!PICTURES) return;
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(PICTURES, `${name}-narrow.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function record(page) {
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
}

test('the sound check says how the microphone sounds, and lets it go', async (context) => {
  const sounds = {
    'Good: we hear you clearly.': speech,
    'Too quiet:': soundFile(folder, 'quiet', ['gain', '-38'], speech),
    'We hear nothing.': soundFile(folder, 'silence', ['trim', '0', '10']),
  };
  for (const [words, microphoneWav] of Object.entries(sounds)) {
    const browser = await launch(context, { microphoneWav });
    const page = await browser.newPage(server.url + PAGE);
    await button(page, 'Check microphone').click();
    await told(page, words);
    await picture(page, `check-${words.split(/\W/)[0].toLowerCase()}`);
    await button(page, 'Done').click();
    await lightIsOut(page, 'the sound check was closed');
    await button(page, 'Check microphone').waitFor();
  }
});

test('the longest message is warned of before it ends, and is a draft then', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + PAGE);
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('max-duration', '4'));
  const warned = Promise.all([
    told(page, 'The longest message is nearly full. This recording ends by itself, and what you said is kept.'), page.getByText(/^[1-4] s left$/).waitFor(),
  ]);
  await button(page, 'Record').first().click();
  await warned;
  await picture(page, 'recording-last-seconds');
  await inBrowser(page, 'review');
  await lightIsOut(page, 'the longest message');
});

test('the light is out on every way out of the recorder', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(server.url + PAGE);
  const out = (after) => lightIsOut(page, after);

  await callUntilRecording(page);
  await recordFor(page, 400);
  await out('Stop after a call');
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await button(page, 'Pause').click();
  await inBrowser(page, 'paused');
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  await out('Re-record, Pause, Stop');
  await button(page, 'Delete').click();
  await inBrowser(page, 'ready');
  await out('Delete');

  await button(page, 'Check microphone').click();
  await told(page, 'Good: we hear you clearly.');
  await record(page);
  assert.equal(await page.getByRole('group', { name: 'Sound check' }).count(), 0, 'the check ends where the recording begins');
  await recordFor(page, 400);
  await out('a recording out of the sound check');

  await record2(page);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide')));
  await out('the page was hidden for good');
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await inBrowser(page, 'review');

  await button(page, 'Delete').click();
  await inBrowser(page, 'ready');
  await button(page, 'Check microphone').click();
  await told(page, 'Good: we hear you clearly.');
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await button(page, 'Hang up').click();
  await inBrowser(page, 'ready');
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    delete document.hidden;
  });
  await out('the page with an open microphone was hidden');

  await record(page);
  await page.evaluate(() => {
    window.element = document.querySelector('afterbeep-call');
    window.element.remove();
  });
  await out('the element was removed');
  await page.evaluate(() => document.querySelector('main').append(window.element));
  await outbox(page).getByText(/^(Draft\. Not sent\.|Interrupted\.)/).first().waitFor();

  await page.evaluate(() => { window.stopped = window.tracks.length; });
  const asked = page.evaluate(() => {
    const { getUserMedia } = MediaDevices.prototype;
    return new Promise((done) => {
      MediaDevices.prototype.getUserMedia = async function (wanted) {
        const stream = await getUserMedia.call(this, wanted);
        window.element.remove();
        setTimeout(done, 0);
        return stream;
      };
    });
  });
  await button(page, 'Record').first().click();
  await asked;
  await out('the element was removed while the browser asked');
  assert.ok(await page.evaluate(() => window.tracks.length > window.stopped));
});

/** From a draft to the next recording. */
async function record2(page) {
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
}
