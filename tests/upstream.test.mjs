// Our voicemail behind somebody else's SIP proxy, a real Kamailio: it registers there, takes the calls that nobody
// takes, and comes back whoever was away. Plain SIP agents and SIPp call by that proxy and know nothing of us.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { check, prepare } from './accessibility.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser, outbox, recordFor } from './page.mjs';
import { OFFER, SipAgent, sessionInfo } from './sip-agent.mjs';
import { speechWav } from './sound.mjs';
import { DOMAIN, VOICEMAIL_PASSWORD, startKamailio } from './upstream/kamailio.mjs';
import { runSipp } from './upstream/sipp.mjs';

const BOB = `sip:bob@${DOMAIN}`;
/** The place in a greeting, and its length. */
const GREETING_PLAYS = /^0:0\d \/ 0:\d\d$/;
const REGISTERED_WITHIN_MS = 60_000;
const LOGGED_WITHIN_MS = 60_000;
const ADMIN = { authorization: 'Bearer dev-admin-token', 'content-type': 'application/json' };
const voice = readFileSync(join(import.meta.dirname, '../www/src/greeting-bob.ogg'));
const state = temporaryFolder('upstream-state');
let kamailio;
let server;

const start = () => startServer({
  state,
  demo: false,
  env: {
    AFTERBEEP_DOMAIN: DOMAIN,
    AFTERBEEP_SIP_UPSTREAM: kamailio.url,
    AFTERBEEP_SIP_UPSTREAM_PASSWORD: VOICEMAIL_PASSWORD,
  },
});

before(async () => {
  kamailio = await startKamailio();
  server = await start();
  for (const name of ['alice', 'bob']) {
    const made = await fetch(`${server.url}/admin/users/${encodeURIComponent(`sip:${name}@${DOMAIN}`)}`, {
      method: 'PUT', headers: ADMIN, body: JSON.stringify({ password: `${name}-demo`, display_name: name }),
    });
    assert.equal(made.status, 201, await made.text());
  }
  await upstreamIs('registered');
});
after(async () => {
  await server?.stop();
  await kamailio?.stop();
});

