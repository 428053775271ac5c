// The engine without a screen: a page holds one client, its events and its peer connections.

/** Fewer packets than this in 300 ms, of which sound has fifteen, are none of sound. */
const STILL = 5;

/** Opens a client in a fresh page, after `first` was done there; where a user is named, signs in and listens. */
export async function openEngine(browser, url, user, first = () => {}) {
  const page = await browser.newPage(`${url}/`);
  await page.evaluate(first);
  await page.evaluate(async (user) => {
    const module = await import('/assets/call.js');
    await module.default({ module_or_path: '/assets/call_bg.wasm' });
    window.heard = [];
    window.client = await module.Client.open({
      server: location.origin,
      worker_url: `${location.origin}/assets/capture-worker.js`,
      worklet_url: `${location.origin}/assets/capture-worklet.js`,
    }, (event) => window.heard.push(event));
    if (user) {
      await window.client.sign_in(`sip:${user}@localhost`, `${user}-demo`);
      window.client.listen();
    }
  }, user);
  return page;
}

/** Notes every peer connection, microphone and camera of the browser's pages. */
export const watchMedia = (browser) => browser.context.addInitScript(() => {
  // An empty page has no devices.
  if (!navigator.mediaDevices) return;
  window.peers = [];
  window.tracks = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      window.peers.push(this);
    }
  };
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await ask(wish);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
  const clone = MediaStreamTrack.prototype.clone;
  MediaStreamTrack.prototype.clone = function () {
    const track = clone.call(this);
    window.tracks.push(track);
    return track;
  };
});

/** Calls a method of the client. */
export const tell = (page, method, ...given) => page.evaluate(([method, given]) => window.client[method](...given), [method, given]);

/** Waits for an event that has these fields, among those since the last `forget`. */
export const hears = (page, wanted, timeout = 60_000) => page.waitForFunction(
  (wanted) => window.heard.some((event) => Object.entries(wanted).every(([name, value]) => event[name] === value)),
  wanted, { timeout },
);

/** The names of the events so far, with what tells them apart. */
export const heard = (page) => page.evaluate(() => window.heard.map(({ type, state, reason, code }) => [type, state ?? reason ?? code].filter(Boolean).join(' ')));

/** What happened so far does not count any more. */
export const forget = (page) => page.evaluate(() => { window.heard = []; });

/** RTP packets that this page got, by kind, over all its peer connections. */
export const packets = (page, kind = 'audio') => page.evaluate(async (kind) => {
  let count = 0;
  for (const peer of window.peers) {
    for (const entry of (await peer.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === kind) count += entry.packetsReceived;
    }
  }
  return count;
}, kind);

/** Waits until so many packets more came than now. */
export async function comes(page, more, kind = 'audio', within = 60_000) {
  const before = await packets(page, kind);
  const end = Date.now() + within;
  while (await packets(page, kind) < before + more) {
    if (Date.now() > end) throw new Error(`only ${await packets(page, kind) - before} of ${more} ${kind} packets came`);
    await page.waitForTimeout(50);
  }
}

/** Waits until no sound comes any more; what was on its way still comes. */
export async function fallsSilent(page, within = 60_000) {
  const end = Date.now() + within;
  for (let before = -STILL; ;) {
    const now = await packets(page);
    if (now - before < STILL) return;
    if (Date.now() > end) throw new Error('sound comes all the time');
    before = now;
    await page.waitForTimeout(300);
  }
}

/** Waits until every microphone and camera is let go. */
export const isDark = (page) => page.waitForFunction(() => window.tracks.every((track) => track.readyState === 'ended'));
