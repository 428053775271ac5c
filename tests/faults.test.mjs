// The server dies by kill -9 in mid-upload and at every fault point of a commit: after the restart the same
// deposit completes, once, with the same bytes and the same receipt, and the callee is told of every one.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { mediaOf, signIn } from './page.mjs';
import { takeSession } from './sip-agent.mjs';
import { speechOpus } from './sound.mjs';

const voice = speechOpus(temporaryFolder('faults-sound'));
const half = voice.length >> 1;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A try of which the dead process heard nothing is made again after 20 s, one that was killed twice later still. */
const TOLD_WITHIN_MS = 100_000;

/** Takes what the server posts and says yes. */
const told = new Set();
const endpoint = createServer((request, response) => {
  told.add(request.headers['webhook-id']);
  request.resume().on('end', () => response.writeHead(204).end());
});
await new Promise((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
after(() => endpoint.close());

/** One message on its way up, as tus 1.0.0 sends it; `server` is whichever runs now. */
class Deposit {
  constructor(token) {
    this.id = randomUUID();
    this.headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  }

  #send(server, method, path, headers, body, fault) {
    const point = fault ? { 'afterbeep-fault-point': fault } : {};
    return fetch(server.url + path, { method, body, headers: { ...this.headers, ...headers, ...point } });
  }

  #creation() {
    const values = { filetype: 'audio/ogg', deposit_id: this.id, sha256: sha256(voice), kind: 'voice' };
    const words = Object.entries(values).map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`);
    return { 'upload-length': String(voice.length), 'upload-metadata': words.join(',') };
  }

  /** Everything in one request. */
  whole(server, fault) {
    return this.#send(server, 'POST', '/deposits', { ...this.#creation(), 'content-type': 'application/offset+octet-stream' }, voice, fault);
  }

  create(server) {
    return this.#send(server, 'POST', '/deposits', this.#creation());
  }

  head(server) {
    return this.#send(server, 'HEAD', `/deposits/${this.id}.0`, {});
  }

  patch(server, from, to, fault) {
    const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(from) };
    return this.#send(server, 'PATCH', `/deposits/${this.id}.0`, headers, voice.subarray(from, to), fault);
  }

  /** Goes on where the server stands until there is a receipt. */
  async complete(server, inOneRequest) {
    if (inOneRequest) return (await this.whole(server)).headers.get('afterbeep-receipt');
    const head = await this.head(server);
    assert.equal(head.status, 200);
    const last = await this.patch(server, Number(head.headers.get('upload-offset')), voice.length);
    return last.headers.get('afterbeep-receipt');
  }
}

/** Where the process stops, and how many messages the callee must have after it: unknown before the disk is asked. */
const IN_ONE_REQUEST = [
  // First, so that their second tries come while the others are stopped.
  ['mailbox.before-post', 1],
  ['mailbox.after-post', 1],
  ['mailbox.before-commit', 0],
  ['mailbox.after-commit'],
  ['mailbox.before-signal', 1],
  ['mailbox.after-signal', 1],
  ['line.after-commit', 1],
  ['front.before-answer', 1],
];
const IN_PIECES = [
  ['upload.before-commit', 0],
  ['upload.before-put', 0],
  ['upload.after-put', 0],
  ['upload.before-ask', 0],
  ['mailbox.before-commit', 0],
  ['mailbox.after-commit'],
  ['upload.after-ask', 1],
  ['upload.before-answer', 1],
  ['front.before-answer', 1],
];

/** Kills at each point in turn; the next server completes what was stopped before. */
async function killAtEach(points, inOneRequest, { env = {}, callee, webhook = false }) {
  const state = temporaryFolder('faults-state');
  const start = () => startServer({ state, env, faults: true });
  let server = await start();
  let owner = await signIn(server, callee);
  if (webhook) {
    const hook = await owner.call('POST', '/mailbox/webhooks', { url: `http://127.0.0.1:${endpoint.address().port}/hook` });
    assert.equal(hook.status, 201, await hook.clone().text());
  }
  let count = 0;
  for (const [point, expected] of points) {
    const deposit = new Deposit((await takeSession(server, callee)).ID);
    if (!inOneRequest) {
      assert.equal((await deposit.create(server)).status, 201);
      assert.equal((await deposit.patch(server, 0, half)).headers.get('upload-offset'), String(half));
    }
    const stopped = (inOneRequest ? deposit.whole(server, point) : deposit.patch(server, half, voice.length, point)).catch(() => undefined);
    await server.logged(`fault points of a test-only build: reached ${point}`);
    process.kill(Number(readFileSync(join(state, 'workerd.pid'), 'utf8')), 'SIGKILL');
    await server.kill9();
    await stopped;

    server = await start();
    owner = await signIn(server, callee);
    if (expected !== undefined) assert.equal((await owner.messages()).length, count + expected, `${point}: what is there before the repeat`);
    const receipt = await deposit.complete(server, inOneRequest);
    assert.ok(receipt, `${point}: a receipt after the restart`);
    assert.equal(await deposit.complete(server, inOneRequest), receipt, `${point}: the same receipt again`);
    const messages = await owner.messages();
    count += 1;
    assert.equal(messages.length, count, `${point}: one message`);
    assert.ok((await mediaOf(server, messages[0])).equals(Buffer.from(voice)), `${point}: the same bytes`);
  }
  await server.stop();
  return state;
}

/** The intents to tell webhooks that a mailbox still holds. */
function intentsIn(state) {
  const found = [];
  for (const name of readdirSync(state, { recursive: true }).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(state, name), { readOnly: true });
    const [table] = database.prepare("SELECT name FROM sqlite_master WHERE name = 'outbox'").all();
    if (table) found.push(...database.prepare("SELECT id FROM outbox WHERE kind = 'webhook' AND state = 'waiting'").all().map(({ id }) => id));
    database.close();
  }
  return found;
}

describe('kill -9 at every fault point', { concurrency: true }, () => {
  test('of a deposit in one request: it completes once, and the webhook hears of every message', async () => {
    const state = await killAtEach(IN_ONE_REQUEST, true, { callee: 'bob', webhook: true });
    const ids = new Set([...told, ...intentsIn(state)]);
    assert.equal(ids.size, IN_ONE_REQUEST.length, 'each message is told or will be, under one id');
    const server = await startServer({ state, faults: true });
    const end = Date.now() + TOLD_WITHIN_MS;
    while (told.size < IN_ONE_REQUEST.length && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
    await server.stop();
    assert.equal(told.size, IN_ONE_REQUEST.length, 'what a crash kept back is told after it');
  });

  test('of a deposit in pieces, with its bytes in the blob store: it completes once', async () => {
    await killAtEach(IN_PIECES, false, { callee: 'carol', env: { AFTERBEEP_MEDIA_STORE: 'r2' } });
  });
});
