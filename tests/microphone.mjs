// What tests need to know of the microphone: every track and audio context that a page opens, sounds that are not
// speech, and whether the light is out.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Keeps every track, audio context and screen lock that a page of this browser opens, and when. */
export const watchMicrophone = (browser) => browser.context.addInitScript(() => {
  Object.assign(window, { tracks: [], contexts: [], locks: [], openedAt: 0 });
  if (!window.MediaDevices) return;
  const keep = (track) => window.tracks.push(track) && track;
  const { getUserMedia } = MediaDevices.prototype;
  MediaDevices.prototype.getUserMedia = async function (wanted) {
    const stream = await getUserMedia.call(this, wanted);
    window.openedAt = performance.now();
    stream.getTracks().forEach(keep);
    return stream;
  };
  const { clone } = MediaStreamTrack.prototype;
  MediaStreamTrack.prototype.clone = function () {
    return keep(clone.call(this));
  };
  window.AudioContext = class extends AudioContext {
    constructor(...given) {
      super(...given);
      window.contexts.push(this);
    }
  };
  if (!window.WakeLock) return;
  const { request } = WakeLock.prototype;
  WakeLock.prototype.request = async function (kind) {
    const lock = await request.call(this, kind);
    window.locks.push(lock);
    return lock;
  };
});

/** Fails unless the microphone was open and every track is stopped. */
export async function lightIsOut(page, after) {
  const out = page.waitForFunction(() => window.tracks.length > 0 && window.tracks.every(({ readyState }) => readyState === 'ended'), null, { timeout: 30_000 });
  await out.catch(() => {});
  const states = await page.evaluate(() => window.tracks.map(({ readyState }) => readyState));
  assert.ok(states.length > 0, `the microphone was never open before: ${after}`);
  assert.ok(states.every((state) => state === 'ended'), `the microphone is on after: ${after}`);
}

/** A WAV of 48 kHz, mono, 16 bit, made by these words for sox; or of an input file, changed by them. */
export function soundFile(folder, name, words, input = '-n') {
  const path = join(folder, `${name}.wav`);
  const given = input === '-n' ? ['-n', '-r', '48000', '-c', '1', '-b', '16'] : [input, '-r', '48000', '-c', '1', '-b', '16'];
  execFileSync('sox', ['-R', ...given, path, ...words], { stdio: 'pipe' });
  return path;
}
