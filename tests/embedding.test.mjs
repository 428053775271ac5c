// The elements on pages of somebody else: another origin, the documented policy, frameworks, the npm package.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { bundled, documentedPolicy, example, packModules, startSite, typeCheck } from './embedding/site.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, mediaOf, messagesOf, outbox, recordFor, signIn } from './page.mjs';
import { decodeOpus, milliseconds, speechWav } from './sound.mjs';

const LARGEST_LOADER = 38_000;
const microphoneWav = speechWav(temporaryFolder('embedding-sound'));
const modules = packModules();
const packed = (name) => readFileSync(join(modules, 'afterbeep', name));
/** The documented directives, and what the page's own files need. */
const policy = ["default-src 'none'", ...documentedPolicy()];
const ownScripts = policy.map((directive) => directive.replace(/^script-src/, "script-src 'self'"));
const plain = { '/': example('plain/index.html'), '/page.js': example('plain/page.js') };
let server;

before(async () => {
  server = await startServer({});
});
after(() => server?.stop());

async function site(context, options) {
  const started = await startSite({ server, ...options });
  context.after(() => started.stop());
  return started;
}

async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, ...options });
  context.after(() => browser.close());
  return browser;
}

/** Ends with the message in the mailbox; returns it. */
async function delivered(page, before) {
  await page.locator('#thanks', { hasText: 'Thank you, we call you back.' }).waitFor({ timeout: 30_000 });
  const messages = await messagesOf(server, 'bob');
  assert.equal(messages.length, before.length + 1, 'once');
  return messages[0];
}

test('on a page of another origin under the documented policy: call, greeting, record offline, send, delivered', async (context) => {
  const before = await messagesOf(server, 'bob');
  const shop = await site(context, { files: plain, policy: ownScripts });
  const browser = await launch(context);
  const page = await browser.newPage(shop.url);
  await callUntilRecording(page);
  await browser.context.setOffline(true);
  await recordFor(page, 2500);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Saved on this device. Not yet with Bob').waitFor();
  await outbox(page).getByText('Open this page again when you are online').waitFor();
  const kept = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  assert.deepEqual(kept, ['afterbeep'], 'the storage is the embedder’s');
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  await browser.context.setOffline(false);
  const sound = decodeOpus(await mediaOf(server, await delivered(page, before)));
  assert.ok(milliseconds(sound) > 2000, `${milliseconds(sound)} ms arrived`);
  await outbox(page).getByText('With Bob').first().waitFor();

  const manifest = JSON.parse(packed('custom-elements.json')).modules[0].declarations;
  const [seen, attributes, members] = await page.evaluate(() => {
    const element = document.querySelector('afterbeep-call');
    const parts = [...element.shadowRoot.querySelectorAll('[part]')].flatMap((one) => [...one.part]);
    const of = (one) => Object.getOwnPropertyNames(one).filter((name) => !/^(constructor|update|(connected|disconnected|attributeChanged)Callback)$/.test(name));
    return [[...new Set(parts)].sort(), element.constructor.observedAttributes.toSorted(), of(element.constructor.prototype).sort()];
  });
  const [call] = manifest;
  const names = (list) => list.map(({ name }) => name).sort();
  assert.deepEqual(names(call.cssParts), seen, 'the manifest names the parts that are there');
  assert.deepEqual(names(call.attributes), attributes);
  assert.deepEqual(names(call.members), members);
});

test('a page whose origin is not allowed is told what to change, and what was said there stays safe', async (context) => {
  const strict = await startServer({ env: { AFTERBEEP_ALLOWED_ORIGINS: 'https://shop.example' } });
  const browser = await launch(context, { allowedErrors: [/WebSocket connection to .* failed/, /CORS policy/, /ERR_FAILED/] });
  // Registered behind the browser, which still tries to send: it has to end first.
  context.after(() => strict.stop());
  const shop = await site(context, { server: strict, files: plain, policy: ownScripts });
  const page = await browser.newPage(shop.url);
  await page.getByRole('status').getByText(`add ${shop.url} to AFTERBEEP_ALLOWED_ORIGINS`).waitFor();
  const answer = await fetch(`${strict.url}/embed/check`, { headers: { origin: shop.url } });
  assert.deepEqual(await answer.json(), { origin: shop.url, allowed: false });
  const refused = await page.evaluate(() => new Promise((heard) => {
    document.addEventListener('afterbeep-error', ({ detail }) => heard(detail), { once: true });
    document.querySelector('afterbeep-call').call();
  }));
  assert.ok(refused.code, 'a refused call has a code');
  await page.getByRole('status').getByText('AFTERBEEP_ALLOWED_ORIGINS').waitFor();
  await button(page, 'Record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1000);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Saved on this device. Not yet with Bob').waitFor();
});

