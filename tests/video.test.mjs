// Video, and sound without a worklet: what the browser's own recorder writes is as safe as everything else, arrives and
// plays. Each way is tested by taking the others away; no track is left live on any way out.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, mediaOf, messagesOf, openInbox, outbox, recordFor } from './page.mjs';
import { likeness, milliseconds, speechWav, wavSamples } from './sound.mjs';

const folder = temporaryFolder('video');
const microphoneWav = speechWav(folder);
const speech = wavSamples(readFileSync(microphoneWav));
const RATE = 48_000;
const CALL_PAGE = '/?to=bob&processing=off';
let server;
let shared;

before(async () => {
  server = await startServer({ env: { AFTERBEEP_MEDIA_STORE: 'r2' } });
  shared = await launch();
});
after(async () => {
  await shared?.close();
  await server?.stop();
});

/** A browser that counts every track that any page of it opens. */
async function launch(options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  await browser.context.addInitScript(() => {
    window.tracks = [];
    if (!window.MediaDevices) return;
    const keep = (track) => window.tracks.push(track) && track;
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = async function (wanted) {
      const stream = await getUserMedia.call(this, wanted);
      stream.getTracks().forEach(keep);
      return stream;
    };
    const { clone } = MediaStreamTrack.prototype;
    MediaStreamTrack.prototype.clone = function () {
      return keep(clone.call(this));
    };
  });
  return browser;
}

/** The call page in the shared browser, without what `take` takes away. */
async function openWithout(context, take = () => {}) {
  const page = await shared.context.newPage();
  context.after(() => page.close());
  await page.addInitScript(take);
  await page.goto(server.url + CALL_PAGE);
  return page;
}

const liveTracks = (page) => page.evaluate(() => window.tracks.filter((track) => track.readyState === 'live').map((track) => track.kind));
/** Everything that was opened is off again. */
async function nobodyIsHeardOrSeen(page) {
  const off = page.waitForFunction(() => window.tracks.length > 0 && window.tracks.every((track) => track.readyState === 'ended'), null, { timeout: 30_000 });
  await off.catch(async () => assert.deepEqual(await liveTracks(page), []));
}
const delivered = (page) => outbox(page).getByText('With Bob', { exact: true }).first().waitFor({ timeout: 30_000 });
const stage = (page) => page.getByRole('region', { name: 'Call' });

/** The picture of `part` moves: it has a size, and its time goes on. */
const plays = (page, element, part) => page.waitForFunction(([tag, name]) => {
  const video = document.querySelector(tag).shadowRoot.querySelector(`[part="${name}"] video, video[part="${name}"]`);
  return video && video.videoWidth > 0 && video.currentTime > 0.2;
}, [element, part], { timeout: 60_000 });

/** From Call to the recorder. */
async function callUntilReady(page) {
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
}

/** What ffprobe finds in a file, and its sound as samples; every packet is decoded. */
function decode(bytes, name) {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  const told = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-count_frames', '-of', 'json', file]));
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-vn', '-ac', '1', '-ar', '48000', `${file}.wav`]);
  return { streams: Object.fromEntries(told.streams.map((stream) => [stream.codec_type, stream])), sound: wavSamples(readFileSync(`${file}.wav`)) };
}

/** The newest message in the browser's database that is in this state. */
const row = (page, state) => page.evaluate(async (wanted) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('afterbeep'));
  const rows = await done(database.transaction('deposits').objectStore('deposits').getAll());
  database.close();
  return rows.filter((found) => found.state === wanted && !found.discarded_at).sort((left, right) => right.created_at - left.created_at)[0];
}, state);

const WAYS = [
  ['without an AudioWorklet, in WebM', () => delete window.AudioWorkletNode, /^audio\/webm/],
  ['without an AudioWorklet and WebM, in MP4', () => {
    delete window.AudioWorkletNode;
    const { isTypeSupported } = MediaRecorder;
    MediaRecorder.isTypeSupported = (type) => !/webm/.test(type) && isTypeSupported.call(MediaRecorder, type);
  }, /^audio\/mp4/],
];

