// WebKitGTK, driven by WebDriver; its window is `webkit.py`, because MiniBrowser forgets its storage.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startGroup, until } from './processes.mjs';
import { temporaryFolder } from '../harness.mjs';
import { witness } from './witness.mjs';

/** A virtual screen for its windows. */
export async function startScreen() {
  const server = startGroup('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp']);
  const [, number] = await server.wrote(/^(\d+)$/m);
  return { env: { DISPLAY: `:${number}` }, stop: () => server.end() };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts it with this profile; `env` leads to the microphone and the screen. */
export async function launchWebKit({ profileDir, env, allowedErrors = [] }) {
  const port = await freePort();
  const folder = temporaryFolder('webkit');
  const [script, notes] = ['witness.js', 'notes'].map((name) => join(folder, name));
  writeFileSync(script, `(${witness})((note) => window.webkit.messageHandlers.note.postMessage(JSON.stringify(note)))`);
  const group = startGroup('dbus-run-session', ['--', 'WebKitWebDriver', `--port=${port}`, '--host=127.0.0.1'], {
    ...env, PROFILE: profileDir, WITNESS: script, NOTES: notes, WEBKIT_DISABLE_COMPOSITING_MODE: '1', NO_AT_BRIDGE: '1', GDK_BACKEND: 'x11',
  });
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}\n${group.output}`);
    return value;
  };
  await until('WebKitWebDriver answers', () => ask('GET', '/status').then(() => true, () => false));
  const binary = join(import.meta.dirname, 'webkit.py');
  const { sessionId } = await ask('POST', '/session', {
    capabilities: { alwaysMatch: { browserName: 'afterbeep-tests', 'webkitgtk:browserOptions': { binary, args: [] } } },
  });
  const at = `/session/${sessionId}`;
  return {
    notes: () => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []),
    goto: (url) => ask('POST', `${at}/url`, { url }),
    evaluate: async (words, ...values) => {
      const text = await ask('POST', `${at}/execute/async`, {
        script: `const done = arguments[0]; (async () => JSON.stringify({ value: await (${words})(...${JSON.stringify(values)}) }))().then(done, (error) => done(JSON.stringify({ error: String(error) })));`,
        args: [],
      });
      const { value, error } = JSON.parse(text);
      if (error) throw new Error(error);
      return value;
    },
    close: async () => {
      await ask('DELETE', at).catch(() => {});
      await group.end();
      const errors = group.output.split('\n').filter((line) => /CONSOLE .*ERROR/.test(line) && !allowedErrors.some((allowed) => allowed.test(line)));
      assert.deepEqual(errors, [], 'no console errors and no unhandled rejections');
    },
    kill9: () => group.kill9(),
  };
}
