// Ports for servers that nobody here wrote and that want to be told one.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections. */
const PORTS = { from: 20_000, below: 32_768 };

/** A port that is free for UDP and TCP. */
export async function freePort() {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.below);
    const tcp = createServer();
    const udp = createSocket('udp4');
    const bound = (socket, start) => new Promise((resolve) => {
      socket.once('error', () => resolve(false)).once('listening', () => resolve(true));
      start();
    });
    const free = [
      await bound(tcp, () => tcp.listen(port, '127.0.0.1')),
      await bound(udp, () => udp.bind(port, '127.0.0.1')),
    ];
    await Promise.all([tcp, udp].map((socket, index) => free[index] && new Promise((closed) => socket.close(closed))));
    if (free.every(Boolean)) return port;
  }
}
