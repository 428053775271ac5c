// The ladder of docs/signalling.md for a voicemail behind somebody else's proxy, a real Kamailio.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { compare, drawn, settled } from './ladder/docs.mjs';
import { callOf, WiredAgent } from './ladder/wire.mjs';
import { DOMAIN, VOICEMAIL_PASSWORD, startKamailio } from './upstream/kamailio.mjs';

const ADMIN = { authorization: 'Bearer dev-admin-token', 'content-type': 'application/json' };
const BOB = `sip:bob@${DOMAIN}`;
let kamailio;
let server;

before(async () => {
  kamailio = await startKamailio();
  server = await startServer({
    demo: false,
    env: { AFTERBEEP_DOMAIN: DOMAIN, AFTERBEEP_SIP_UPSTREAM: kamailio.url, AFTERBEEP_SIP_UPSTREAM_PASSWORD: VOICEMAIL_PASSWORD },
  });
  const made = await fetch(`${server.url}/admin/users/${encodeURIComponent(BOB)}`, {
    method: 'PUT', headers: ADMIN, body: JSON.stringify({ password: 'bob-demo', display_name: 'Bob' }),
  });
  assert.equal(made.status, 201, await made.text());
  for (let attempt = 0; (await (await fetch(`${server.url}/readyz`)).json()).upstream.state !== 'registered'; attempt += 1) {
    assert.ok(attempt < 400, `registered at the proxy\n${kamailio.log()}`);
    await new Promise((next) => setTimeout(next, 50));
  }
});
after(async () => {
  await server?.stop();
  await kamailio?.stop();
});

test('the ladders "behind-a-proxy" and "in-front-of-a-proxy" of docs/signalling.md are those of a real call', async (context) => {
  const dora = await new WiredAgent({ url: kamailio.http, domain: DOMAIN, user: 'dora' }).connect();
  context.after(() => dora.close());
  const { response, dialog } = await dora.invite(BOB);
  assert.equal(response.status, 200, response.text);
  await dora.expect('INFO', ({ method, status }) => method === 'INFO' && !status);
  // Nobody presses a key in the millisecond in which the INFO came; within one, the order of two messages says nothing.
  await new Promise((pressed) => setTimeout(pressed, 100));
  await dora.inDialog(dialog, 'INFO', { type: 'application/dtmf-relay', body: 'Signal=#\r\n' });
  await dora.expect('BYE', ({ method, status }) => method === 'BYE' && !status);
  const owner = (path) => fetch(`${server.url}/admin${path}?address=bob`, { headers: ADMIN });
  compare('behind-a-proxy', await settled(owner, dialog.callId));
  compare('in-front-of-a-proxy', drawn(callOf(dora.wire, dialog.callId), 'caller', 'proxy'));
});
