// Times of a voicemail call on the real runtime: INVITE to BYE without a greeting over plain SIP, and from
// the Stop button to durable sound and from Send to the callee's screen in a real browser. Started by
// `cargo xtask bench call`; its last line of output is the result as JSON.

import { availableParallelism, loadavg } from 'node:os';
import { launchBrowser, startServer, temporaryFolder } from '../tests/harness.mjs';
import { button, callUntilRecording, openInbox, outbox, signIn } from '../tests/page.mjs';
import { SipAgent } from '../tests/sip-agent.mjs';
import { speechWav } from '../tests/sound.mjs';

const CALLS = 100;
const RECORDINGS = 12;
const RECORDED_MS = 700;
const UNLIMITED = {
  AFTERBEEP_LIMIT_INVITES_PER_MIN: '0', AFTERBEEP_LIMIT_SESSIONS_PER_HOUR: '0', AFTERBEEP_LIMIT_MAILBOX_SESSIONS_PER_HOUR: '0',
};

const isRequest = (method) => (message) => message.method === method && !message.status;

/** One call to a mailbox without a greeting: how long after the INVITE each step came. */
async function callOnce(server) {
  const caller = await new SipAgent({ url: server.url }).connect();
  const start = performance.now();
  const since = () => performance.now() - start;
  const info = caller.expect('INFO', isRequest('INFO')).then(since);
  const bye = caller.expect('BYE', isRequest('BYE')).then(since);
  const { response } = await caller.invite('sip:carol@localhost');
  const answered = since();
  if (response.status !== 200) throw new Error(response.text);
  const times = { answered, instructed: await info, ended: await bye };
  caller.close();
  return times;
}

async function calls(server) {
  const carol = await signIn(server, 'carol');
  const set = await carol.call('PATCH', '/mailbox/settings', { greeting: 'none' });
  if (!set.ok) throw new Error(`settings: ${set.status}`);
  const times = [];
  for (let count = 0; count < CALLS; count += 1) times.push(await callOnce(server));
  return times;
}

/** Notes in the call page when Stop and Send are pressed and when a recording is safe. */
const watchCaller = (page) => page.evaluate(() => {
  const now = () => performance.timeOrigin + performance.now();
  window.marks = {};
  document.addEventListener('click', (event) => {
    const name = event.composedPath().find((node) => node.localName === 'button')?.textContent.trim();
    if (name) window.marks[name] ??= now();
  }, { capture: true });
  document.addEventListener('afterbeep-recorded', () => { window.marks.recorded = now(); });
});

/** Notes in the inbox page when its list grows. */
const watchInbox = (page) => page.evaluate(() => {
  const root = document.querySelector('afterbeep-inbox').shadowRoot;
  const items = () => root.querySelectorAll('li').length;
  window.before = items();
  window.appeared = 0;
  window.observer?.disconnect();
  window.observer = new MutationObserver(() => {
    if (items() > window.before) window.appeared ||= performance.timeOrigin + performance.now();
  });
  window.observer.observe(root, { childList: true, subtree: true });
});

async function recordOnce(server, browser, inbox) {
  const page = await browser.newPage(`${server.url}/?to=bob`);
  await callUntilRecording(page);
  await watchCaller(page);
  await watchInbox(inbox);
  await page.waitForTimeout(RECORDED_MS);
  await button(page, 'Stop').click();
  await page.waitForFunction(() => window.marks.recorded);
  await button(page, 'Send').first().click();
  await inbox.waitForFunction(() => window.appeared);
  await outbox(page).getByText(/With Bob/).first().waitFor();
  const marks = await page.evaluate(() => window.marks);
  const appeared = await inbox.evaluate(() => window.appeared);
  await page.close();
  return { durable: marks.recorded - marks.Stop, shown: appeared - marks.Send };
}

async function recordings(server) {
  const browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('bench')) });
  const inbox = await openInbox(browser, server, 'bob');
  const times = [];
  for (let count = 0; count < RECORDINGS; count += 1) times.push(await recordOnce(server, browser, inbox));
  await browser.close();
  return times;
}

const rounded = (value) => Math.round(value * 10) / 10;

function row(what, times) {
  const sorted = times.toSorted((one, two) => one - two);
  const rank = (part) => rounded(sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]);
  return { what, count: sorted.length, p50_ms: rank(0.5), p99_ms: rank(0.99) };
}

const server = await startServer({ env: UNLIMITED });
await callOnce(server);
const before = loadavg()[0];
const made = await calls(server);
const recorded = await recordings(server);
await server.stop();
const rows = [
  row('INVITE to 200', made.map((one) => one.answered)),
  row('INVITE to INFO', made.map((one) => one.instructed)),
  row('INVITE to BYE, no greeting', made.map((one) => one.ended)),
  row('Stop to durable', recorded.map((one) => one.durable)),
  row("Send to callee's screen", recorded.map((one) => one.shown)),
];
process.stdout.write(`${JSON.stringify({ cores: availableParallelism(), load_before: rounded(before), load_after: rounded(loadavg()[0]), rows })}\n`);
