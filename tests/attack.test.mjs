// What strangers try at the live server: broken requests by the hundred, the same deposit twenty times at
// once, an upload taken back while it runs, other people's calls, guessed passwords. It goes on answering.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { get, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { signIn } from './page.mjs';
import { SipAgent, sessionInfo } from './sip-agent.mjs';
import { speechOpus } from './sound.mjs';

const voice = speechOpus(temporaryFolder('attack-sound'));
const VOICEMAIL = 'sip:voicemail@localhost;target=sip:bob%40localhost;cause=302';
const DEATHS = /panic|unreachable|RuntimeError|memory access|already borrowed/i;
let server;
let bob;

before(async () => {
  server = await startServer();
  bob = await signIn(server, 'bob');
});
after(async () => {
  assert.doesNotMatch(server?.log() ?? '', DEATHS, 'nothing has died');
  await server?.stop();
});

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const metadata = (values) => Object.entries(values).map(([key, value]) => `${key} ${Buffer.from(String(value)).toString('base64')}`).join(',');
const messages = () => bob.messages();

async function takeSession() {
  const caller = await new SipAgent({ url: server.url }).connect();
  const { response } = await caller.invite(VOICEMAIL);
  assert.equal(response.status, 200, response.text);
  const info = await caller.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  caller.close();
  return sessionInfo(info.body).ID;
}

const headers = (token, more) => ({ authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', ...more });

const deposit = (token, { id = randomUUID(), body = voice, values = {} } = {}) => fetch(`${server.url}/deposits`, {
  method: 'POST',
  headers: headers(token, {
    'upload-length': String(body.length), 'content-type': 'application/offset+octet-stream', 'upload-metadata': metadata({ deposit_id: id, ...values }),
  }),
  body,
});

/** Numbers that are the same in every run. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SPLINTERS = ['', '\0', '%', '%zz', '%00', '../', '-1', '9'.repeat(30), 'NaN', '"', '\\', '\t', '\xff\xfe', ',', ';', ':', '=', '<', '>', '@', '\r\n', '\n', 'a'.repeat(3000)];

/** The text with a few places broken. */
function broken(text, next) {
  let out = text;
  for (let count = 1 + next(3); count > 0; count -= 1) {
    const at = next(out.length + 1);
    const rest = [out.slice(at), out.slice(at + 1 + next(16)), String.fromCharCode(next(256)) + out.slice(at + 1)][next(3)];
    out = out.slice(0, at) + (next(2) ? SPLINTERS[next(SPLINTERS.length)] : '') + rest;
  }
  return out;
}

/** Status of the answer to these bytes; 0 if there is none, which a broken request may deserve. */
function statusOf(text) {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(Buffer.from(text, 'latin1')));
    const done = (status) => { socket.destroy(); resolve(status); };
    socket.setTimeout(400, () => done(0));
    socket.on('error', () => done(0));
    socket.on('close', () => resolve(0));
    socket.on('data', (data) => done(Number(data.toString('latin1').split(' ')[1])));
  });
}

test('broken requests are answered as such, hundreds of them, and nothing dies', async () => {
  const token = await takeSession();
  const full = metadata({ filetype: 'audio/ogg', duration_ms: 100, recorded_at: '2026-01-01T00:00:00Z', part: 0, parts: 1, gain_db: 1.5, waveform: 'AAAA', sha256: '00'.repeat(32) });
  const tus = `Authorization: Bearer ${token}\r\nTus-Resumable: 1.0.0`;
  const heads = [
    `GET /mailbox/messages?state=new&after=3&limit=5 HTTP/1.1\r\nAuthorization: Bearer ${bob.token}`,
    'GET /mailbox/messages/abc/media?part=1&token=m1.x.AAAA.BBBB HTTP/1.1\r\nRange: bytes=0-10',
    'GET /greetings/m1.dev1.AAAA.BBBB HTTP/1.1\r\nRange: bytes=-1',
    `POST /deposits HTTP/1.1\r\n${tus}\r\nUpload-Length: 10\r\nContent-Length: 0\r\nUpload-Metadata: ${full}`,
    `PATCH /deposits/a.0 HTTP/1.1\r\n${tus}\r\nUpload-Offset: 0\r\nContent-Length: 0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Checksum: sha1 AAAA\r\nRepr-Digest: sha-256=:AAAA:`,
    `POST /mailbox HTTP/1.1\r\nAuthorization: Bearer ${bob.token}\r\nX-HTTP-Method-Override: FOO BAR\r\nContent-Length: 0`,
    'GET /admin/users?after=1:x HTTP/1.1\r\nAuthorization: Bearer dev-admin-token',
    'POST /login HTTP/1.1\r\nContent-Length: 2',
  ];
  const next = generator(7);
  const storm = async () => {
    for (let count = 0; count < 80; count += 1) {
      const [start, ...fields] = heads[next(heads.length)].split('\r\n');
      const text = broken([start, ...fields].join('\r\n'), next);
      // The runtime itself gives up on a broken Host, so that one stays whole.
      const status = await statusOf(`${text.replace(/\bhost:/gi, 'x:')}\r\nHost: 127.0.0.1:${server.port}\r\n\r\n{}`);
      assert.ok(status < 500 || status === 501, `${status}: ${JSON.stringify(text)}`);
    }
  };
  await Promise.all([storm(), storm(), storm()]);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});

