// A call between two people who can reach each other only through a TURN server, which the server's setting names.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { comes, hears, openEngine, tell, watchMedia } from './conversation/engine.mjs';
import { freePort } from './free-port.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';

let turn;
let server;
let browser;

/** Debian's coturn on loopback, with one user. */
async function startTurn(port) {
  const folder = temporaryFolder('turn');
  const child = spawn('turnserver', [
    '-n', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`, '--no-tls', '--no-dtls', '--no-tcp', '--no-cli',
    '--lt-cred-mech', '--user=caller:relayed', '--realm=localhost', '--allow-loopback-peers', '--log-file=stdout', '--simple-log',
    `--pidfile=${folder}/pid`, `--userdb=${folder}/users`,
  ], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => { log += part; });
  child.on('error', (error) => { log += error; });
  const answers = await listens(port);
  assert.ok(answers, `turnserver does not answer:\n${log}`);
  return { stop: () => child.kill(), log: () => log };
}

/** Asks by a STUN binding request (RFC 8489) until something answers. */
async function listens(port) {
  const socket = createSocket('udp4');
  const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), Buffer.alloc(12, 7)]);
  const answer = once(socket, 'message').then(() => true);
  for (let tries = 0; tries < 600; tries += 1) {
    socket.send(request, port, '127.0.0.1');
    const answered = await Promise.race([answer, new Promise((resolve) => { setTimeout(resolve, 100, false); })]);
    if (answered) {
      socket.close();
      return true;
    }
  }
  socket.close();
  return false;
}

before(async () => {
  const port = await freePort();
  turn = await startTurn(port);
  const servers = [{ urls: `turn:127.0.0.1:${port}?transport=udp`, username: 'caller', credential: 'relayed' }];
  server = await startServer({ env: { AFTERBEEP_ICE_SERVERS: JSON.stringify(servers) } });
  browser = await launchBrowser();
  await watchMedia(browser);
  // No other way than through the relay.
  await browser.context.addInitScript(() => {
    const Watched = window.RTCPeerConnection;
    if (!Watched) return;
    window.RTCPeerConnection = class extends Watched {
      constructor(configuration) {
        super({ ...configuration, iceTransportPolicy: 'relay' });
      }
    };
  });
});
after(() => browser?.close());
after(() => server?.stop());
after(() => turn?.stop());

test('sound flows both ways through the relay', async () => {
  const bob = await openEngine(browser, server.url, 'bob');
  await hears(bob, { type: 'mailbox' });
  const anyone = await openEngine(browser, server.url.replace('127.0.0.1', 'localhost'));
  await tell(anyone, 'call', 'sip:bob@localhost');
  await hears(bob, { type: 'incoming', verified: false });
  await tell(bob, 'answer', false);
  await hears(anyone, { type: 'talk' });
  await Promise.all([comes(anyone, 20), comes(bob, 20)]);
  const kinds = await bob.evaluate(async () => {
    const report = await window.peers.at(-1).getStats();
    return [...report.values()].filter(({ type }) => type === 'local-candidate').map(({ candidateType }) => candidateType);
  });
  assert.deepEqual([...new Set(kinds)], ['relay']);
  await tell(anyone, 'hang_up');
  await hears(bob, { type: 'state', state: 'idle' });
});
