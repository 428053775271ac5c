// A small HTTP proxy between a client and the server: it notes every request, and its rule may drop, delay or
// double what goes through. WebSockets go through untouched.

import { createServer, request as ask } from 'node:http';
import { connect } from 'node:net';

/**
 * Starts a proxy; `target` is the server's port, set once that is known.
 *
 * `rule` says what becomes of a whole answer: `'deliver'`, `'drop'` (the connection breaks before a byte of
 * it), or `'double'` (the server gets the request once more, and the second answer goes out). It may take its time.
 */
export async function proxy() {
  const sockets = new Set();
  const relay = {
    target: 0,
    /** @type {(exchange: {method: string, path: string, status: number, headers: object}) => unknown} */
    rule: () => 'deliver',
    /** Whether the connection breaks before the server hears of this request. */
    refuse: () => false,
    /** Every request, in order. */
    seen: [],
  };
  const forward = (request, body) => new Promise((resolve, reject) => {
    const { method, url, headers } = request;
    const upstream = ask({ host: '127.0.0.1', port: relay.target, method, path: url, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    upstream.on('error', reject).end(body);
  });
  const server = createServer(async (request, response) => {
    const parts = [];
    try {
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      const [method, path] = [request.method, request.url.split('?')[0]];
      relay.seen.push({ method, path, length: body.length });
      if (relay.refuse({ method, path, length: body.length })) return void response.destroy();
      let answer = await forward(request, body);
      const fate = await relay.rule({ method, path, status: answer.status, headers: answer.headers });
      if (fate === 'drop') return void response.destroy();
      if (fate === 'double') answer = await forward(request, body);
      const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
      response.writeHead(answer.status, headers).end(answer.body);
    } catch {
      response.destroy();
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, client, first) => {
    const upstream = connect(relay.target, '127.0.0.1', () => {
      const headers = request.rawHeaders.reduce((lines, word, index) => lines + (index % 2 ? `${word}\r\n` : `${word}: `), '');
      upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers}\r\n`);
      upstream.write(first);
      upstream.pipe(client).pipe(upstream);
    });
    for (const [one, other] of [[client, upstream], [upstream, client]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay.url = `http://127.0.0.1:${server.address().port}`;
  /** Every connection breaks without a word. */
  relay.cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  relay.close = () => {
    server.close();
    relay.cut();
  };
  return relay;
}
