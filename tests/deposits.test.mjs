// What the edge does with a deposit, seen from outside: tokens, exactly once, a lost KV, webhooks.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startServer, temporaryFolder } from './harness.mjs';
import { signIn } from './page.mjs';
import { SipAgent, takeSession } from './sip-agent.mjs';
import { speechOpus } from './sound.mjs';

const state = temporaryFolder('deposits-state');
const voice = speechOpus(temporaryFolder('deposits-sound'));
let server;

before(async () => {
  server = await startServer({ state });
});
after(() => server?.stop());

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const metadata = (values) => Object.entries(values).map(([key, value]) => `${key} ${Buffer.from(String(value)).toString('base64')}`).join(',');

async function deposit(token, { body = voice, id = randomUUID(), headers = {}, values = {} } = {}) {
  return fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', 'upload-length': String(body.length),
      'content-type': 'application/offset+octet-stream',
      'upload-metadata': metadata({ filetype: 'audio/ogg', deposit_id: id, sha256: sha256(body), kind: 'voice', ...values }), ...headers,
    },
    body,
  });
}

/** Sends only the head of a deposit that promises a body, and reads the answer: nothing of the body was ever sent. */
function answerToHead(token, values = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write([
      'POST /deposits HTTP/1.1', `Host: 127.0.0.1:${server.port}`, `Authorization: Bearer ${token}`, 'Tus-Resumable: 1.0.0',
      'Upload-Length: 500000', 'Content-Length: 500000', 'Content-Type: application/offset+octet-stream',
      `Upload-Metadata: ${metadata({ filetype: 'audio/ogg', deposit_id: randomUUID(), ...values })}`, '', '',
    ].join('\r\n')));
    let text = '';
    socket.setTimeout(60_000, () => { socket.destroy(); reject(new Error('the server waited for the body')); });
    socket.on('error', reject);
    socket.on('data', (data) => {
      text += data;
      const [head, body] = text.split('\r\n\r\n');
      const json = body?.match(/\{.*\}/s);
      if (!json) return;
      socket.destroy();
      resolve({ status: Number(head.split(' ')[1]), code: JSON.parse(json[0]).code });
    });
  });
}

test('a forged, an expired, a revoked and a foreign token are refused before a body byte, each with its code', async () => {
  const bob = await signIn(server, 'bob');
  const { ID } = await takeSession(server, 'bob');
  const forged = `${ID.slice(0, -2)}${ID.endsWith('AA') ? 'BB' : 'AA'}`;
  assert.deepEqual(await answerToHead(forged), { status: 401, code: 'token_forged' });
  assert.deepEqual(await answerToHead('nonsense'), { status: 401, code: 'token_malformed' });
  assert.deepEqual(await answerToHead(bob.token), { status: 401, code: 'token_foreign' });
  assert.deepEqual(await answerToHead(ID, { callee: 'sip:carol@localhost' }), { status: 401, code: 'token_foreign' });

  const current = await (await fetch(`${server.url}/sessions/current`, { headers: { authorization: `Bearer ${ID}` } })).json();
  assert.equal((await bob.call('POST', `/mailbox/sessions/${current.session_id}/revoke`)).status, 204);
  assert.deepEqual(await answerToHead(ID), { status: 403, code: 'session_revoked' });

  const shortLived = await startServer({ env: { AFTERBEEP_SESSION_TTL_S: '1' } });
  try {
    const { ID: brief, Expires } = await takeSession(shortLived, 'bob');
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(Expires) - Date.now()) + 1100));
    const answer = await fetch(`${shortLived.url}/deposits`, {
      method: 'POST', headers: { authorization: `Bearer ${brief}`, 'tus-resumable': '1.0.0', 'upload-length': '10' },
    });
    assert.deepEqual([answer.status, (await answer.json()).code], [401, 'token_expired']);
  } finally {
    await shortLived.stop();
  }
  assert.equal((await bob.messages()).length, 0);
});