for (const [name, take, type] of WAYS) {
  test(`sound is recorded ${name}, and arrives`, async (context) => {
    const page = await openWithout(context, take);
    await button(page, 'Record').first().click();
    await inBrowser(page, 'recording');
    await page.waitForTimeout(500);
    await button(page, 'Pause').click();
    await inBrowser(page, 'paused');
    await page.waitForTimeout(600);
    await button(page, 'Resume').click();
    await inBrowser(page, 'recording');
    await recordFor(page, 1500);
    await nobodyIsHeardOrSeen(page);
    const draft = await row(page, 'recorded');
    assert.match(draft.content_type, type);
    assert.ok(draft.waveform.some((bar) => bar > 20), 'the waveform shows speech');
    await button(page, 'Send').first().click();
    await inBrowser(page, 'deposited', 30_000);

    const [message] = await messagesOf(server, 'bob');
    assert.equal(message.kind, 'voice');
    const { streams, sound } = decode(await mediaOf(server, message), 'sound');
    assert.equal(streams.audio.codec_name, 'opus');
    assert.equal(streams.video, undefined);
    assert.ok(Math.abs(milliseconds(sound) - draft.duration_ms) < 500, `${milliseconds(sound)} ms decoded, ${draft.duration_ms} ms recorded`);
    const afterPause = sound.subarray(-1.2 * RATE);
    assert.ok(likeness(afterPause, speech).correlation > 0.8);
  });
}

test('where our encoder does not load, the browser records by itself', async (context) => {
  // In a browser of its own: a service worker would have kept the encoder.
  const browser = await launch({ allowedErrors: [/voice_bg\.wasm/] });
  context.after(() => browser.close());
  await browser.context.route('**/assets/voice_bg.wasm', (route) => route.abort());
  const page = await browser.newPage(server.url + CALL_PAGE);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 600);
  assert.match((await row(page, 'recorded')).content_type, /^audio\/webm/);
  await nobodyIsHeardOrSeen(page);
});

test('where nothing can record, one can write', async (context) => {
  const page = await openWithout(context, () => {
    delete window.AudioWorkletNode;
    delete window.MediaRecorder;
  });
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('kind', 'video'));
  await callUntilReady(page);
  await button(page, 'Record').click();
  await stage(page).getByText('This browser cannot record video. Your message can be voice.').waitFor();
  assert.equal(await page.evaluate(() => document.querySelector('afterbeep-call').kind), 'voice');
  await button(page, 'Record').click();
  await stage(page).getByText('This browser cannot record sound. You can write your message instead.').waitFor();
  assert.equal(await button(page, 'Video').count(), 0, 'nothing is offered that does not work');
  await button(page, 'Write instead').click();
  await page.getByLabel('Your message to Bob').waitFor();
});

test('a refused camera costs nothing: the draft stays, and voice is offered', async (context) => {
  const page = await openWithout(context, () => {
    if (!window.MediaDevices) return;
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = function (wanted) {
      return wanted.video ? Promise.reject(new DOMException('Permission denied', 'NotAllowedError')) : getUserMedia.call(this, wanted);
    };
  });
  await callUntilReady(page);
  await button(page, 'Video').click();
  await stage(page).getByText('The camera was not allowed.').waitFor();
  assert.equal(await button(page, 'Voice').getAttribute('aria-pressed'), 'true');
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 600);
  const draft = await row(page, 'recorded');
  await button(page, 'Video').click();
  await button(page, 'Re-record').click();
  await stage(page).getByText('The camera was not allowed.').waitFor();
  await inBrowser(page, 'review');
  assert.equal((await row(page, 'recorded')).deposit_id, draft.deposit_id);
  assert.equal((await row(page, 'recorded')).discarded_at, undefined);
  await nobodyIsHeardOrSeen(page);
});

