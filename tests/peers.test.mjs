// SIP stacks that nobody here wrote, JsSIP and SIP.js, unmodified in Chromium, against `/sip`: each calls the other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { telephoneSite } from './peers/site.mjs';
import { takeSession } from './sip-agent.mjs';
import { write } from './variants/deposit.mjs';

const REASON = /SIP\s*;\s*cause=200\s*;\s*text="record offline"/;
/** Packets of 20 ms: a second of sound each way. */
const SECOND = 50;
const PAIRS = [['JsSIP', 'SIP.js'], ['SIP.js', 'JsSIP']];
const state = temporaryFolder('peers-state');
let server;
let site;
let browser;

before(async () => {
  [server, site, browser] = await Promise.all([startServer({ state }), telephoneSite(), launchBrowser({ allowedErrors: [/WebSocket connection to 'ws:/] })]);
});
after(async () => {
  await browser?.close();
  await site?.close();
  assert.doesNotMatch(server?.log() ?? '', /panic|unreachable|RuntimeError/i);
  await server?.stop();
});

/** A page with a registered telephone, driven by its methods. */
async function telephone(context, kind, user) {
  const page = await browser.newPage(site.url);
  context.after(async () => {
    await page.evaluate(() => { window.phone.stop(); });
    await page.close();
  });
  await page.evaluate(([kind, options]) => window.telephone(kind, options), [kind, { user, server: `ws://127.0.0.1:${server.port}/sip` }]);
  const seen = () => page.evaluate(() => window.phone.seen);
  const phone = {
    seen,
    act: (method, ...given) => page.evaluate(([method, given]) => { window.phone[method](...given); }, [method, given]),
    /** What it saw that begins so; `from` counts what is too old. */
    saw: async (words, { from = 0, timeout = 60_000 } = {}) => {
      const found = page.waitForFunction(([words, from]) => window.phone.seen.slice(from).find((what) => what.startsWith(words)), [words, from], { timeout });
      return (await found.catch(async () => assert.fail(`${kind} of ${user} did not see "${words}" but ${JSON.stringify(await seen())}`))).jsonValue();
    },
    count: async () => (await seen()).length,
    packets: () => page.evaluate(() => window.phone.packets()),
    /** Waits for a second of sound each way. */
    hears: () => page.waitForFunction(async (packets) => {
      const { sent, received } = await window.phone.packets();
      return sent >= packets && received >= packets;
    }, SECOND, { polling: 200, timeout: 60_000 }),
  };
  await phone.saw('registered');
  return phone;
}

const both = (context, [calls, answers]) => Promise.all([telephone(context, calls, 'alice'), telephone(context, answers, 'bob')]);

/** Alice calls Bob, and both hear each other. */
async function talk(alice, bob) {
  const from = await bob.count();
  await alice.act('call', 'bob');
  assert.equal(await bob.saw('rings', { from }), 'rings alice');
  await bob.act('answer');
  await Promise.all([alice.saw('talks'), bob.saw('talks', { from })]);
  await Promise.all([alice.hears(), bob.hears()]);
}

/** The voicemail has answered: session, skipped greeting, BYE that says why. */
async function reachesVoicemail(phone) {
  await phone.saw('talks');
  const info = await phone.saw('info');
  assert.match(info, /^info Session Type=voice\r\nCalled Party=sip:bob@localhost\r\nID=s1\./);
  await phone.act('skip');
  assert.match(await phone.saw('ended remote'), REASON);
}

/** Somebody leaves Bob a written message. */
async function deposit() {
  const { ID } = await takeSession(server, 'bob');
  const made = await write(server, ID);
  assert.equal(made.status, 201, await made.text());
}

for (const pair of PAIRS) {
  const [calls, answers] = pair;

  test(`${calls} calls ${answers}: sound goes both ways, and either end hangs up`, async (context) => {
    const [alice, bob] = await both(context, pair);
    await talk(alice, bob);
    await alice.act('hangUp');
    await bob.saw('ended remote');
    const from = { alice: await alice.count(), bob: await bob.count() };
    await alice.act('call', 'bob');
    await bob.saw('rings', { from: from.bob });
    await bob.act('answer');
    await Promise.all([alice.saw('talks', { from: from.alice }), bob.saw('talks', { from: from.bob })]);
    await bob.act('hangUp');
    await alice.saw('ended remote', { from: from.alice });
    assert.ok(!(await alice.seen()).some((what) => what.startsWith('info')), 'no voicemail in an answered call');
  });

  test(`${calls} reaches the voicemail of a busy ${answers} and of somebody who is not there`, async (context) => {
    const [alice, bob] = await both(context, pair);
    await alice.act('call', 'bob');
    await bob.saw('rings alice');
    await bob.act('refuse');
    await reachesVoicemail(alice);
    await bob.act('stop');
    await bob.saw('disconnected');
    const again = await telephone(context, calls, 'alice');
    await again.act('call', 'bob');
    await reachesVoicemail(again);
  });

  test(`${calls} gives up while ${answers} rings`, async (context) => {
    const [alice, bob] = await both(context, pair);
    await alice.act('call', 'bob');
    await bob.saw('rings alice');
    await alice.saw('progress');
    await alice.act('cancel');
    await (answers === 'JsSIP' ? bob.saw('failed  Canceled remote') : bob.saw('over'));
    await (calls === 'JsSIP' ? alice.saw('failed  Canceled local') : alice.saw('failed 487'));
  });

  test(`${calls} writes to ${answers}, who knows that it is Alice, and learns whether somebody reads`, async (context) => {
    const [alice, bob] = await both(context, pair);
    await alice.act('write', 'bob', 'Dinner at eight');
    assert.equal(await bob.saw('text'), 'text alice "Alice" <sip:alice@localhost>: Dinner at eight');
    assert.equal(await alice.saw('written'), 'written 200');
    await bob.act('stop');
    await bob.saw('disconnected');
    await alice.act('write', 'bob', 'Are you there?');
    assert.equal(await alice.saw('not written'), 'not written 480');
  });

  test(`${answers} subscribes to the state of its mailbox, is told of a message, and unsubscribes`, async (context) => {
    const bob = await telephone(context, answers, 'bob');
    await bob.act('subscribe', 'bob');
    const [, before] = /^counts (\d+)\/\d+$/.exec(await bob.saw('counts'));
    await deposit();
    await bob.saw(`counts ${Number(before) + 1}/`);
    await bob.act('unsubscribe');
    await bob.saw('subscription over');
  });
}

test('both come back after the server was killed, are told what changed meanwhile, and talk', async (context) => {
  const [alice, bob] = await both(context, PAIRS[0]);
  await bob.act('subscribe', 'bob');
  const [, before] = /^counts (\d+)\//.exec(await bob.saw('counts'));
  const from = { alice: await alice.count(), bob: await bob.count() };
  const { port } = server;
  await server.kill9();
  await Promise.all([alice.saw('disconnected', { from: from.alice }), bob.saw('disconnected', { from: from.bob })]);
  server = await startServer({ state, port });
  await Promise.all([alice.saw('registered', { from: from.alice }), bob.saw('registered', { from: from.bob })]);
  await talk(alice, bob);
  await alice.act('hangUp');
  await deposit();
  await bob.saw(`counts ${Number(before) + 1}/`, { from: from.bob });
});
