// The connection to a foreign proxy over TLS: a real handshake with a chain of certificates that leads to an authority
// of this test's own. Nothing is said to a proxy whose certificate is not good.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer } from 'node:tls';
import { startServer, temporaryFolder } from './harness.mjs';
import { DOMAIN, VOICEMAIL_PASSWORD, startKamailio } from './upstream/kamailio.mjs';

const REGISTERED_WITHIN_MS = 60_000;
const folder = temporaryFolder('upstream-tls');
const file = (name) => join(folder, name);
let kamailio;
let front;

/** Signs a certificate for `name`; `issuer` is the one that vouches for it, itself if there is none. */
function certify(name, subject, extensions, issuer) {
  const run = (...words) => execFileSync('openssl', words, { stdio: 'pipe' });
  writeFileSync(file(`${name}.ext`), extensions);
  run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${subject}`);
  const by = issuer ? ['-CA', file(`${issuer}.pem`), '-CAkey', file(`${issuer}.key`), '-CAcreateserial'] : ['-signkey', file(`${name}.key`)];
  run('x509', '-req', '-in', file(`${name}.csr`), '-out', file(`${name}.pem`), '-days', '2', '-extfile', file(`${name}.ext`), ...by);
  return readFileSync(file(`${name}.pem`), 'utf8');
}

before(async () => {
  kamailio = await startKamailio();
  const authority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';
  certify('root', 'Test Root', authority);
  const between = certify('between', 'Test Between', authority, 'root');
  const leaf = certify('leaf', 'localhost', 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n', 'between');
  front = createServer({ cert: leaf + between, key: readFileSync(file('leaf.key')) }, (encrypted) => {
    const plain = connect(kamailio.ports.web, '127.0.0.1');
    for (const side of [encrypted, plain]) side.on('error', () => {}).on('close', () => { encrypted.destroy(); plain.destroy(); });
    encrypted.pipe(plain).pipe(encrypted);
  });
  await new Promise((ready) => front.listen(0, ready));
});
after(async () => {
  front?.close();
  await kamailio?.stop();
});

const start = (host, trusted) => startServer({
  demo: false,
  env: {
    AFTERBEEP_DOMAIN: DOMAIN,
    AFTERBEEP_SIP_UPSTREAM: `wss://${host}:${front.address().port}`,
    AFTERBEEP_SIP_UPSTREAM_PASSWORD: VOICEMAIL_PASSWORD,
    ...(trusted ? { NODE_EXTRA_CA_CERTS: file('root.pem') } : {}),
  },
});

const standing = async (server) => (await (await fetch(`${server.url}/readyz`)).json()).upstream.state;

test('the voicemail registers over TLS at a proxy whose certificate leads to a known authority and names its host', async () => {
  const server = await start('localhost', true);
  const end = Date.now() + REGISTERED_WITHIN_MS;
  while ((await standing(server)) !== 'registered') {
    assert.ok(Date.now() < end, server.log());
    await new Promise((next) => setTimeout(next, 50));
  }
  await server.stop();
});

for (const [why, host, trusted] of [['of an unknown authority', 'localhost', false], ['for another host', '127.0.0.1', true]]) {
  test(`nothing is said to a proxy with a certificate ${why}`, async () => {
    const registered = () => kamailio.log().match(/registered: voicemail/g)?.length ?? 0;
    const before = registered();
    const server = await start(host, trusted);
    const state = await standing(server);
    await server.logged('the upstream proxy is not there');
    assert.equal(state, 'connecting');
    assert.equal(await standing(server), 'connecting');
    assert.equal(registered(), before);
    await server.stop();
  });
}