test('no way out of a video leaves camera or microphone on', async (context) => {
  const page = await openWithout(context);
  const cameraIsOff = () => page.waitForFunction(() => window.tracks.every(({ kind, readyState }) => kind === 'audio' || readyState === 'ended'));
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('max-duration', '1'));
  await callUntilReady(page);
  await button(page, 'Video').click();
  await plays(page, 'afterbeep-call', 'preview');
  await button(page, 'Voice').click();
  await cameraIsOff();
  await button(page, 'Video').click();
  await plays(page, 'afterbeep-call', 'preview');
  await button(page, 'Call').click();
  await cameraIsOff();
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');

  await button(page, 'Record').click();
  await inBrowser(page, 'review');
  await nobodyIsHeardOrSeen(page);
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('max-duration', '60'));
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await page.evaluate(() => document.querySelector('afterbeep-call').remove());
  await nobodyIsHeardOrSeen(page);
});

test('a video survives a kill, is voice and video again, arrives through R2 and plays, beside the sounds of before', async (context) => {
  const first = await launch();
  let page = await first.newPage(server.url + CALL_PAGE);
  await callUntilReady(page);
  await button(page, 'Video').click();
  await plays(page, 'afterbeep-call', 'preview');
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  assert.deepEqual((await liveTracks(page)).sort(), ['audio', 'video'], 'one microphone and one camera');
  await plays(page, 'afterbeep-call', 'preview');
  let kept = 0;
  while (kept < 2000) kept = (await row(page, 'recording')).duration_ms;
  await first.kill9();

  const second = await launch({ profileDir: first.profileDir });
  context.after(() => second.close());
  page = await second.newPage(server.url + CALL_PAGE);
  await page.getByText('You have an unfinished message to Bob').first().waitFor();
  const found = await row(page, 'interrupted');
  assert.equal(found.kind, 'video');
  assert.match(found.content_type, /^video\/webm/);
  assert.ok(found.duration_ms >= kept, `${found.duration_ms} ms of ${kept} ms are still there`);
  assert.ok(found.blocks >= found.duration_ms / 500, `a block each 500 ms: ${found.blocks} in ${found.duration_ms} ms`);
  await outbox(page).getByText(/^Video · /).waitFor();
  await outbox(page).getByRole('button', { name: 'Play' }).click();
  await plays(page, 'afterbeep-call', 'screen');
  await outbox(page).getByRole('button', { name: 'Send', exact: true }).click();
  await delivered(page);

  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await recordFor(page, 500);
  const headline = stage(page).getByRole('status');
  await button(page, 'Video').click();
  await headline.getByText('This draft is voice').waitFor();
  await button(page, 'Voice').click();
  await headline.getByText('gets it when you press Send').waitFor();
  await button(page, 'Video').click();
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 2000);
  await nobodyIsHeardOrSeen(page);
  await stage(page).getByLabel('Video message').waitFor();
  await button(page, 'Play').first().click();
  await plays(page, 'afterbeep-call', 'screen');
  const draft = await row(page, 'recorded');
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited', 30_000);

  const [message, killed] = await messagesOf(server, 'bob');
  assert.deepEqual([message.kind, killed.kind], ['video', 'video']);
  assert.equal(message.duration_ms, draft.duration_ms);
  for (const [name, { sha256, ...sent }] of Object.entries({ killed, message })) {
    const bytes = await mediaOf(server, sent);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    const { streams, sound } = decode(bytes, `${name}.webm`);
    assert.equal(streams.video.codec_name, 'vp8');
    assert.ok(Number(streams.video.nb_read_frames) > 10, `${streams.video.nb_read_frames} pictures`);
    assert.ok(Math.abs(milliseconds(sound) - sent.duration_ms) < 700, `${milliseconds(sound)} ms decoded of ${sent.duration_ms} ms`);
    assert.ok(likeness(sound, speech).correlation > 0.85);
  }

  const inbox = await openInbox(second, server, 'bob');
  const item = inbox.getByRole('listitem').first();
  await item.getByText('Video', { exact: true }).waitFor();
  await item.getByRole('button', { name: 'Play' }).click();
  await plays(inbox, 'afterbeep-inbox', 'screen');
  const slider = item.getByRole('slider');
  // The player's own figure, once it has it: the file may be some frames longer than what the recorder's clock said.
  const length = Number(await slider.getAttribute('aria-valuemax'));
  assert.ok(Math.abs(length - message.duration_ms / 1000) <= 1, `its length is known: ${length} s of ${message.duration_ms} ms`);

  // Below the two videos stand the sounds that the browser itself recorded.
  for (const count of [1, 2]) {
    await inbox.getByRole('listitem').nth(1 + count).getByRole('button', { name: 'Play' }).click();
    await inbox.waitForFunction((wanted) => {
      const sounds = [...document.querySelector('afterbeep-inbox').shadowRoot.querySelectorAll('audio')];
      return sounds.filter(({ currentTime }) => currentTime > 0.2).length === wanted;
    }, count);
  }
});