test('broken SIP frames are answered or dropped, hundreds of them, and calls go on', async () => {
  const line = (user) => [`Via: SIP/2.0/WS h.invalid;branch=z9hG4bK${user};rport`, 'Max-Forwards: 70', 'From: "X" <sip:x@y.example>;tag=a1', `To: <sip:${user}@localhost>`, 'Call-ID: c1'].join('\r\n');
  const frames = [
    `INVITE sip:bob@localhost SIP/2.0\r\n${line('bob')}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@h.invalid;transport=ws>\r\nContent-Type: application/sdp\r\nContent-Length: 40\r\n\r\nv=0\r\ns=-\r\nt=0 0\r\nm=audio 9 X 111\r\n`,
    `REGISTER sip:localhost SIP/2.0\r\n${line('alice')}\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@h.invalid>;expires=60;q=0.5\r\nAuthorization: Digest username="alice", realm="localhost", nonce="00", uri="sip:localhost", response="00", nc=00000001, qop=auth, cnonce="a"\r\nContent-Length: 0\r\n\r\n`,
    `BYE sip:bob@localhost SIP/2.0\r\n${line('bob')};tag=b\r\nRoute: <sip:dev1.AAAA.BBBB@localhost;transport=ws;lr>\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n`,
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS localhost;branch=z9hG4bKx;at=dev1.AAAA.BBBB\r\nFrom: <sip:bob@localhost>;tag=1\r\nTo: <sip:x@y>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n`,
  ];
  const next = generator(11);
  for (let socket = 0; socket < 4; socket += 1) {
    const mallory = await new SipAgent({ url: server.url }).connect();
    for (let count = 0; count < 100; count += 1) mallory.send(broken(frames[next(frames.length)], next));
    mallory.close();
  }
  assert.ok(await takeSession());
});

test('a socket is for SIP only, and an empty answer says nothing of its encoding', async () => {
  for (const offer of [undefined, 'chat', 'sip']) {
    const status = await new Promise((resolve) => {
      const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...(offer ? { 'sec-websocket-protocol': offer } : {}) };
      const asking = get(`${server.url}/sip`, { headers }, (answer) => { answer.resume(); resolve(answer.statusCode); });
      asking.on('upgrade', (answer, socket) => { socket.destroy(); resolve(answer.statusCode); });
    });
    assert.equal(status, offer === 'sip' ? 101 : 400, offer);
  }
  const options = await new Promise((resolve) => {
    request(`${server.url}/deposits`, { method: 'OPTIONS', headers: { 'accept-encoding': 'gzip' } }, resolve).end();
  });
  assert.deepEqual([options.statusCode, options.headers['content-encoding']], [204, undefined]);
});

test('whoever sends a body drop by drop is told that it took too long', async () => {
  const socket = connect(server.port, '127.0.0.1');
  const said = new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString('latin1')));
    socket.once('close', () => reject(new Error('no answer')));
  });
  socket.write(`POST /login HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
  const drops = setInterval(() => socket.write(' '), 500);
  assert.match(await said, /^HTTP\/1.1 408 /);
  clearInterval(drops);
  socket.destroy();
});

test('the same deposit twenty times at once is one message with one receipt', async () => {
  const token = await takeSession();
  const held = (await messages()).length;
  for (const id of [randomUUID(), undefined]) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => deposit(token, { id })));
    const receipts = new Set(answers.map((answer) => answer.headers.get('afterbeep-receipt')).filter(Boolean));
    assert.deepEqual([answers.filter((answer) => answer.status === 201).length, receipts.size], id ? [20, 1] : [0, 0]);
  }
  assert.equal((await messages()).length, held + 1);
});

