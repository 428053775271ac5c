// The main job in a browser with the known speech as its microphone: call, greeting, end; record and send
// while the network is gone; delivered once, whole, when it is back; heard in the inbox.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { journal, mediaOf, messagesOf } from '../page.mjs';
import { decodeOpus, likeness, milliseconds, speechWav, wavSamples } from '../sound.mjs';
import { startServer, temporaryFolder } from '../harness.mjs';
import { weakNetwork } from '../weak-network.mjs';
import { browserWith } from './all.mjs';
import { deposits, hears, inState, press, says, signsIn } from './person.mjs';
import { until } from './processes.mjs';

const RECORDED_MS = 6000;
const DELIVERED_MS = 60_000;
/** Connections that break because the network is gone are the story's own doing. */
const BROKEN = [/NetworkError|network connection|can.t establish|WebSocket|Failed to load resource|Load failed|access control|Cross-Origin|interrupted while/i];

/** Call, greeting, end of the session; then the recorder without a network. */
async function callAndRecord(tab, network) {
  await press(tab, 'Call');
  await inState(tab, 'greeting');
  await press(tab, 'Skip greeting');
  await inState(tab, 'ended', 'ready');
  network.cut();
  await press(tab, 'Record');
  await inState(tab, 'recording');
  await new Promise((resolve) => setTimeout(resolve, RECORDED_MS));
  await press(tab, 'Stop');
  await inState(tab, 'review');
}

/** What arrived is what was recorded, and sounds like what was played. */
function compare(received, file, message, row, wav) {
  assert.equal(createHash('sha256').update(received).digest('hex'), message.sha256);
  assert.ok(received.equals(file), 'the recorded file, byte for byte');
  const sound = decodeOpus(received);
  assert.ok(Math.abs(milliseconds(sound) - row.duration_ms) <= 60, `${milliseconds(sound)} ms decoded, ${row.duration_ms} ms recorded`);
  assert.ok(milliseconds(sound) > RECORDED_MS - 500, `${milliseconds(sound)} ms`);
  const { correlation } = likeness(sound, wavSamples(readFileSync(wav)));
  assert.ok(correlation > 0.9, `envelope correlates ${correlation}`);
}

/** Plays the story in the browser of this name. */
export async function story(name, context) {
  const wav = speechWav(temporaryFolder('browsers-sound'));
  const network = await weakNetwork();
  context.after(() => network.close());
  const server = await startServer({ env: { AFTERBEEP_PUBLIC_URL: network.url } });
  network.target = server.port;
  const browser = await browserWith(name, wav);
  const tab = await browser.launch({ profileDir: temporaryFolder('profile'), allowedErrors: BROKEN });
  try {
    const before = await messagesOf(server, 'bob');
    await tab.goto(`${network.url}/?to=bob&processing=off`);
    // From here on everything that a recording needs is on the device.
    await tab.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await callAndRecord(tab, network);
    const [row] = await deposits(tab);
    assert.match(row.content_type, /^audio\/ogg/, 'by our own encoder');
    const file = await journal(tab, row.deposit_id);
    await press(tab, 'Send');
    await says(tab, /Not yet with Bob/);
    await press(tab, 'Play', '[aria-label="Outbox"]');
    await hears(tab, 'afterbeep-call');
    assert.equal((await messagesOf(server, 'bob')).length, before.length);

    network.mend();
    const messages = await until('the message is with Bob', async () => {
      const now = await messagesOf(server, 'bob');
      return now.length > before.length && now;
    }, DELIVERED_MS);
    assert.equal(messages.length, before.length + 1, 'once');
    compare(await mediaOf(server, messages[0]), file, messages[0], row, wav);
    await says(tab, /With Bob/);
    await until('the sound leaves the device', async () => (await journal(tab, row.deposit_id)).length === 0);

    await tab.goto(`${network.url}/inbox`);
    await signsIn(tab, 'bob');
    await press(tab, 'Play', 'li');
    await hears(tab, 'afterbeep-inbox');
    assert.equal((await messagesOf(server, 'bob')).length, before.length + 1, 'still once');
  } finally {
    await tab.close();
    await browser.stop();
    await server.stop();
  }
}
