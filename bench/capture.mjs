// What recording costs: from the click to stored sound, from Stop to durable, the processor's time, and the memory
// of a very long one. Started by `cargo xtask bench capture`; its last line of output is the result as JSON.

import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { launchBrowser, startServer, temporaryFolder } from '../tests/harness.mjs';
import { button, inBrowser } from '../tests/page.mjs';
import { speechWav } from '../tests/sound.mjs';

const RECORDINGS = 30;
const RECORDED_MS = 700;
const CPU_MS = 20_000;
const TICK_MS = 10;
const LONG_MINUTES = 60;
const LONG_WITHIN_MS = 600_000;
const FIRST_LOOK = 10;

/** Runs in the page before its own scripts: notes clicks and what the recorder says, and may change its orders. */
function watch() {
  const now = () => performance.timeOrigin + performance.now();
  window.marks = {};
  window.orders = (data) => data;
  document.addEventListener('click', (event) => {
    const name = event.composedPath().find((node) => node.localName === 'button')?.textContent.trim();
    if (name) window.marks[name] ??= now();
  }, { capture: true });
  document.addEventListener('afterbeep-recorded', () => { window.marks.recorded = now(); });
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...words) {
      super(...words);
      this.addEventListener('message', ({ data }) => {
        const took = data?.level?.elapsed_ms;
        if (took > 0) window.marks.began ??= now() - took;
        if (data?.saved) window.marks.stored ??= now();
        window.heard?.(data);
      });
    }
    postMessage(data, transfer) {
      if (data?.type !== 'start') return super.postMessage(data, ...(transfer ? [transfer] : []));
      const ordered = window.orders(data);
      return super.postMessage(ordered, [ordered.port]);
    }
  };
}

async function openPage(browser, server, processing) {
  const page = await browser.context.newPage();
  await page.addInitScript(watch);
  await page.goto(`${server.url}/?to=bob&processing=${processing}`);
  return page;
}

/** Records again and again on one page, so that everything but the microphone is warm. */
async function times(browser, server) {
  const page = await openPage(browser, server, 'own');
  const rows = [];
  for (let count = 0; count <= RECORDINGS; count += 1) {
    await page.evaluate(() => { window.marks = {}; });
    await button(page, 'Record').first().click();
    await inBrowser(page, 'recording');
    await page.waitForTimeout(RECORDED_MS);
    await button(page, 'Stop').click();
    await page.waitForFunction(() => window.marks.recorded);
    rows.push(await page.evaluate(() => window.marks));
    await inBrowser(page, 'review');
    await button(page, 'Delete').first().click();
    await inBrowser(page, 'ready');
  }
  await page.close();
  return rows.slice(1).map((marks) => ({
    began: marks.began - marks.Record, stored: marks.stored - marks.Record, durable: marks.recorded - marks.Stop,
  }));
}