test('an upload that is taken back while it runs never becomes a message', async () => {
  const token = await takeSession();
  const held = (await messages()).length;
  const body = Buffer.concat([voice, Buffer.alloc(3 << 20)]);
  const id = randomUUID();
  await fetch(`${server.url}/deposits`, { method: 'POST', headers: headers(token, { 'upload-length': String(body.length), 'upload-metadata': metadata({ deposit_id: id }) }) });
  const upload = `${server.url}/deposits/${id}.0`;
  const socket = connect(server.port, '127.0.0.1');
  const said = new Promise((resolve) => { socket.once('data', (data) => resolve(data.toString('latin1'))); });
  socket.on('error', () => {});
  socket.write(`PATCH /deposits/${id}.0 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: ${body.length}\r\n${Object.entries(headers(token)).map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`);
  socket.write(body.subarray(0, 1 << 20));
  const offset = async () => Number((await fetch(upload, { method: 'HEAD', headers: headers(token) })).headers.get('upload-offset'));
  while (!(await offset())) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await fetch(upload, { method: 'DELETE', headers: headers(token) })).status, 204);
  socket.write(body.subarray(1 << 20));
  assert.match(await said, /^HTTP\/1.1 4(09|10) /);
  socket.destroy();
  assert.equal((await fetch(upload, { method: 'HEAD', headers: headers(token) })).status, 410);
  assert.equal((await messages()).length, held);
});

test('what a sender calls text or a picture runs in no browser', async () => {
  const page = Buffer.from('<html><script>alert(1)</script></html>');
  for (const [values, type] of [[{ kind: 'text', filetype: 'text/html' }, 'text/plain; charset=utf-8'], [{ kind: 'attachment', filetype: 'image/svg+xml' }, 'application/octet-stream']]) {
    assert.equal((await deposit(await takeSession(), { body: page, values })).status, 201);
    const [{ media_url: media }] = await messages();
    const answer = await fetch(media);
    assert.equal(answer.headers.get('content-type'), type);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-disposition'), /^attachment;/);
    assert.match(answer.headers.get('content-security-policy'), /default-src 'none'.*sandbox/);
  }
});

test('strangers end no call of others, learn no address by OPTIONS and guess no password', async () => {
  const caller = await new SipAgent({ url: server.url }).connect();
  const { response, dialog } = await caller.invite(VOICEMAIL);
  assert.equal(response.status, 200);
  const mallory = await new SipAgent({ url: server.url }).connect();
  assert.equal((await mallory.inDialog(dialog, 'BYE')).status, 403);
  assert.equal((await caller.inDialog(dialog, 'BYE')).status, 200, 'the call was still there');

  for (const user of ['bob', 'nobody']) {
    const probe = { callId: randomUUID(), from: '<sip:x@anonymous.invalid>;tag=1', to: `<sip:${user}@localhost>`, target: `sip:${user}@localhost`, routes: [] };
    assert.equal((await mallory.inDialog(probe, 'OPTIONS')).status, 200, user);
  }

  const guess = async (user, password) => {
    const agent = await new SipAgent({ url: server.url, user, password }).connect();
    const { status } = await agent.register();
    agent.close();
    return status;
  };
  for (const user of ['carol', 'nobody']) {
    for (let count = 0; count < 20; count += 1) assert.equal(await guess(user, 'wrong'), 401);
    assert.equal(await guess(user, 'wrong'), 503, user);
  }
  assert.equal(await guess('bob', 'bob-demo'), 200, 'others are not concerned');
  caller.close();
  mallory.close();
});

test('one network tries unknown addresses only so often, however many connections it opens, and they leave nothing behind', async (context) => {
  const state = temporaryFolder('attack-unknown');
  const limited = await startServer({ state, env: { AFTERBEEP_LIMIT_INVITES_PER_MIN: '3' } });
  context.after(() => limited.stop());
  const statuses = [];
  for (let number = 0; number < 5; number += 1) {
    const caller = await new SipAgent({ url: limited.url }).connect();
    statuses.push((await caller.invite(`sip:nobody${number}@localhost`)).response.status);
    caller.close();
  }
  assert.deepEqual(statuses, [404, 404, 404, 503, 503]);
  for (let number = 0; number < 20; number += 1) {
    const phone = await new SipAgent({ url: limited.url, user: `ghost${number}`, password: '' }).connect();
    phone.send(`REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK${number}\r\nMax-Forwards: 70\r\nFrom: <sip:ghost${number}@localhost>;tag=1\r\nTo: <sip:ghost${number}@localhost>\r\nCall-ID: ghost${number}\r\nCSeq: 1 REGISTER\r\nContact: <sip:x.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n`);
    assert.equal((await phone.expect('a challenge', (message) => message.status >= 200)).status, 401);
    phone.close();
  }
  const folder = join(state, 'do', 'afterbeep-Line');
  const lines = readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name)).filter((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'account'").get();
    database.close();
    return table;
  });
  assert.equal(lines.length, 3, 'the three users have lines, and nobody else');
});