test("another session's token neither sees nor touches an upload", async () => {
  const [mine, other] = [await takeSession(server, 'bob'), await takeSession(server, 'carol')];
  const created = await fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: { authorization: `Bearer ${mine.ID}`, 'tus-resumable': '1.0.0', 'upload-length': String(voice.length), 'upload-metadata': metadata({ filetype: 'audio/ogg', deposit_id: randomUUID() }) },
  });
  assert.equal(created.status, 201);
  const location = new URL(created.headers.get('location'), `${server.url}/deposits`);
  for (const method of ['HEAD', 'DELETE']) {
    const answer = await fetch(location, { method, headers: { authorization: `Bearer ${other.ID}`, 'tus-resumable': '1.0.0' } });
    assert.equal(answer.status, 404, method);
  }
  const own = await fetch(location, { method: 'HEAD', headers: { authorization: `Bearer ${mine.ID}`, 'tus-resumable': '1.0.0' } });
  assert.deepEqual([own.status, own.headers.get('upload-offset')], [200, '0']);
  await fetch(location, { method: 'DELETE', headers: { authorization: `Bearer ${mine.ID}`, 'tus-resumable': '1.0.0' } });
});

test('the same deposit again gets the same receipt and makes one message; other content is a conflict', async () => {
  const bob = await signIn(server, 'bob');
  const { ID } = await takeSession(server, 'bob');
  const id = randomUUID();
  const first = await deposit(ID, { id });
  assert.equal(first.status, 201, await first.clone().text());
  const receipt = first.headers.get('afterbeep-receipt');
  assert.ok(receipt);
  const claims = JSON.parse(Buffer.from(receipt.split('.')[1], 'base64url'));
  assert.ok(JSON.stringify(claims).includes(sha256(voice)), JSON.stringify(claims));
  const again = await deposit(ID, { id });
  assert.equal(again.headers.get('afterbeep-receipt'), receipt);
  const head = await fetch(new URL(first.headers.get('location'), `${server.url}/deposits`), { method: 'HEAD', headers: { authorization: `Bearer ${ID}`, 'tus-resumable': '1.0.0' } });
  assert.equal(head.headers.get('afterbeep-receipt'), receipt);
  assert.equal((await deposit(ID, { id, body: voice.subarray(0, -100) })).status, 409);
  const messages = await bob.messages();
  assert.equal(messages.length, 1);
  const media = await fetch(new URL(messages[0].media_url, server.url));
  assert.deepEqual(Buffer.from(await media.arrayBuffer()), Buffer.from(voice));
  const part = await fetch(new URL(messages[0].media_url, server.url), { headers: { range: 'bytes=10-19' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 10-19/${voice.length}`]);
  assert.equal((await bob.call('DELETE', `/mailbox/messages/${messages[0].id}`)).status, 204);
  assert.equal((await deposit(ID, { id })).headers.get('afterbeep-receipt'), receipt, 'the receipt outlives the message');
  assert.equal((await bob.messages()).length, 0, 'a late retry revives nothing');
});

test('an upload in pieces survives kill -9 of the server and completes once', async () => {
  const { ID } = await takeSession(server, 'carol');
  const headers = { authorization: `Bearer ${ID}`, 'tus-resumable': '1.0.0' };
  const created = await fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: { ...headers, 'upload-length': String(voice.length), 'upload-metadata': metadata({ filetype: 'audio/ogg', deposit_id: randomUUID(), sha256: sha256(voice) }) },
  });
  assert.equal(created.status, 201);
  const path = new URL(created.headers.get('location'), `${server.url}/deposits`).pathname;
  const patch = (offset, body) => fetch(server.url + path, { method: 'PATCH', headers: { ...headers, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }, body });
  const half = voice.length >> 1;
  assert.equal((await patch(0, voice.subarray(0, half))).headers.get('upload-offset'), String(half));
  await server.kill9();
  server = await startServer({ state });
  const head = await fetch(server.url + path, { method: 'HEAD', headers });
  assert.equal(head.headers.get('upload-offset'), String(half));
  const last = await patch(half, voice.subarray(half));
  assert.equal(last.status, 204);
  assert.ok(last.headers.get('afterbeep-receipt'));
  assert.equal((await patch(voice.length, new Uint8Array())).headers.get('afterbeep-receipt'), last.headers.get('afterbeep-receipt'));
  const carol = await signIn(server, 'carol');
  assert.equal((await carol.messages()).length, 1);
});

test('a validly signed token deposits although KV has lost its session', async () => {
  const { ID } = await takeSession(server, 'alice');
  await server.stop();
  assert.ok((await loseSessions(join(state, 'kv'))) >= 1, 'there was a session in KV to lose');
  server = await startServer({ state });
  const answer = await deposit(ID);
  assert.equal(answer.status, 201, await answer.clone().text());
  assert.equal((await (await signIn(server, 'alice')).messages()).length, 1);
});

/** Deletes every pending session from the KV database files; gives back how many there were. */
async function loseSessions(folder) {
  const { DatabaseSync } = await import('node:sqlite');
  let lost = 0;
  for (const name of readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(folder, name));
    try {
      lost += Number(database.prepare("DELETE FROM _mf_entries WHERE key LIKE 'session:%'").run().changes);
    } catch (error) {
      if (!/no such table/.test(error.message)) throw error;
    } finally {
      database.close();
    }
  }
  return lost;
}

test('a webhook that is down three times is delivered once, by id, with a signature that others verify', async () => {
  const tries = [];
  const endpoint = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part)).on('end', () => {
      tries.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.writeHead(tries.length <= 3 ? 503 : 204).end();
    });
  });
  await new Promise((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  try {
    const bob = await signIn(server, 'bob');
    const hook = await bob.call('POST', '/mailbox/webhooks', { url: `http://127.0.0.1:${endpoint.address().port}/hook` });
    assert.equal(hook.status, 201, await hook.clone().text());
    const { secret, id } = await hook.json();
    const { ID } = await takeSession(server, 'bob');
    assert.equal((await deposit(ID)).status, 201);
    const deadline = Date.now() + 120_000;
    while (tries.length < 4 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(tries.length, 4);
    assert.equal(new Set(tries.map(({ headers }) => headers['webhook-id'])).size, 1, 'one id for all tries');
    const event = new Webhook(secret).verify(tries[3].body, tries[3].headers);
    assert.equal(event.type, 'message.deposited');
    assert.throws(() => new Webhook(secret).verify(`${tries[3].body} `, tries[3].headers));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.equal(tries.length, 4, 'nothing is sent after success');
    assert.equal((await bob.call('DELETE', `/mailbox/webhooks/${id}`)).status, 204);
  } finally {
    endpoint.close();
  }
});

test('the phone of the callee is told of a new message at once', async () => {
  const phone = await new SipAgent({ url: server.url, user: 'bob', password: 'bob-demo' }).connect();
  assert.equal((await phone.register()).status, 200);
  const { ID } = await takeSession(server, 'bob');
  assert.equal((await deposit(ID)).status, 201);
  const notify = await phone.expect('NOTIFY with a new message', (message) => message.method === 'NOTIFY' && /Messages-Waiting:\s*yes/i.test(message.body) && Number(message.body.match(/Voice-Message:\s*(\d+)/i)?.[1]) >= 1);
  assert.equal(notify.header('event'), 'message-summary');
  phone.close();
});

test('a blocked caller gets no session and is told so', async () => {
  const bob = await signIn(server, 'bob');
  assert.equal((await bob.call('POST', '/mailbox/blocks', { address: 'sip:alice@localhost' })).status, 204);
  const alice = await new SipAgent({ url: server.url, user: 'alice', password: 'alice-demo' }).connect();
  assert.equal((await alice.invite('sip:voicemail@localhost;target=sip:bob%40localhost;cause=302')).response.status, 200);
  const bye = await alice.expect('BYE', (message) => message.method === 'BYE' && !message.status);
  assert.match(bye.header('reason'), /cause=403/);
  assert.ok(!alice.received.some((message) => message.method === 'INFO'), 'no session token for a blocked caller');
  alice.close();
});
