// Firefox, driven by WebDriver BiDi over its own socket.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import WebSocket from 'ws';
import { startGroup } from './processes.mjs';
import { witness } from './witness.mjs';

const SETTINGS = {
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'browser.sessionstore.resume_from_crash': false,
  'toolkit.startup.max_resumed_crashes': -1,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'extensions.update.enabled': false,
  'services.settings.server': 'data:,',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Commands go out numbered; answers and events come back. */
async function connect(url, onEvent) {
  const socket = new WebSocket(url);
  await new Promise((open, failed) => socket.once('open', open).once('error', failed));
  const waiting = new Map();
  let count = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'event') return onEvent(message);
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    return message.type === 'success' ? resolve(message.result) : reject(new Error(`${message.error}: ${message.message}`));
  });
  socket.on('close', () => waiting.forEach(({ reject }) => reject(new Error('Firefox has ended'))));
  socket.on('error', () => {});
  return (method, params = {}) => new Promise((resolve, reject) => {
    const id = (count += 1);
    waiting.set(id, { resolve, reject });
    socket.send(JSON.stringify({ id, method, params }));
  });
}

/** Starts it with this profile; `env` leads to the microphone. */
export async function launchFirefox({ profileDir, env, allowedErrors = [] }) {
  writeFileSync(join(profileDir, 'user.js'), Object.entries(SETTINGS).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''));
  const group = startGroup('firefox-esr', ['--headless', '--no-remote', '--profile', profileDir, '--remote-debugging-port', '0'], env);
  const [, address] = await group.wrote(/WebDriver BiDi listening on (ws:\/\/\S+)/, 60_000);
  const notes = [];
  const errors = [];
  const send = await connect(`${address}/session`, ({ method, params }) => {
    if (method === 'script.message') notes.push(JSON.parse(params.data.value));
    else if (params.level === 'error' && !allowedErrors.some((allowed) => allowed.test(params.text))) errors.push(params.text);
  });
  await send('session.new', { capabilities: {} });
  await send('session.subscribe', { events: ['script.message', 'log.entryAdded'] });
  await send('script.addPreloadScript', {
    functionDeclaration: `(channel) => (${witness})((note) => channel(JSON.stringify(note)))`,
    arguments: [{ type: 'channel', value: { channel: 'notes' } }],
  });
  const { contexts: [{ context }] } = await send('browsingContext.getTree');
  return {
    notes: () => notes,
    goto: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
    evaluate: async (script, ...words) => {
      const { result, exceptionDetails } = await send('script.callFunction', {
        functionDeclaration: `async () => JSON.stringify(await (${script})(...${JSON.stringify(words)}))`, awaitPromise: true, target: { context },
      });
      if (exceptionDetails) throw new Error(exceptionDetails.text);
      return result.value === undefined ? undefined : JSON.parse(result.value);
    },
    close: async () => {
      await send('browser.close').catch(() => {});
      await group.end();
      assert.deepEqual(errors, [], 'no console errors and no unhandled rejections');
    },
    kill9: () => group.kill9(),
  };
}
