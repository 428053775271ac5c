// A real Kamailio as somebody else's SIP proxy: registrar and proxy of the domain `voice.test` over UDP and WebSocket
// (RFC 7118). Whoever is not registered, or answers 408, 480, 486 or 603, is sent to `voicemail@voice.test`, who
// must show a password when registering. Requests to `elsewhere.test` want that password too, and each challenge is in
// the log. It ends with the test process.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.mjs';
import { temporaryFolder } from '../harness.mjs';

export const DOMAIN = 'voice.test';
export const VOICEMAIL_PASSWORD = 'only-for-this-test';
const READY_WITHIN_MS = 60_000;

function configuration(udp, web) {
  const template = readFileSync(join(import.meta.dirname, 'kamailio.cfg'), 'utf8');
  const values = { UDP_PORT: udp, WEB_PORT: web, DOMAIN, PASSWORD: VOICEMAIL_PASSWORD };
  return template.replaceAll(/@([A-Z_]+)@/g, (whole, name) => values[name] ?? whole);
}

/** Starts it; `ports` are those of one that ran before, or free ones. */
export async function startKamailio(ports) {
  const { udp, web } = ports ?? { udp: await freePort(), web: await freePort() };
  const folder = temporaryFolder('kamailio');
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(udp, web));
  const child = spawn(
    'kamailio',
    ['-DD', '-E', '-f', file, '-m', '32', '-M', '8', '-Y', folder, '-P', join(folder, 'pid')],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (data) => { log += data; });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = () => {
    child.kill('SIGTERM');
    return exited;
  };
  process.once('exit', () => child.kill('SIGKILL'));
  child.once('error', (error) => { log += error.message; });
  const end = Date.now() + READY_WITHIN_MS;
  while (!(await answers(web))) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`Kamailio does not answer\n${log}`);
  }
  return { ports: { udp, web }, udp, url: `ws://127.0.0.1:${web}`, http: `http://127.0.0.1:${web}`, log: () => log, stop };
}

/** Whether a WebSocket opens there. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'sip');
    socket.addEventListener('open', () => { socket.close(); resolve(true); });
    socket.addEventListener('error', () => setTimeout(resolve, 50, false));
  });
}
