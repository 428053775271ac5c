// The deployment's logic, proven against a small stand-in for wrangler (`fake-wrangler.mjs`): no Cloudflare account is
// reachable from a test, so nothing here shows that Cloudflare itself takes what we send. What the stand-in answers was
// read from wrangler 4.164's own source. The last test is the real wrangler's `deploy --dry-run` on a real build.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const ASKING = /^(whoami|deployments status|versions view|kv namespace list|r2 bucket info|secret list) ?/;
const NAMES = ['AFTERBEEP_ACCOUNT_KEYS', 'AFTERBEEP_ADMIN_TOKEN', 'AFTERBEEP_RECEIPT_KEYS', 'AFTERBEEP_TOKEN_KEYS', 'AFTERBEEP_VAPID_PRIVATE_KEY'];

/** A stand-in's account, and a build of two files that can be deployed there. */
function fakeAccount(start = {}) {
  const folder = temporaryFolder('deploy');
  const file = join(folder, 'account.json');
  writeFileSync(file, JSON.stringify({ signedIn: true, namespaces: [], buckets: [], secrets: {}, versions: [], calls: [], ...start }));
  for (const part of ['worker', 'www']) mkdirSync(join(folder, part));
  writeFileSync(join(folder, 'worker/index.js'), 'export default {};');
  writeFileSync(join(folder, 'www/index.html'), '<title>Afterbeep</title>');
  const read = () => JSON.parse(readFileSync(file, 'utf8'));
  return {
    folder,
    read,
    change: (changes) => writeFileSync(file, JSON.stringify({ ...read(), ...changes })),
    deploy: async (...options) => {
      const before = read().calls.length;
      const outcome = await xtask(['deploy', '--artefacts', folder, ...options], { XTASK_WRANGLER: join(ROOT, 'tests/fake-wrangler.mjs'), FAKE_ACCOUNT: file });
      const calls = read().calls.slice(before);
      return { ...outcome, calls, acts: calls.filter((call) => !ASKING.test(call)) };
    },
  };
}

