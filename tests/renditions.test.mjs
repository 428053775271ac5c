// One message in Ogg, WebM and MP4: the same Opus packets, the right length, seekable, its gain and trims applied; and a
// greeting from any audio file with words for callers who cannot hear it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, openInbox, outbox, recordFor, signIn } from './page.mjs';
import { takeSession } from './sip-agent.mjs';
import { decodeOpus, likeness, speechOpus, speechWav, wavSamples } from './sound.mjs';

const FORMATS = { ogg: 'audio/ogg', webm: 'audio/webm', mp4: 'audio/mp4' };
const folder = temporaryFolder('renditions');
const microphoneWav = speechWav(folder);
const speech = wavSamples(readFileSync(microphoneWav));
let server;
let browser;

before(async () => {
  // A call rings for a second in an open inbox before the voicemail answers.
  [server, browser] = await Promise.all([startServer({ env: { AFTERBEEP_RING_TIMEOUT_S: '1' } }), launchBrowser({ microphoneWav })]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const run = (program, ...words) => execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Writes bytes where ffmpeg can read them. */
function file(name, bytes) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** SHA-256 of each packet, as ffmpeg's demuxers find them. */
const packets = (path) => run('ffmpeg', '-v', 'error', '-i', path, '-map', '0:a', '-c', 'copy', '-f', 'framehash', '-')
  .split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(',')[5].trim());

/** Milliseconds of sound that ffmpeg decodes from a second on. */
const decodedMs = (path, from = 0) => execFileSync('ffmpeg', ['-v', 'error', '-ss', String(from), '-i', path, '-ac', '1', '-ar', '48000', '-f', 's16le', '-'], { maxBuffer: 1 << 28 }).length / 96;

const probedMs = (path) => 1000 * Number(run('ffprobe', '-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path));

/** Pre-skip of an Ogg Opus file. */
function preSkipMs(path) {
  const bytes = readFileSync(path);
  return bytes.readUInt16LE(bytes.indexOf('OpusHead') + 10) / 48;
}

/** All renditions of a message as files, checked for what HTTP says of them. */
async function renditions(message, name) {
  const made = {};
  for (const [format, type] of Object.entries(FORMATS)) {
    const answer = await fetch(`${message.media_url}&format=${format}`);
    assert.equal(answer.status, 200, `${format}: ${answer.headers.get('content-type')}`);
    assert.equal(answer.headers.get('content-type'), type);
    made[format] = file(`${name}.${format}`, Buffer.from(await answer.arrayBuffer()));
  }
  return made;
}

/** What a browser's own player makes of a rendition: its length, and where it is after a jump. */
const played = (page, message, format) => page.evaluate(async (url) => {
  const audio = new Audio(url);
  const once = (name) => new Promise((done, failed) => {
    audio.addEventListener(name, done, { once: true });
    audio.addEventListener('error', () => failed(new Error(`${name}: ${audio.error?.message}`)), { once: true });
  });
  await once('loadedmetadata');
  const { duration } = audio;
  const seeked = once('seeked');
  audio.currentTime = duration / 2;
  await seeked;
  const ended = once('ended');
  const pressed = performance.now();
  await audio.play();
  const from = audio.currentTime;
  // What may have been played by now.
  const playedMs = performance.now() - pressed;
  audio.playbackRate = 4;
  await ended;
  const whole = await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(await (await fetch(url)).arrayBuffer());
  return { durationMs: duration * 1000, fromMs: from * 1000, playedMs, endMs: audio.currentTime * 1000, decodedMs: whole.duration * 1000 };
}, `${message.media_url}&format=${format}`);

const near = (actual, expected, within, what) => assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual} is not ${expected} ms within ${within}`);

/** Leaves a message for Bob by HTTP, as a foreign client does, and returns it as Bob sees it. */
async function deposit(bytes, metadata = {}, at = server) {
  const id = randomUUID();
  const { ID: token } = await takeSession(at, 'bob');
  const pairs = Object.entries({ deposit_id: id, kind: 'voice', ...metadata });
  const answer = await fetch(`${at.url}/deposits`, {
    method: 'POST',
    body: bytes,
    headers: {
      authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream', 'upload-length': String(bytes.length),
      'upload-metadata': pairs.map(([key, value]) => `${key} ${Buffer.from(String(value)).toString('base64')}`).join(','),
    },
  });
  assert.equal(answer.status, 201, await answer.text());
  const message = (await (await signIn(at, 'bob')).messages()).find((one) => one.deposit_id === id);
  assert.ok(message, 'the message is there');
  return message;
}

const original = async (message) => file('original', Buffer.from(await (await fetch(message.media_url)).arrayBuffer()));

/** The same packets, all of them or a stretch of them, in every rendition; how long each plays; where seeking lands. */
async function check(page, message, name) {
  const said = packets(await original(message)).join();
  const expected = message.duration_ms - message.trim_start_ms - message.trim_end_ms;
  const made = await renditions(message, name);
  const [first, ...others] = Object.values(made).map(packets);
  assert.ok(first.length > 20 && said.includes(first.join()), 'the packets are the sender’s');
  for (const other of others) assert.deepEqual(other, first);
  for (const [format, path] of Object.entries(made)) {
    const what = `${name}.${format}`;
    near(decodedMs(path), expected, 20, `${what} decoded by ffmpeg`);
    near(decodedMs(path, 1), expected - 1000, 100, `${what} from its first second on`);
    const heard = await played(page, message, format);
    // FFmpeg, which is in Chromium too, counts the pre-skip of an Ogg file as sound.
    const skipped = format === 'ogg' ? preSkipMs(path) : 0;
    near(heard.durationMs, expected + skipped, 20, `${what} in the browser`);
    near(heard.decodedMs, expected, 20, `${what} decoded by the browser`);
    near(heard.fromMs, heard.durationMs / 2, 100 + heard.playedMs, `${what} after a jump`);
    // After a jump Chromium may have counted the 80 ms of pre-roll of a trimmed file as played.
    near(heard.endMs, expected + skipped, 100, `${what} at its end`);
  }
  return made;
}

test('a message recorded here comes in three containers: the same packets, the right length, seekable', async () => {
  const page = await browser.newPage(`${server.url}/?to=bob&processing=off`);
  await callUntilRecording(page);
  await recordFor(page, 3000);
  await button(page, 'Send').first().click();
  await outbox(page).getByText(/With Bob/).first().waitFor();
  const [message] = await (await signIn(server, 'bob')).messages();
  const made = await check(page, message, 'own');
  const expected = message.duration_ms - message.trim_start_ms - message.trim_end_ms;
  for (const format of Object.keys(FORMATS)) near(probedMs(made[format]), expected + (format === 'ogg' ? preSkipMs(made.ogg) : 0), 20, `${format} by ffprobe`);
  await page.close();
});

test('what MediaRecorder made, endless WebM and fragmented MP4, becomes Ogg, WebM and MP4', async () => {
  const page = await browser.newPage(`${server.url}/`);
  for (const type of ['audio/webm;codecs=opus', 'audio/mp4;codecs=opus']) {
    const recorded = await page.evaluate(async (mimeType) => {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
      const recorder = new MediaRecorder(stream, { mimeType });
      const parts = [];
      recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
      recorder.start(300);
      await new Promise((done) => setTimeout(done, 2200));
      const stopped = new Promise((done) => recorder.addEventListener('stop', done, { once: true }));
      recorder.stop();
      await stopped;
      for (const track of stream.getTracks()) track.stop();
      return Array.from(new Uint8Array(await new Blob(parts).arrayBuffer()));
    }, type);
    const bytes = Buffer.from(recorded);
    const sound = execFileSync('ffmpeg', ['-v', 'error', '-i', file('recorded', bytes), '-ac', '1', '-ar', '48000', '-f', 's16le', '-']);
    const message = await deposit(bytes, { filetype: type.split(';')[0], duration_ms: Math.round(sound.length / 96) });
    await check(page, message, type.slice(6, 10).replace(';', ''));
  }
  await page.close();
});

test('gain is in the header of every rendition, and what was trimmed is left out', async () => {
  const voice = speechOpus(folder);
  const plain = await renditions(await deposit(voice), 'plain');
  const message = await deposit(voice, { gain_db: -6, trim_start_ms: 1200, trim_end_ms: 900 });
  assert.deepEqual([message.gain_db, message.trim_start_ms, message.trim_end_ms], [-6, 1200, 900]);
  const page = await browser.newPage(`${server.url}/`);
  const made = await check(page, message, 'trimmed');
  const loudness = (path, from) => {
    const samples = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-ac', '1', '-ar', '48000', '-f', 'f32le', '-'], { maxBuffer: 1 << 28 });
    const values = new Float32Array(samples.buffer, samples.byteOffset, samples.length >> 2).subarray(from * 48_000, (from + 4) * 48_000);
    return 10 * Math.log10(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  for (const format of Object.keys(FORMATS)) {
    near(loudness(made[format], 2) - loudness(plain[format], 3.2), -6, 0.5, `decibels in ${format}`);
    assert.ok(packets(made[format]).length < packets(plain[format]).length - 90);
  }
  assert.match(run('opusinfo', made.ogg), /R128_TRACK_GAIN=-1792[^]*Playback gain: -6 dB/);
  assert.doesNotMatch(run('opusinfo', plain.ogg), /R128|gain: -/);
  await page.close();
});

test('a rendition is served in ranges under a name, from the blob store too; what is no Opus is refused by its code', async () => {
  const stored = await startServer({ env: { AFTERBEEP_MEDIA_STORE: 'r2' } });
  try {
    const message = await deposit(speechOpus(folder), {}, stored);
    const url = `${message.media_url}&format=mp4`;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    const part = await fetch(url, { headers: { range: 'bytes=100-299' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), `bytes 100-299/${whole.length}`);
    assert.equal(part.headers.get('x-content-type-options'), 'nosniff');
    assert.match(part.headers.get('content-disposition'), /^inline; filename="message-[0-9TZ-]+\.m4a"$/);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(100, 300));
    const head = await fetch(url, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'audio/mp4']);
    const etag = part.headers.get('etag');
    assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
    assert.notEqual((await fetch(`${message.media_url}&format=ogg`)).headers.get('etag'), etag);
    assert.equal((await fetch(url, { headers: { range: `bytes=${whole.length}-` } })).status, 416);

    const wav = await deposit(readFileSync(speechWav(folder)).subarray(0, 100_000), { filetype: 'audio/wav' }, stored);
    const refused = await fetch(`${wav.media_url}&format=ogg`);
    assert.deepEqual([refused.status, (await refused.json()).code], [406, 'format_unavailable']);
    assert.equal((await fetch(wav.media_url)).headers.get('content-type'), 'audio/wav');
  } finally {
    await stored.stop();
  }
});

test('the inbox plays a rendition, faster on demand, and saves it under the caller’s name', async () => {
  await deposit(speechOpus(folder), { trim_start_ms: 1000, trim_end_ms: 500, gain_db: -3 });
  const asked = browser.context.waitForEvent('request', (request) => /\/media\?format=webm/.test(request.url()));
  const inbox = await openInbox(browser, server, 'bob');
  const row = inbox.getByRole('listitem').first();
  await row.getByRole('button', { name: 'Play', exact: true }).click();
  await asked;
  await row.getByRole('button', { name: 'Speed 1×' }).click();
  await row.getByRole('button', { name: 'Speed 1.25×' }).click();
  await row.getByRole('button', { name: 'Speed 1.5×' }).waitFor();
  const slider = row.getByRole('slider', { name: 'Position' });
  await slider.press('End');
  await row.getByRole('button', { name: 'Play', exact: true }).waitFor();
  await slider.press('Home');
  assert.match(await slider.getAttribute('aria-valuetext'), /^0 seconds of 1\d seconds$/);
  const [download] = await Promise.all([inbox.waitForEvent('download'), row.getByRole('button', { name: 'Save', exact: true }).click()]);
  assert.match(download.suggestedFilename(), /^message-from-[a-z-]+-\d{4}-\d\d-\d\d-\d{4}\.ogg$/);
  const saved = decodeOpus(readFileSync(await download.path()));
  assert.ok(likeness(saved, speech).correlation > 0.9, 'what is saved is what was said');
  await button(inbox, 'Sign out').click();
  await inbox.close();
});

test('a greeting comes from any audio file up to a minute, with words that callers read while it plays', async () => {
  const inbox = await openInbox(browser, server, 'carol');
  const mp3 = join(folder, 'greeting.mp3');
  run('sox', microphoneWav, '-r', '22050', '-c', '2', join(folder, 'stereo.wav'), 'trim', '0', '5');
  run('ffmpeg', '-v', 'error', '-y', '-i', join(folder, 'stereo.wav'), mp3);
  run('sox', '-n', '-r', '8000', '-c', '1', join(folder, 'long.wav'), 'synth', '61', 'sine', '300');
  const input = inbox.getByLabel('Greeting audio file');
  await button(inbox, 'Upload a greeting').waitFor();
  await input.setInputFiles(join(folder, 'long.wav'));
  await inbox.getByText(/plays for 61 seconds, and a greeting at most 60/).waitFor();
  await input.setInputFiles(mp3);
  await button(inbox, 'Use as greeting').waitFor();
  await inbox.getByLabel(/for callers who cannot hear it/).fill('Hi, this is <b>Carol</b>.\nTell me how you are.');
  await button(inbox, 'Use as greeting').click();
  await inbox.getByText('Your greeting is in place').waitFor();

  const caller = await browser.newPage(`${server.url}/?to=carol`);
  const heard = caller.waitForResponse((response) => /\/greetings\//.test(response.url()) && response.ok());
  await button(caller, 'Call').click();
  await inBrowser(caller, 'greeting');
  await caller.getByText('Hi, this is <b>Carol</b>. Tell me how you are.').waitFor();
  const greeting = decodeOpus(Buffer.from(await (await fetch((await heard).url())).arrayBuffer()));
  near(greeting.length / 48, 5000, 80, 'the greeting');
  assert.ok(likeness(greeting, speech).correlation > 0.8, 'the greeting is the file');
  await button(caller, 'Hang up').click();
  await caller.close();

  await inbox.getByLabel(/for callers who cannot hear it/).fill('');
  await button(inbox, 'Save words').click();
  await inbox.getByText('has no words to read any more').waitFor();
  await inbox.close();
});