/** The browser's processes of these kinds, by the profile of the one that started them. */
function processes(profileDir, kinds) {
  const found = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (words.includes(profileDir) && kinds.some((kind) => words.includes(`--type=${kind}`))) found.push(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** What a thread of the browser does, by its name; a page without a graphics processor is drawn on many. */
const DUTIES = [['encoder', /^DedicatedWorker/], ['worklet', /^Realtime AudioW/], ['audio devices', /^(Audio|FakeAudio)/]];
const REST = 'page and drawing';

/** Time on a processor so far, in ms, by duty. */
function cpu(pids) {
  const times = Object.fromEntries([...DUTIES.map(([duty]) => duty), REST].map((duty) => [duty, 0]));
  for (const path of pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/stat`))) {
    const [, name, rest] = /\((.*)\) (.*)/.exec(readFileSync(path, 'utf8'));
    const fields = rest.split(' ');
    const duty = DUTIES.find(([, pattern]) => pattern.test(name))?.[0] ?? REST;
    times[duty] += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return times;
}

/** Resident memory of the largest of these processes, in MB. */
const resident = (pids) => Math.max(...pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0))) / 1024;

/** Shares of one processor that a recording takes, in percent, by duty and in all. */
async function share(browser, server, reduce) {
  const page = await openPage(browser, server, 'own');
  await page.evaluate((wish) => {
    window.orders = (data) => ({ ...data, wishes: { ...data.wishes, reduce_noise: wish } });
  }, reduce);
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  await page.waitForTimeout(2000);
  const pids = processes(browser.profileDir, ['renderer', 'utility']);
  const [began, before] = [performance.now(), cpu(pids)];
  await page.waitForTimeout(CPU_MS);
  const [after, took] = [cpu(pids), performance.now() - began];
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
  await page.close();
  const duties = Object.keys(after).map((duty) => [duty, rounded((100 * (after[duty] - before[duty])) / took)]);
  return { percent_of_a_core: rounded(duties.reduce((sum, [, percent]) => sum + percent, 0)), by_duty: Object.fromEntries(duties) };
}

/** Runs in the page: the recorder takes made-up speech instead of the microphone's, as fast as it stores it. */
function feedFaster(minutes) {
  const [RATE, PIECE, AHEAD_MS] = [48_000, 1024, 4000];
  window.fed = { saved_ms: 0, done: false };
  window.heard = (data) => {
    if (data.saved) window.fed.saved_ms = data.saved.duration_ms;
    if (data.finished || data.failed) window.fed.done = true;
  };
  window.orders = (data) => {
    const { port1, port2 } = new MessageChannel();
    data.port.onmessage = ({ data: said }) => { if (said.end) port1.postMessage(said); };
    let frame = 0;
    const speak = () => {
      while (!window.fed.done && (frame / RATE) * 1000 < window.fed.saved_ms + AHEAD_MS) {
        const samples = Float32Array.from({ length: PIECE }, (_, index) => {
          const t = (frame + index) / RATE;
          return 0.3 * Math.sin(2 * Math.PI * 160 * t) * Math.max(0, Math.sin(2 * Math.PI * 2.5 * t)) + 0.02 * (Math.random() - 0.5);
        });
        port1.postMessage({ frame, samples }, [samples.buffer]);
        frame += PIECE;
      }
      if (!window.fed.done) setTimeout(speak, 5);
    };
    speak();
    return { ...data, sample_rate: RATE, port: port2, wishes: { ...data.wishes, reduce_noise: false, longest_ms: minutes * 60_000 } };
  };
}

/** Memory of the page's process at every tenth minute of a recording of an hour. */
async function long(browser, server) {
  const page = await openPage(browser, server, 'own');
  await page.evaluate(feedFaster, LONG_MINUTES);
  const session = await browser.context.newCDPSession(page);
  const pids = () => processes(browser.profileDir, ['renderer']);
  await button(page, 'Record').first().click();
  const looks = [];
  for (let minute = FIRST_LOOK; minute <= LONG_MINUTES; minute += FIRST_LOOK) {
    await page.waitForFunction((ms) => window.fed.saved_ms >= ms || window.fed.done, minute * 60_000 - 1000, { timeout: LONG_WITHIN_MS, polling: 200 });
    await session.send('HeapProfiler.collectGarbage');
    looks.push({ minute, resident_mb: Math.round(resident(pids())) });
  }
  await inBrowser(page, 'review', LONG_WITHIN_MS);
  const recorded_ms = await page.evaluate(() => window.fed.saved_ms);
  await page.close();
  return { recorded_ms, looks };
}

const rounded = (value) => Math.round(value * 10) / 10;

function row(what, values, aim) {
  const sorted = values.toSorted((one, two) => one - two);
  const rank = (part) => rounded(sorted[Math.ceil(part * sorted.length) - 1]);
  return { what, count: sorted.length, p50_ms: rank(0.5), p95_ms: rank(0.95), ...(aim ? { aim_p95_ms: aim } : {}) };
}

const server = await startServer({});
const before = loadavg()[0];
const browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('bench')) });
const measured = await times(browser, server);
const cpuOff = await share(browser, server, false);
const cpuOn = await share(browser, server, true);
await browser.close();
const another = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('bench')) });
const hour = await long(another, server);
await another.close();
await server.stop();
process.stdout.write(`${JSON.stringify({
  cores: availableParallelism(),
  load_before: rounded(before),
  load_after: rounded(loadavg()[0]),
  rows: [
    row('Click to the first sample that is kept', measured.map(({ began }) => began)),
    row('Click to the first sample on disk', measured.map(({ stored }) => stored), 300),
    row('Stop to durable', measured.map(({ durable }) => durable), 50),
  ],
  cpu: [
    { what: 'recording', ...cpuOff },
    { what: 'recording with noise suppression', ...cpuOn, aim_percent: 8 },
  ],
  hour,
})}\n`);
