// What an operator sees and does: users by command, metrics, and a log that helps without giving anybody away.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { SipAgent, sessionInfo, takeSession } from './sip-agent.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const ADMIN = 'dev-admin-token';
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

const admin = (words, env) => operate('users', words, env);

async function operate(what, words, env = { AFTERBEEP_ADMIN_TOKEN: ADMIN }) {
  const [program, ...first] = process.env.XTASK_BINARY ? [process.env.XTASK_BINARY] : ['cargo', 'xtask'];
  const child = spawn(program, [...first, 'admin', what, ...words], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let log = '';
  child.stdout.on('data', (data) => { out += data; });
  child.stderr.on('data', (data) => { log += data; });
  const code = await new Promise((done) => child.once('close', done));
  return { code, out, log };
}

const metrics = async () => {
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN}` } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split('\n').filter((line) => line && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]));
};

/** The log's lines about requests. */
const records = () => server.log().split('\n').filter((line) => line.includes('"event":"request"')).map((line) => JSON.parse(line.slice(line.indexOf('{'))));

/** Looks again until it is there: the log comes through a pipe of its own. */
async function record(fits) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = records().find(fits);
    if (found || Date.now() > deadline) return found;
    await new Promise((next) => setTimeout(next, 20));
  }
}

test('users are listed, made, changed and signed in by command', async () => {
  const listed = await admin(['list', '--server', server.url]);
  assert.equal(listed.code, 0, listed.log);
  for (const name of ['alice', 'bob', 'carol']) assert.match(listed.out, new RegExp(`^sip:${name}@localhost\t`, 'm'));

  const put = (password) => admin(['put', 'dora', '--name', 'Dora', '--server', server.url], { AFTERBEEP_ADMIN_TOKEN: ADMIN, AFTERBEEP_USER_PASSWORD: password });
  assert.match((await put('first password')).out, /^sip:dora@localhost was made$/m);
  assert.match((await put('second password')).out, /^sip:dora@localhost was changed/m);
  assert.match((await admin(['--server', server.url])).out, /^sip:dora@localhost\tDora\t0\t0\t0$/m);

  const { out: token } = await admin(['login', 'dora', '--server', server.url]);
  const mailbox = await fetch(`${server.url}/mailbox`, { headers: { authorization: `Bearer ${token.trim()}` } });
  assert.equal((await mailbox.json()).display_name, 'Dora');
});

test('a telephone number is given to a user by command, and calls to it reach that user until it is taken away', async () => {
  const numbers = (...words) => operate('numbers', [...words, '--server', server.url]);
  const given = await numbers('put', 'carol', '+49 30 123456');
  assert.equal(given.out.trim(), '+4930123456 leads to carol', given.log);
  assert.equal((await numbers('list', 'carol')).out, '+4930123456\n');
  const refused = await numbers('put', 'bob', 'tel:+49-30-123456');
  assert.match(refused.log, /answered 409: This number is of sip:carol@localhost/);
  const caller = await new SipAgent({ url: server.url }).connect();
  const { response, dialog } = await caller.invite('tel:+49-30-123456', { displayName: 'Anna' });
  assert.equal(response.status, 200, response.text);
  const info = await caller.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  assert.equal(sessionInfo(info.body)['Called Party'], 'sip:carol@localhost');
  assert.equal((await caller.inDialog(dialog, 'BYE')).status, 200);
  assert.match((await numbers('delete', 'carol', '+4930123456')).out, /does not lead to carol any more/);
  assert.equal((await caller.invite('tel:+49-30-123456')).response.status, 404);
  caller.close();
});

test('an admin command that cannot work says what to do, and sends no token in the clear', async () => {
  const wrong = await admin(['list', '--server', server.url], { AFTERBEEP_ADMIN_TOKEN: 'wrong' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.log, /answered 401.*request [0-9a-f]{32}\n {2}What to do: give the admin token/s);
  const clear = await admin(['list', '--server', 'http://edge.example.com']);
  assert.match(clear.log, /not an https address/);
  const silent = await admin(['list', '--server', server.url], { AFTERBEEP_ADMIN_TOKEN: '' });
  assert.match(silent.log, /AFTERBEEP_ADMIN_TOKEN is not set/);
});

test('metrics are for the operator, and count users over all shards', async () => {
  assert.equal((await fetch(`${server.url}/metrics`)).status, 401);
  const before = await metrics();
  assert.deepEqual(Object.keys(before), [
    'afterbeep_users', 'afterbeep_messages{state="new"}', 'afterbeep_messages{state="old"}', 'afterbeep_storage_bytes',
    'afterbeep_notifications{state="waiting"}', 'afterbeep_notifications{state="failed"}',
  ]);
  for (const name of ['u1', 'u2', 'u3', 'u4', 'u5']) {
    const made = await admin(['put', name, '--server', server.url], { AFTERBEEP_ADMIN_TOKEN: ADMIN, AFTERBEEP_USER_PASSWORD: 'a password' });
    assert.equal(made.code, 0, made.log);
  }
  assert.equal((await metrics()).afterbeep_users, before.afterbeep_users + 5);
});

test('each request is one line with the id that its client sees, a masked address and no secret', async () => {
  const refused = await fetch(`${server.url}/mailbox/messages/m1?token=nothing`, { headers: { authorization: 'Bearer l1.not.a.token' } });
  const problem = await refused.json();
  assert.equal(refused.headers.get('x-request-id'), problem.request_id);
  const line = await record(({ request_id: id }) => id === problem.request_id);
  assert.deepEqual([line.method, line.route, line.status], ['GET', '/mailbox/messages/{id}', 401]);
  assert.equal(typeof line.ms, 'number');

  const answer = await fetch(`${server.url}/login`, { method: 'POST', body: JSON.stringify({ address: 'bob', password: 'bob-demo' }) });
  const { token } = await answer.json();
  const signedIn = await record(({ request_id: id }) => id === answer.headers.get('x-request-id'));
  assert.deepEqual([signedIn.route, signedIn.status, signedIn.address], ['/login', 200, 'sip:b***@localhost']);

  const { ID: session } = await takeSession(server, 'bob');
  await fetch(`${server.url}/sessions/current`, { headers: { authorization: `Bearer ${session}` } });
  assert.ok(await record(({ route }) => route === '/sessions/current'));
  assert.ok(await record(({ route, status }) => route === '/sip' && status === 101));
  for (const secret of [token, session, ADMIN, 'bob-demo', 'bob@']) assert.ok(!server.log().includes(secret), 'the log gives nobody away');
});