async function xtask(words, env = {}) {
  const [program, ...first] = process.env.XTASK_BINARY ? [process.env.XTASK_BINARY] : ['cargo', 'xtask'];
  const child = spawn(program, [...first, ...words], { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let log = '';
  child.stdout.on('data', (data) => { out += data; });
  child.stderr.on('data', (data) => { log += data; });
  const code = await new Promise((done) => child.once('close', done));
  return { code, out, log };
}

const count = (text, part) => text.split(part).length - 1;

test('the first deployment makes everything, the second one changes nothing, and its secrets run a server', async () => {
  const account = fakeAccount();
  const first = await account.deploy();
  assert.equal(first.code, 0, first.log);
  const { namespaces, buckets, secrets } = account.read();
  assert.deepEqual(namespaces.map(({ title }) => title), ['afterbeep-sessions']);
  assert.deepEqual(buckets, ['afterbeep-media']);
  assert.deepEqual(Object.keys(secrets.afterbeep).sort(), NAMES);
  assert.deepEqual(first.acts.map((call) => call.split(' --')[0]), ['kv namespace create afterbeep-sessions', 'r2 bucket create afterbeep-media', 'deploy', 'deploy']);
  const live = account.read().versions.at(-1).resources.bindings.map(({ text }) => text);
  assert.deepEqual(live, ['afterbeep.example.workers.dev', 'https://afterbeep.example.workers.dev'], 'the worker knows its address');

  const admin = secrets.afterbeep.AFTERBEEP_ADMIN_TOKEN;
  assert.match(first.out, /^Afterbeep is at https:\/\/afterbeep\.example\.workers\.dev$/m);
  assert.match(first.out, /^Make the first user with it: https:\/\/afterbeep\.example\.workers\.dev\/$/m);
  assert.equal(count(first.out, admin), 1, 'the admin token is shown once');
  const files = readdirSync(join(ROOT, 'target/deploy/production'), { withFileTypes: true }).filter((entry) => entry.isFile());
  const written = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  const seen = [first.log, first.out.replace(admin, ''), ...first.calls, ...written].join('\n');
  for (const secret of Object.values(secrets.afterbeep)) assert.equal(count(seen, secret), 0, 'no secret is printed, an argument or in a file');
  assert.equal(count(seen, JSON.parse(secrets.afterbeep.AFTERBEEP_RECEIPT_KEYS)[0].d), 0);

  const before = account.read();
  const second = await account.deploy();
  assert.equal(second.code, 0, second.log);
  assert.deepEqual(second.acts, []);
  assert.deepEqual({ ...account.read(), calls: [] }, { ...before, calls: [] });
  assert.match(second.out, /^Nothing has changed/m);
  assert.doesNotMatch(second.out, /token/i);

  const server = await startServer({ env: secrets.afterbeep, demo: false });
  const users = await fetch(`${server.url}/admin/users`, { headers: { authorization: `Bearer ${admin}` } });
  assert.equal(users.status, 200, 'the secrets are of the forms that the worker reads');
  await server.stop();
});

test('another build is uploaded without new secrets, and environments share nothing', async () => {
  const account = fakeAccount();
  await account.deploy('--env', 'staging');
  const { secrets } = account.read();
  writeFileSync(join(account.folder, 'www/index.html'), '<title>Afterbeep 2</title>');
  const next = await account.deploy('--env', 'staging');
  assert.equal(next.code, 0, next.log);
  assert.equal(next.acts.length, 1);
  assert.match(next.acts[0], /^deploy --env staging --tag [0-9a-f]{16} /);
  assert.deepEqual(account.read().secrets, secrets);
  const production = await account.deploy();
  assert.equal(production.code, 0, production.log);
  assert.deepEqual(account.read().buckets, ['afterbeep-staging-media', 'afterbeep-media']);
  assert.notEqual(account.read().secrets.afterbeep.AFTERBEEP_TOKEN_KEYS, secrets['afterbeep-staging'].AFTERBEEP_TOKEN_KEYS);
});

test('only what is missing is made, also after a failure half-way', async () => {
  const account = fakeAccount({ refusesUploads: true, buckets: ['afterbeep-media'] });
  const failed = await account.deploy();
  assert.equal(failed.code, 1);
  assert.match(failed.log, /Something went wrong.*What to do: .*secret put AFTERBEEP_ADMIN_TOKEN/s);
  assert.doesNotMatch(failed.out, /Admin token/);
  account.change({ refusesUploads: false });
  const repeated = await account.deploy();
  assert.equal(repeated.code, 0, repeated.log);
  assert.deepEqual(repeated.acts.map((call) => call.split(' ')[0]), ['deploy', 'deploy']);
  const { secrets } = account.read();
  const { AFTERBEEP_ADMIN_TOKEN: lost, ...rest } = secrets.afterbeep;
  account.change({ secrets: { afterbeep: rest } });
  const mended = await account.deploy();
  const now = account.read().secrets.afterbeep;
  assert.equal(count(mended.out, now.AFTERBEEP_ADMIN_TOKEN), 1);
  assert.notEqual(now.AFTERBEEP_ADMIN_TOKEN, lost);
  assert.deepEqual({ ...now, AFTERBEEP_ADMIN_TOKEN: lost }, { ...rest, AFTERBEEP_ADMIN_TOKEN: lost }, 'the other secrets stay');
});

test('a rotation puts a younger key beside the older one, and a new admin token in its place', async () => {
  const account = fakeAccount();
  await account.deploy();
  const before = account.read().secrets.afterbeep;
  const rotated = await account.deploy('--rotate', 'token');
  assert.equal(rotated.code, 0, rotated.log);
  const { AFTERBEEP_TOKEN_KEYS_2: young, ...rest } = account.read().secrets.afterbeep;
  assert.deepEqual(rest, before);
  assert.notEqual(young, before.AFTERBEEP_TOKEN_KEYS);
  assert.doesNotMatch(rotated.out, /token/i);
  const shown = await account.deploy('--rotate', 'admin');
  const { AFTERBEEP_ADMIN_TOKEN: admin } = account.read().secrets.afterbeep;
  assert.notEqual(admin, before.AFTERBEEP_ADMIN_TOKEN);
  assert.equal(count(shown.out, admin), 1);
  assert.deepEqual((await account.deploy()).acts, []);
});

test('somebody who is not signed in is told how to, and nothing is tried', async () => {
  const account = fakeAccount({ signedIn: false });
  const { code, log, calls } = await account.deploy();
  assert.equal(code, 1);
  assert.match(log, /not signed in to Cloudflare\n.*wrangler login.*CLOUDFLARE_API_TOKEN/);
  assert.deepEqual(calls, ['whoami --json']);
});

test('the real wrangler takes a real build in every environment, and says what is bound', async () => {
  // A start of the server builds what is deployed; in a run of all tests it is built.
  if (!process.env.XTASK_SERVE_BUILT) await (await startServer({})).stop();
  const quiet = { CLOUDFLARE_API_TOKEN: '', WRANGLER_SEND_METRICS: 'false', WRANGLER_SEND_ERROR_REPORTS: 'false' };
  for (const [environment, name] of [['dev', 'afterbeep-dev'], ['staging', 'afterbeep-staging'], ['production', 'afterbeep']]) {
    const { code, out, log } = await xtask(['deploy', '--dry-run', '--env', environment, '--artefacts', 'target/dev'], quiet);
    assert.equal(code, 0, log);
    for (const binding of ['FLOW (Flow)', 'LINE (Line)', 'MAILBOX (Mailbox)', 'UPLOAD (Upload)', 'NETWORK (Network)', 'DIRECTORY (Directory)', 'UPSTREAM (Upstream)', `MEDIA (${name}-media)`, 'SESSIONS (', 'ASSETS ']) {
      assert.ok(out.includes(`env.${binding}`), `${binding}\n${out}`);
    }
    assert.match(out, /compiled-wasm/);
    assert.match(out, /--dry-run: exiting now/);
    for (const made of [`KV namespace ${name}-sessions`, `R2 bucket ${name}-media`, ...NAMES.map((secret) => `secret ${secret}`)]) assert.ok(out.includes(`  ${made}\n`), made);
    assert.doesNotMatch(out, /WARNING/, 'wrangler has nothing to say against the configuration');
  }
});
