// A foreign phone answers: the call is a real one. JsSIP, unmodified, is that phone.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser } from './page.mjs';
import { speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('media-sound'));
const [{ contents: jssip }] = buildSync({
  stdin: { contents: "import JsSIP from 'jssip'; window.JsSIP = JsSIP;", resolveDir: import.meta.dirname },
  bundle: true, format: 'iife', write: false,
}).outputFiles;

/** A page of another origin on which JsSIP can run with a microphone. */
async function phonePage() {
  const server = createServer((request, response) => {
    if (request.url === '/jssip.js') response.setHeader('content-type', 'text/javascript').end(Buffer.from(jssip));
    else if (request.url === '/') response.setHeader('content-type', 'text/html').end('<!doctype html><title>Phone</title><script src="/jssip.js"></script>');
    else response.writeHead(204).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** How many RTP packets came in over any peer connection of the page. */
const packetsReceived = (page) => page.evaluate(async () => {
  let packets = 0;
  for (const peer of window.peers) {
    for (const report of (await peer.getStats()).values()) if (report.type === 'inbound-rtp') packets += report.packetsReceived;
  }
  return packets;
});

test('when a foreign phone answers, sound flows both ways and both can hang up', async () => {
  const server = await startServer({});
  const phoneServer = await phonePage();
  const browser = await launchBrowser({ microphoneWav });
  try {
    await browser.context.addInitScript(() => {
      window.peers = [];
      const Native = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Native {
        constructor(...options) {
          super(...options);
          window.peers.push(this);
        }
      };
    });
    const phone = await browser.newPage(phoneServer.url);
    await phone.evaluate((url) => {
      const { JsSIP } = window;
      const socket = new JsSIP.WebSocketInterface(url);
      window.phone = new JsSIP.UA({ sockets: [socket], uri: 'sip:bob@localhost', password: 'bob-demo', session_timers: false });
      window.phone.on('newRTCSession', ({ session }) => {
        window.session = session;
        session.on('ended', () => { window.ended = true; });
        session.answer({ mediaConstraints: { audio: true, video: false } });
      });
      return new Promise((resolve, reject) => {
        window.phone.on('registered', () => resolve());
        window.phone.on('registrationFailed', ({ cause }) => reject(new Error(cause)));
        window.phone.start();
      });
    }, `${server.url.replace('http', 'ws')}/sip`);

    const caller = await browser.newPage(`${server.url}/?to=bob`);
    await button(caller, 'Call').click();
    await inBrowser(caller, 'talking');
    for (const page of [caller, phone]) {
      const deadline = Date.now() + 60_000;
      while (await packetsReceived(page) < 50 && Date.now() < deadline) await page.waitForTimeout(200);
      assert.ok(await packetsReceived(page) >= 50, 'fifty packets of sound arrived');
    }
    await button(caller, 'Hang up').click();
    await phone.waitForFunction(() => window.ended);
    await inBrowser(caller, ['idle', 'ended', 'ready']);

    await caller.reload();
    await phone.evaluate(() => { window.ended = false; });
    await button(caller, 'Call').click();
    await inBrowser(caller, 'talking');
    await phone.evaluate(() => window.session.terminate());
    await inBrowser(caller, ['idle', 'ended', 'ready']);
    await phone.evaluate(() => window.phone.stop());
  } finally {
    await browser.close();
    phoneServer.close();
    await server.stop();
  }
});
