// What `cargo xtask dev` promises an operator: clean ends, no orphans, nothing acknowledged is lost.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { startServer } from './harness.mjs';
import { messagesOf } from './page.mjs';

/** Every process that descends from `root`, itself included. */
function family(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // The name in parentheses may hold spaces: the fields count from behind it.
      parents.set(Number(pid), Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const members = new Set([root]);
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const [pid, parent] of parents) if (members.has(parent)) members.add(pid);
  }
  return [...members];
}

function alive(pid) {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function allGone(pids) {
  const deadline = Date.now() + 60_000;
  while (pids.some(alive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  return pids.filter(alive);
}

for (const way of ['SIGTERM', 'SIGKILL']) {
  test(`${way} leaves no process behind, and the same state folder serves again`, async () => {
    // With what an operator's start does first: look whether everything is built.
    const first = await startServer({ env: { XTASK_SERVE_BUILT: undefined } });
    const members = family(first.pid);
    assert.ok(members.length >= 3, 'the server, its node and its runtime');
    await (way === 'SIGTERM' ? first.stop() : first.kill9());
    assert.deepEqual(await allGone(members), []);
    const second = await startServer({ state: first.state });
    assert.deepEqual(await messagesOf(second, 'bob'), [], 'the demo users are still there, once');
    await second.stop();
  });
}

test('liveness, readiness, keys and the description of the interface are served', async () => {
  const server = await startServer({});
  try {
    const json = async (path) => {
      const answer = await fetch(server.url + path);
      assert.equal(answer.status, 200, path);
      return answer.json();
    };
    await json('/healthz');
    await json('/readyz');
    const [key] = (await json('/.well-known/jwks.json')).keys;
    assert.deepEqual([key.kty, key.crv, key.d], ['EC', 'P-256', undefined]);
    assert.match((await json('/openapi.json')).openapi, /^3\.1/);
    const missing = await fetch(`${server.url}/no/such/thing`);
    assert.deepEqual([missing.status, missing.headers.get('content-type')], [404, 'application/problem+json']);
    assert.equal((await missing.json()).code, 'not_found');
  } finally {
    await server.stop();
  }
});
