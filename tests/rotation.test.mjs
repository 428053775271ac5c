// Keys are rotated between a call and its upload: every key has a younger one in front, or the old one is gone.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import { test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { mediaOf, signIn } from './page.mjs';
import { SipAgent, takeSession } from './sip-agent.mjs';
import { speechOpus } from './sound.mjs';
import { secretKey, signingKey } from '../xtask/runtime/secrets.mjs';

const voice = speechOpus(temporaryFolder('rotation-sound'));
const sha256 = createHash('sha256').update(voice).digest('hex');

const made = (kid) => ({ token: secretKey(kid), account: secretKey(kid), receipt: signingKey(kid) });
const settings = (...keys) => ({
  AFTERBEEP_TOKEN_KEYS: keys.map(({ token }) => token).join(','),
  AFTERBEEP_ACCOUNT_KEYS: keys.map(({ account }) => account).join(','),
  AFTERBEEP_RECEIPT_KEYS: JSON.stringify(keys.map(({ receipt }) => receipt)),
});

async function leave(server, token, id = randomUUID()) {
  const metadata = { filetype: 'audio/ogg', deposit_id: id, sha256, kind: 'voice' };
  return fetch(`${server.url}/deposits`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0', 'upload-length': String(voice.length),
      'content-type': 'application/offset+octet-stream',
      'upload-metadata': Object.entries(metadata).map(([key, value]) => `${key} ${btoa(value)}`).join(','),
    },
    body: voice,
  });
}

const receiptOf = (answer) => answer.headers.get('afterbeep-receipt');

/** The receipt's key id, if the published key of that name verifies it (RFC 7515) and it covers these bytes. */
async function signer(server, receipt) {
  const [head, payload, signature] = receipt.split('.');
  const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url'));
  assert.equal(alg, 'ES256');
  const { keys } = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
  const jwk = keys.find((key) => key.kid === kid);
  assert.ok(jwk, `the key ${kid} is published`);
  assert.equal(jwk.d, undefined, 'only its public part');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const good = verify('sha256', Buffer.from(`${head}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  assert.ok(good, 'the signature is right');
  assert.ok(Buffer.from(payload, 'base64url').toString().includes(sha256), 'it is about these bytes');
  return kid;
}

async function registers(server, algorithm, password = 'bob-demo') {
  const phone = await new SipAgent({ url: server.url, user: 'bob', password, algorithm }).connect();
  const { status } = await phone.register();
  phone.close();
  return status;
}

test('keys rotated between call and upload: nothing is lost, receipts of before verify, everybody signs in', async (context) => {
  const state = temporaryFolder('rotation-state');
  const [older, newer] = [made('k1'), made('k2')];
  let server = await startServer({ state, env: settings(older) });
  context.after(() => server.stop());
  const bob = await signIn(server, 'bob');
  const before = receiptOf(await leave(server, (await takeSession(server, 'bob')).ID));
  const { ID } = await takeSession(server, 'bob');
  await server.stop();

  server = await startServer({ state, env: settings(newer, older) });
  assert.equal(await signer(server, before), 'k1', 'a receipt of before verifies');
  const id = randomUUID();
  const answer = await leave(server, ID, id);
  assert.equal(answer.status, 201, 'a session token of before deposits');
  assert.equal(await signer(server, receiptOf(answer)), 'k2', 'new receipts name the new key');
  assert.equal(receiptOf(await leave(server, ID, id)), receiptOf(answer), 'and do not change');
  const list = await fetch(`${server.url}/mailbox/messages`, { headers: { authorization: `Bearer ${bob.token}` } });
  const { messages } = await list.json();
  assert.equal(messages.length, 2, 'a sign-in of before still counts');
  assert.ok((await mediaOf(server, messages[0])).equals(voice));
  assert.equal((await (await signIn(server, 'bob')).messages()).length, 2, 'the password signs in');
  for (const algorithm of ['MD5', 'SHA-256']) assert.equal(await registers(server, algorithm), 200, `digest with ${algorithm}`);
});

test('an old key that is dropped is told in plain words, and the same message is left with a new call', async (context) => {
  const state = temporaryFolder('dropped-state');
  const [older, newer] = [made('k1'), made('k2')];
  let server = await startServer({ state, env: settings(older) });
  context.after(() => server.stop());
  const { token } = await signIn(server, 'bob');
  const { ID } = await takeSession(server, 'bob');
  await server.stop();

  server = await startServer({ state, env: settings(newer) });
  const id = randomUUID();
  const refused = await leave(server, ID, id);
  const problem = await refused.json();
  assert.deepEqual([refused.status, problem.code], [401, 'token_unknown_key']);
  assert.match(problem.detail, /call again/i, 'it says what to do');
  assert.equal(receiptOf(refused), null);
  const signedOut = await fetch(`${server.url}/mailbox/messages`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual([signedOut.status, (await signedOut.json()).code], [401, 'token_unknown_key']);

  const again = await leave(server, (await takeSession(server, 'bob')).ID, id);
  assert.equal(await signer(server, receiptOf(again)), 'k2', 'the same deposit, with a session of now');
  await assert.rejects(signIn(server, 'bob'), /bad_credentials/, 'the password hash was encrypted with the old key');
  assert.equal(await registers(server, 'MD5'), 401);

  const user = encodeURIComponent('sip:bob@localhost');
  const put = await fetch(`${server.url}/admin/users/${user}`, {
    method: 'PUT', headers: { authorization: 'Bearer dev-admin-token', 'content-type': 'application/json' },
    body: JSON.stringify({ password: 'bob-demo', display_name: 'Bob' }),
  });
  assert.ok(put.ok, 'the operator sets a password');
  assert.equal((await (await signIn(server, 'bob')).messages()).length, 1, 'and everything is still there');
  assert.equal(await registers(server, 'SHA-256'), 200);
});
