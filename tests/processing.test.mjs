// What is done to a voice: noise suppression and its switch, silence that ends a recording or is left out, and
// the loudness that listeners get.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { lightIsOut, watchMicrophone } from './microphone.mjs';
import { button, inBrowser } from './page.mjs';

const LOUDNESS = -16;
const PAGE = '/?to=bob&processing=own';
const folder = temporaryFolder('processing');
let microphoneWav;
let server;

before(async () => {
  microphoneWav = noisyWav();
  server = await startServer({});
});
after(() => server?.stop());

/** A voice in a noisy room, which speaks for five seconds out of eleven. */
function noisyWav() {
  const [voice, speech, noise, mixed] = ['voice', 'speech', 'noise', 'mixed'].map((name) => join(folder, `${name}.wav`));
  execFileSync('espeak-ng', ['-v', 'en', '-s', '150', '-w', voice, 'Hello Bob, this is Anna. The train leaves at seven, platform nine.']);
  execFileSync('sox', [voice, '-r', '48000', '-c', '1', '-b', '16', speech, 'norm', '-5', 'pad', '1.5', '6']);
  execFileSync('sox', ['-R', '-n', '-r', '48000', '-c', '1', '-b', '16', noise, 'synth', '11', 'pinknoise', 'vol', '0.004']);
  execFileSync('sox', ['-m', '-v', '1', speech, '-v', '1', noise, mixed, 'trim', '0', '11']);
  return mixed;
}

/** Integrated loudness of a file with a gain, as ffmpeg measures it. */
function loudness(bytes, gainDb) {
  const file = join(folder, 'message.opus');
  writeFileSync(file, bytes);
  const filter = `volume=${gainDb}dB,ebur128=framelog=verbose`;
  const { stderr } = run('ffmpeg', ['-hide_banner', '-i', file, '-af', filter, '-f', 'null', '-']);
  return Number(/I:\s+(-?[\d.]+) LUFS\s+Threshold/.exec(stderr.replaceAll('\n', ' '))?.[1]);
}

function run(program, words) {
  const script = 'exec "$0" "$@" 2>&1';
  return { stderr: execFileSync('sh', ['-c', script, program, ...words]).toString() };
}

/** Names of the modules that the recorder's worker has loaded. */
async function modules(page) {
  const worker = page.workers().find((one) => one.url().endsWith('capture-worker.js'));
  const names = () => performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop()).filter((name) => name.endsWith('.wasm'));
  return worker.evaluate(names);
}

async function denoiseLoaded(page) {
  for (;;) {
    if ((await modules(page)).includes('denoise_bg.wasm')) return;
    await page.waitForTimeout(50);
  }
}

const noiseSwitch = (page) => page.getByRole('switch', { name: 'Reduce noise', exact: true });

/** Stop, and the draft goes. */
async function stopAndDelete(page) {
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  await button(page, 'Delete').click();
  await inBrowser(page, 'ready');
}

/** Bob's newest message and its bytes. */
async function newestMessage() {
  const json = async (path, options) => (await fetch(`${server.url}${path}`, options)).json();
  const { token } = await json('/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ address: 'bob', password: 'bob-demo' }) });
  const { messages: [message] } = await json('/mailbox/messages', { headers: { authorization: `Bearer ${token}` } });
  const media = await fetch(new URL(message.media_url, server.url));
  return { message, bytes: Buffer.from(await media.arrayBuffer()) };
}

test('a silence ends the recording, silence at the ends can be kept, and the listener gets one loudness', async (context) => {
  const browser = await launchBrowser({ microphoneWav });
  context.after(() => browser.close());
  await watchMicrophone(browser);
  const page = await browser.newPage(`${server.url}${PAGE}&silence-timeout=3`);

  // Without a call the microphone opens here, at the beginning of what it plays.
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  // Both are there for two seconds only.
  const warned = Promise.all([/^Stops in [12] s$/, 'Nobody speaks. Say something to go on.'].map((words) => page.getByText(words).waitFor()));
  await denoiseLoaded(page);
  await warned;
  await inBrowser(page, 'review');
  await lightIsOut(page, 'a silence ended the recording');

  await page.getByText(/^Silence at (both ends|the end) is left out\.$/).waitFor();
  await button(page, 'Keep it').click();
  await page.getByText(/^Silence at (both ends|the end) is kept\.$/).waitFor();
  await button(page, 'Leave it out').click();
  await page.getByText(/is left out\.$/).waitFor();

  await button(page, 'Send').click();
  await inBrowser(page, 'deposited');
  const { message, bytes } = await newestMessage();
  assert.ok(message.trim_end_ms > 1500 && message.trim_end_ms < 3100, `${message.trim_end_ms}`);
  const heard = loudness(bytes, message.gain_db);
  assert.ok(Math.abs(heard - LOUDNESS) < 1.5, `${heard} LUFS with a gain of ${message.gain_db} dB`);
});

test('noise suppression works offline after the first visit, and its switch survives reload', async (context) => {
  const browser = await launchBrowser({ microphoneWav });
  context.after(() => browser.close());
  const page = await browser.newPage(`${server.url}${PAGE}`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await browser.context.setOffline(true);
  await stopAndDelete(page);

  await page.reload();
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await denoiseLoaded(page);
  assert.equal(await noiseSwitch(page).count(), 0, 'nothing to choose while it records');
  await stopAndDelete(page);
  assert.ok(await noiseSwitch(page).isChecked());
  await noiseSwitch(page).uncheck();
  await page.waitForFunction(() => new Promise((answer) => {
    indexedDB.open('afterbeep').onsuccess = ({ target: { result: database } }) => {
      database.transaction('values').objectStore('values').get('reduce_noise').onsuccess = ({ target }) => answer(target.result?.value === false);
    };
  }));

  await page.reload();
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await page.waitForFunction(() => document.querySelector('afterbeep-call').shadowRoot.querySelector('[part=time]').textContent >= '0:02');
  assert.deepEqual(await modules(page), ['voice_bg.wasm']);
  await stopAndDelete(page);
  assert.equal(await noiseSwitch(page).isChecked(), false);
  await browser.context.setOffline(false);
});

test('where the noise suppression cannot be loaded the recording goes on without it', async (context) => {
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/denoise|ERR_FAILED/] });
  context.after(() => browser.close());
  await browser.context.addInitScript(() => delete Navigator.prototype.serviceWorker);
  const refused = [];
  await browser.context.route('**/assets/denoise*', (route) => {
    refused.push(route.request().url());
    return route.abort();
  });
  const page = await browser.newPage(`${server.url}${PAGE}`);
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await page.waitForFunction(() => document.querySelector('afterbeep-call').shadowRoot.querySelector('[part=time]').textContent >= '0:02');
  assert.ok(refused.length > 0, 'it was asked for');
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
});