/** Asks `/readyz` until the registration stands so. */
async function upstreamIs(wanted) {
  const end = Date.now() + REGISTERED_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${server.url}/readyz`);
    const body = await answer.json();
    assert.equal(answer.status, 200, 'a proxy that is away leaves the rest ready');
    if (body.upstream.state === wanted) return;
    assert.ok(Date.now() < end, `the upstream is ${JSON.stringify(body.upstream)}\n${server.log()}\n${kamailio.log()}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** Looks again until the proxy's log, which comes through a pipe of its own, has so many matches; gives them all. */
async function inProxyLog(words, count) {
  const end = Date.now() + LOGGED_WITHIN_MS;
  for (;;) {
    const found = [...kamailio.log().matchAll(words)];
    if (found.length >= count) return found;
    assert.ok(Date.now() < end, `${words} is ${found.length} times in the log\n${kamailio.log()}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** An agent of the proxy. */
const telephone = (options) => new SipAgent({ url: kamailio.http, domain: DOMAIN, ...options }).connect();

/** Calls Bob from outside until the voicemail has said everything; gives back what it said. */
async function leaveCall(caller, target = BOB) {
  const { response, dialog } = await caller.invite(target, { displayName: 'Dora' });
  assert.equal(response.status, 200, response.text);
  assert.match(response.body, /^m=audio 0 /m);
  const info = await caller.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  const session = sessionInfo(info.body);
  assert.equal(session['Called Party'], BOB);
  const skip = await caller.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\n' });
  assert.equal(skip.status, 200, skip.text);
  const bye = await caller.expect('BYE', (message) => message.method === 'BYE' && !message.status);
  assert.match(bye.header('reason'), /^SIP;cause=200;text="record offline"$/);
  return session;
}

async function deposit(session) {
  const values = { filetype: 'audio/ogg', deposit_id: randomUUID(), kind: 'voice' };
  const metadata = Object.entries(values).map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`);
  const answer = await fetch(session.Upload, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${session.ID}`, 'tus-resumable': '1.0.0', 'upload-length': String(voice.length),
      'content-type': 'application/offset+octet-stream', 'upload-metadata': metadata.join(','),
    },
    body: voice,
  });
  assert.equal(answer.status, 201, await answer.text());
  assert.ok(answer.headers.get('afterbeep-receipt'), 'a receipt');
}

async function messagesOfBob() {
  const signIn = await fetch(`${server.url}/login`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ address: BOB, password: 'bob-demo' }),
  });
  const { token } = await signIn.json();
  const answer = await fetch(`${server.url}/mailbox/messages`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()).messages;
}

test('a call to somebody who is not registered at the proxy becomes a message in our mailbox', async () => {
  const dora = await telephone({ user: 'dora' });
  await deposit(await leaveCall(dora));
  const [message] = await messagesOfBob();
  assert.equal(message.from, `sip:dora@${DOMAIN}`, JSON.stringify(message));
  assert.equal(message.from_verified, false, 'nobody vouched for the caller');
  dora.close();
});

for (const [status, reason] of [[486, 'Busy Here'], [480, 'Temporarily Unavailable'], [603, 'Decline']]) {
  test(`a call that the proxy's own telephone answers with ${status} comes to the voicemail`, async () => {
    const bob = await telephone({ user: 'bob', answer: (invite, self) => self.respond(invite, status, reason) });
    assert.equal((await bob.register()).status, 200);
    const dora = await telephone({ user: 'dora' });
    await leaveCall(dora);
    assert.equal((await bob.register({ expires: 0 })).status, 200);
    bob.close();
    dora.close();
  });
}

test('whoever has no mailbox here is not found', async () => {
  const dora = await telephone({ user: 'dora' });
  const { response } = await dora.invite(`sip:nobody@${DOMAIN}`);
  assert.equal(response.status, 404);
  dora.close();
});

test('a telephone over UDP gets INFO and BYE inside its dialog, by the route that its call took', async () => {
  const log = await runSipp('caller.xml', { target: `127.0.0.1:${kamailio.udp}`, user: 'bob', domain: DOMAIN });
  assert.match(log, /INFO sip:dora@127\.0\.0\.1:\d+/, 'to the contact of the telephone');
  assert.match(log, /Session Type=voice\r?\nCalled Party=sip:bob@voice\.test\r?\nID=s1\./);
  assert.match(log, /Reason: SIP;cause=200;text="record offline"/);
});

/** A page of its own origin whose element has the proxy as its server. */
async function shop(context) {
  const page = `<!doctype html><html lang="en"><title>Shop</title><meta name="viewport" content="width=device-width"><script type="module" src="${server.url}/afterbeep.js"></script>
    <main><h1>Shop</h1><afterbeep-call to="${BOB}" server="${kamailio.url}"></afterbeep-call></main>`;
  const site = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page));
  await new Promise((ready) => site.listen(0, '127.0.0.1', ready));
  context.after(() => site.closeAllConnections() ?? site.close());
  return `http://localhost:${site.address().port}`;
}