test('the React example: npm package, own service worker, the visitor’s name, the recorder right after the greeting', async (context) => {
  const before = await messagesOf(server, 'bob');
  const assets = ['call.js', 'call_bg.wasm', 'voice.js', 'voice_bg.wasm', 'capture-worker.js', 'capture-worklet.js'];
  const files = {
    '/': example('react/index.html'),
    '/main.js': await bundled('react/main.jsx', modules),
    '/afterbeep-sw.js': packed('afterbeep-sw.js'),
    ...Object.fromEntries(assets.map((name) => [`/assets/${name}`, packed(`assets/${name}`)])),
  };
  const hosted = policy.map((directive) => directive.replace('script-src https://edge.example.com', "script-src 'self'").replace('connect-src', "connect-src 'self'").replace('worker-src', "worker-src 'self'"));
  const shop = await site(context, { files, policy: hosted });
  const browser = await launch(context);
  const page = await browser.newPage(shop.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await callUntilRecording(page);
  assert.equal(await page.locator('#state').textContent(), 'recording', 'React follows the events');
  await browser.context.setOffline(true);
  await recordFor(page, 1500);
  await button(page, 'Send').first().click();
  await outbox(page).getByText('Goes up by itself when you are online').waitFor();
  const tags = await page.evaluate(async () => (await navigator.serviceWorker.ready).sync.getTags());
  assert.deepEqual(tags, ['afterbeep-outbox'], 'the browser has promised it');
  await browser.context.setOffline(false);
  const message = await delivered(page, before);
  assert.equal(message.from_name, 'Anna');
});

test('the Vue example: the script of the server, recording into the greeting, a limit that ends the message', async (context) => {
  const before = await messagesOf(server, 'bob');
  const files = { '/': example('vue/index.html'), '/main.js': await bundled('vue/main.js', modules) };
  const shop = await site(context, { files, policy: ownScripts });
  const browser = await launch(context);
  const page = await browser.newPage(shop.url);
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await button(page, 'Record').click();
  await inBrowser(page, 'review');
  await button(page, 'Send').first().click();
  const { duration_ms: duration } = await delivered(page, before);
  assert.ok(duration > 1500 && duration < 3000, `${duration} ms: max-duration is 2 s`);
});

test('a login token of the embedder’s backend makes the visitor a verified caller', async (context) => {
  const before = await messagesOf(server, 'bob');
  const shop = await site(context, { files: plain, policy: ownScripts });
  const browser = await launch(context);
  const page = await browser.newPage(shop.url);
  const { token } = await signIn(server, 'alice');
  await page.evaluate((given) => {
    document.querySelector('afterbeep-call').credentials = { address: 'alice', token: given };
  }, token);
  await page.getByText('Calling as').waitFor();
  await page.evaluate(() => document.querySelector('afterbeep-call').call());
  await inBrowser(page, 'greeting');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, 'ready');
  await button(page, 'Write instead').click();
  await page.getByLabel('Your message to Bob').fill('Two loaves, please.');
  await button(page, 'Send').first().click();
  const message = await delivered(page, before);
  assert.equal(message.from_verified, true);
  assert.match(message.from, /alice@/);
});

test('the page for embedders shows what to paste, with a living element', async (context) => {
  const browser = await launch(context);
  const page = await browser.newPage(`${server.url}/embed`);
  await page.getByText('Call Bob').first().waitFor();
  const snippet = await page.locator('#snippet').textContent();
  assert.ok(snippet.includes(`src="${server.url}/afterbeep.js"`) && snippet.includes('to="sip:bob@127.0.0.1"'), snippet);
  const shown = (await page.locator('#policy').textContent()).replaceAll(server.url.replace('http', 'ws'), 'wss://edge.example.com').replaceAll(server.url, 'https://edge.example.com');
  assert.deepEqual(shown.split(/;\s*/), documentedPolicy(), 'page and documentation ask for the same');
  await page.getByLabel('Whom it calls').fill('carol');
  await page.getByText('Call Carol').first().waitFor();
  assert.match(await page.locator('#snippet').textContent(), /sip:carol@/);
  assert.equal(await page.locator('afterbeep-call').count(), 1);
});

test('scripts, modules and wasm may be loaded by any page, isolated ones too; the loader stays small', async () => {
  for (const path of ['/afterbeep.js', '/assets/call.js', '/assets/call_bg.wasm', '/assets/capture-worklet.js', '/assets/capture-worker.js', '/assets/voice_bg.wasm']) {
    const { status, headers } = await fetch(server.url + path, { headers: { origin: 'https://shop.example' } });
    assert.equal(status, 200, path);
    assert.equal(headers.get('access-control-allow-origin'), '*', path);
    assert.equal(headers.get('cross-origin-resource-policy'), 'cross-origin', path);
  }
  const size = brotliCompressSync(packed('afterbeep.js')).length;
  assert.ok(size < LARGEST_LOADER, `${size} bytes`);
});

test('the package’s types hold for what embedders write', () => {
  typeCheck(modules, 'usage.ts');
});