/** The file of a draft, out of the browser's database. */
const journalOf = async (page, id) => Buffer.from(await page.evaluate(async (wanted) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('afterbeep'));
  const blocks = await done(database.transaction('blocks').objectStore('blocks').getAll(IDBKeyRange.bound([wanted], [wanted, []])));
  database.close();
  return blocks.flatMap(({ bytes }) => [...bytes]);
}, id));

/** The packets of a file's sound, as hashes. */
function packets(bytes, name) {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  const listed = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:a', '-c', 'copy', '-f', 'framemd5', '-']).toString();
  return listed.split('\n').filter((line) => /^\d/.test(line)).map((line) => line.split(',').at(-1).trim());
}

test('the sound of a video goes alone, packet for packet, and Undo brings the picture back', async (context) => {
  const page = await openWithout(context);
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('kind', 'video'));
  await callUntilReady(page);
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1500);
  await stage(page).getByLabel('Video message').waitFor();
  await stage(page).getByLabel('Title').fill('Tickets');
  let video = await row(page, 'recorded');
  while (video.title !== 'Tickets') video = await row(page, 'recorded');
  const filmed = await journalOf(page, video.deposit_id);

  await button(page, 'Keep only the sound').click();
  await stage(page).getByText('Only the sound will be sent.').waitFor();
  await button(page, 'Keep only the sound').waitFor({ state: 'hidden' });
  assert.equal((await row(page, 'recorded')).kind, 'voice');
  await button(page, 'Undo').click();
  await stage(page).getByLabel('Video message').waitFor();
  assert.equal((await row(page, 'recorded')).deposit_id, video.deposit_id);
  await button(page, 'Keep only the sound').click();
  await stage(page).getByText('Only the sound will be sent.').waitFor();
  const draft = await row(page, 'recorded');
  assert.ok(Math.abs(draft.duration_ms - video.duration_ms) < 500, `${draft.duration_ms} ms of sound, ${video.duration_ms} ms of video`);
  await button(page, 'Play').first().click();
  await page.waitForFunction(() => [...document.querySelector('afterbeep-call').shadowRoot.querySelectorAll('audio')].some(({ currentTime }) => currentTime > 0.2));
  await button(page, 'Send').first().click();
  await inBrowser(page, 'deposited', 30_000);

  const [message] = await messagesOf(server, 'bob');
  assert.deepEqual([message.kind, message.title], ['voice', 'Tickets']);
  const bytes = await mediaOf(server, message);
  const { streams, sound } = decode(bytes, 'alone.ogg');
  assert.equal(streams.video, undefined);
  assert.equal(streams.audio.codec_name, 'opus');
  assert.ok(Math.abs(milliseconds(sound) - draft.duration_ms) < 100, `${milliseconds(sound)} ms decoded`);
  assert.deepEqual(packets(bytes, 'alone.ogg'), packets(filmed, 'filmed.webm'));
});