test('our element with that proxy as its server registers and calls; its message goes where the voicemail says, once that was confirmed by name', async (context) => {
  const browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('upstream-sound')) });
  context.after(() => browser.close());
  await prepare(browser);
  const page = await browser.newPage(await shop(context));
  await page.evaluate((address) => {
    document.querySelector('afterbeep-call').credentials = { address, password: 'nobody asks' };
  }, `sip:alice@${DOMAIN}`);
  const before = (await messagesOfBob()).length;
  const asked = page.getByText(`This voicemail is on another server: ${new URL(server.url).host}.`).first();
  await button(page, 'Call').click();
  await asked.waitFor();
  assert.equal(await page.getByText(GREETING_PLAYS).count(), 0, 'no greeting from a server that was not confirmed');
  await inBrowser(page, 'ready');
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  const dora = await telephone({ user: 'dora' });
  assert.match((await dora.options(`sip:alice@${DOMAIN}`)).header('allow'), /INVITE/, 'the page is registered at the proxy');
  dora.close();
  await recordFor(page, 1500);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Confirm that once').waitFor();
  await asked.waitFor();
  await check(page, 'another server');
  assert.equal((await messagesOfBob()).length, before, 'nothing goes to a server that was not confirmed');
  const deposited = page.evaluate(() => new Promise((heard) => {
    document.addEventListener('afterbeep-deposited', ({ detail }) => heard(detail), { once: true });
  }));
  await button(page, `Send to ${new URL(server.url).host}`).click();
  assert.ok((await deposited).receipt, 'a receipt, checked against the keys of that server');
  const [message, ...others] = await messagesOfBob();
  assert.equal(others.length, before);
  assert.equal(message.from, `sip:alice@${DOMAIN}`);

  await page.reload();
  await button(page, 'Call').click();
  await page.getByText(GREETING_PLAYS).waitFor();
  assert.equal(await asked.count(), 0, 'it is asked once on this device');
});

test('after a reload the password for a proxy is asked for by the name that is known, and a wrong one is said to be wrong', async (context) => {
  const browser = await launchBrowser();
  context.after(() => browser.close());
  await prepare(browser);
  const page = await browser.newPage(await shop(context));
  const host = new URL(kamailio.url).host;
  const signedIn = page.getByText(`Signed in at ${host} as paula.`);
  await page.evaluate((credentials) => {
    document.querySelector('afterbeep-call').credentials = credentials;
  }, { address: `sip:paula@${DOMAIN}`, password: VOICEMAIL_PASSWORD });
  await signedIn.waitFor();

  await page.reload();
  await page.getByText(`You are not signed in at ${host} now`).waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Address', exact: true }).inputValue(), `paula@${DOMAIN}`);
  await check(page, 'the password of a proxy');
  const give = async (password) => {
    await page.getByLabel('Password').fill(password);
    await button(page, 'Sign in').click();
  };
  await give('not the password');
  await page.getByText(`${host} does not accept this name and password.`).waitFor();
  await give(VOICEMAIL_PASSWORD);
  await signedIn.waitFor();
  assert.equal(await button(page, 'Sign in').count(), 0, 'nothing is asked any more');

  await page.reload();
  await button(page, 'Go on without paula').click();
  await page.reload();
  await button(page, 'Call').click();
  await page.getByText('This voicemail is on another server').first().waitFor();
  assert.equal(await button(page, 'Sign in').count(), 0, 'who went on without a name is not asked again');
  await button(page, 'Hang up').first().click();
  await inBrowser(page, 'ready');
});

test('a greeting is heard as soon as its server was confirmed', async (context) => {
  const browser = await launchBrowser();
  context.after(() => browser.close());
  const page = await browser.newPage(await shop(context));
  await button(page, 'Call').click();
  await button(page, `Send to ${new URL(server.url).host}`).click();
  await page.getByText(GREETING_PLAYS).waitFor();
  await button(page, 'Hang up').first().click();
  await inBrowser(page, 'ready');
});

test('our people call elsewhere by a proxy that wants proofs of us, and are called back inside the dialog; nobody else is let out', async () => {
  const eve = await telephone({
    user: 'eve', answer: (invite, self) => { self.invited = invite; self.respond(invite, 200, 'OK', { body: OFFER }); },
  });
  assert.equal((await eve.register()).status, 200);
  const alice = await new SipAgent({ url: server.url, domain: DOMAIN, user: 'alice', password: 'alice-demo' }).connect();
  const { response, dialog } = await alice.invite('sip:eve@elsewhere.test');
  assert.equal(response.status, 200, response.text);
  await eve.expect('ACK', (message) => message.method === 'ACK');
  const info = await eve.inDialog(eve.dialogOf(eve.invited), 'INFO', { type: 'application/dtmf-relay', body: 'Signal=1\r\n' });
  assert.equal(info.status, 200, info.text);
  assert.equal((await alice.inDialog(dialog, 'BYE')).status, 200);
  await eve.expect('BYE', (message) => message.method === 'BYE');
  const challenged = await inProxyLog(/challenged: (\w+)/g, 1);
  assert.deepEqual(challenged.map(([, method]) => method), ['INVITE'], 'its first nonce serves the whole call');
  const later = await alice.invite('sip:eve@elsewhere.test');
  assert.equal(later.response.status, 200, later.response.text);
  assert.equal((await alice.inDialog(later.dialog, 'BYE')).status, 200);
  assert.equal(kamailio.log().match(/challenged: /g).length, 1, 'and the next');
  const stranger = await new SipAgent({ url: server.url, domain: DOMAIN }).connect();
  assert.equal((await stranger.invite('sip:eve@elsewhere.test')).response.status, 403);
  for (const agent of [eve, alice, stranger]) agent.close();
});

