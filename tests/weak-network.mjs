// A TCP relay that makes the way up as bad as asked: bytes per second, and the share of connections that
// break in the middle. The way down stays as it is. It can also be cut off altogether.

import { connect, createServer } from 'node:net';

export async function weakNetwork() {
  const relay = { bytesPerSecond: Infinity, failureShare: 0, target: 0, broken: 0 };
  const sockets = new Set();
  // A small generator with a fixed seed: the same connections break in every run.
  let seed = 20_261_122;
  const chance = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };

  let down = false;
  const server = createServer((client) => {
    if (down) return void client.destroy();
    const upstream = connect(relay.target, '127.0.0.1');
    const end = () => {
      client.destroy();
      upstream.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    upstream.on('data', (data) => client.write(data));

    let waiting = [];
    let timer;
    const drain = () => {
      timer = undefined;
      const chunk = waiting[0];
      if (!chunk) return;
      if (relay.bytesPerSecond === Infinity) {
        for (const one of waiting.splice(0)) upstream.write(one);
        client.resume();
        return;
      }
      // A tenth of a second's worth at a time.
      const count = Math.max(1, Math.floor(relay.bytesPerSecond / 10));
      upstream.write(chunk.subarray(0, count));
      if (chunk.length > count) waiting[0] = chunk.subarray(count);
      else waiting.shift();
      if (waiting.length) timer = setTimeout(drain, 100);
      else client.resume();
    };
    client.on('data', (data) => {
      if (relay.bytesPerSecond !== Infinity) {
        if (/^(POST|PATCH) /.test(data.toString('latin1', 0, 6)) && chance() < relay.failureShare) {
          relay.broken++;
          setTimeout(end, 400);
        }
        client.pause();
      }
      waiting.push(data);
      if (!timer) drain();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay.port = server.address().port;
  relay.url = `http://127.0.0.1:${relay.port}`;
  const breakAll = () => sockets.forEach((socket) => socket.destroy());
  relay.cut = () => {
    down = true;
    breakAll();
  };
  relay.mend = () => { down = false; };
  relay.close = () => {
    server.close();
    breakAll();
  };
  return relay;
}
