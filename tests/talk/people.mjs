// Two people, each with a browser of their own, a microphone that plays a file, and peer connections that can be counted.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { audit, prepare } from '../accessibility.mjs';
import { launchBrowser } from '../harness.mjs';
import { openInbox, ringsHere } from '../page.mjs';

const pictures = process.env.AFTERBEEP_PICTURES;

/** Keeps every peer connection, every key that is sent as an RFC 4733 event, and every ring that sounds. */
function count() {
  window.peers = [];
  window.keys = [];
  window.rings = [];
  const { RTCPeerConnection: Peer, AudioContext: Context } = window;
  window.RTCPeerConnection = class extends Peer {
    constructor(...options) {
      super(...options);
      window.peers.push(this);
    }
  };
  window.AudioContext = class extends Context {
    constructor(...options) {
      super(...options);
      window.rings.push(this);
    }
  };
  const { insertDTMF } = RTCDTMFSender.prototype;
  RTCDTMFSender.prototype.insertDTMF = function (tones, ...rest) {
    window.keys.push(tones);
    return insertDTMF.call(this, tones, ...rest);
  };
}

/** A browser whose pages can be counted and audited. */
export async function person(options) {
  const browser = await launchBrowser(options);
  await prepare(browser);
  await browser.context.addInitScript(count);
  return browser;
}

/** Signs in; the browser remembers it. */
export async function signsIn(browser, server, user) {
  const page = await openInbox(browser, server, user);
  await page.close();
}

/** At the inbox of whoever is signed in, and reachable: calls ring here. */
export async function atInbox(browser, server) {
  const page = await browser.newPage(`${server.url}/inbox`);
  await ringsHere(page);
  return page;
}

/** Sums one figure over all RTP that comes in at this page. */
export const received = (page, figure = 'packetsReceived', kind = 'audio') => page.evaluate(async ([name, wanted]) => {
  let sum = 0;
  for (const peer of window.peers) {
    for (const report of (await peer.getStats()).values()) if (report.type === 'inbound-rtp' && report.kind === wanted) sum += report[name] ?? 0;
  }
  return sum;
}, [figure, kind]);

/** Waits until so much more came in. */
export async function receives(page, more, figure, kind) {
  const before = await received(page, figure, kind);
  const deadline = Date.now() + 60_000;
  let now = before;
  while (now < before + more && Date.now() < deadline) {
    await page.waitForTimeout(100);
    now = await received(page, figure, kind);
  }
  if (now < before + more) throw new Error(`only ${now - before} ${figure ?? 'packets'} came in`);
}

/** Waits until a whole second of what is heard here was silence; what was on its way is still heard. */
export async function hearsNothing(page) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const before = await received(page, 'totalAudioEnergy');
    await page.waitForTimeout(1000);
    if (await received(page, 'totalAudioEnergy') - before < 1e-4) return;
  }
  throw new Error('something is heard all the time');
}

/** Axe's rules, and with `AFTERBEEP_PICTURES` pictures: light and dark, wide and narrow. */
export async function look(page, state) {
  await audit(page, state);
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      await page.screenshot({ path: join(pictures, `${state.replaceAll(' ', '-')}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