test('the proxy is answered in whatever realm it asks itself, and whoever is called in none', async () => {
  const fred = await telephone({ user: 'fred', answer: (invite, self) => self.respond(invite, 200, 'OK', { body: OFFER }) });
  assert.equal((await fred.register()).status, 200);
  const alice = await new SipAgent({ url: server.url, domain: DOMAIN, user: 'alice', password: 'alice-demo' }).connect();
  const tolled = await alice.invite('sip:fred@toll.test');
  assert.equal(tolled.response.status, 200, tolled.response.text);
  const tolls = await inProxyLog(/toll: INVITE hops (\d+)/g, 2);
  assert.deepEqual(tolls.map(([, hops]) => hops === '0'), [false, true], 'one question, which nobody behind the proxy sees');
  assert.equal((await alice.inDialog(tolled.dialog, 'BYE')).status, 200);

  const asked = [];
  const eve = await telephone({
    user: 'eve',
    answer: (invite, self) => {
      asked.push(invite);
      self.respond(invite, 401, 'Who Are You', { extra: ['WWW-Authenticate: Digest realm="eve.test", nonce="n", qop="auth"'] });
    },
  });
  assert.equal((await eve.register()).status, 200);
  const { response } = await alice.invite('sip:eve@elsewhere.test');
  assert.equal(response.status, 503, response.text);
  assert.equal(asked.length, 1, 'the question whose challenge it is never came to her');
  assert.equal(asked[0].header('authorization') ?? asked[0].header('proxy-authorization'), undefined);
  await server.logged('challenged in the realm');
  assert.match(server.log(), /challenged in the realm .{0,3}eve\.test/);
  for (const agent of [fred, alice, eve]) agent.close();
});

/** A registration of the voicemail, and as which instance. */
const INSTANCE = /registered: voicemail .*\+sip\.instance="<(urn:uuid:[^>]+)>"/g;

test('after the proxy was away, and after we were killed, the voicemail registers again; who rang elsewhere for our caller rings no more', async () => {
  await kamailio.stop();
  await upstreamIs('connecting');
  kamailio = await startKamailio(kamailio.ports);
  await upstreamIs('registered');
  const eve = await telephone({
    user: 'eve', answer: (invite, self) => { self.ringing = invite; self.respond(invite, 180, 'Ringing'); },
  });
  assert.equal((await eve.register()).status, 200);
  const alice = await new SipAgent({ url: server.url, domain: DOMAIN, user: 'alice', password: 'alice-demo' }).connect();
  await new Promise((rings) => { alice.invite('sip:eve@elsewhere.test', { onProvisional: rings }).catch(() => {}); });
  await server.kill9();
  const before = await inProxyLog(INSTANCE, 1);
  server = await start();
  await upstreamIs('registered');
  const all = await inProxyLog(INSTANCE, before.length + 1);
  assert.equal(new Set(all.map(([, instance]) => instance)).size, 1, 'one instance over all starts (RFC 5626)');
  await eve.expect('CANCEL', (message) => message.method === 'CANCEL' && !message.status);
  eve.close();
  alice.close();
  const dora = await telephone({ user: 'dora' });
  await leaveCall(dora);
  dora.close();
});
