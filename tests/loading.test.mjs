// What a page downloads, and when: nothing of the engine before somebody touches the element.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button } from './page.mjs';
import { speechWav } from './sound.mjs';

/** What the page itself has loaded of the modules; what its service worker keeps for offline use is not the page's. */
const modules = () => performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop()).filter((name) => name.endsWith('.wasm'));

test('a visitor who touches nothing loads no module; the first touch loads the engine, and it opens at once where it was used', async () => {
  const server = await startServer({});
  const browser = await launchBrowser({ microphoneWav: speechWav(temporaryFolder('loading-sound')) });
  try {
    const page = await browser.newPage(`${server.url}/?to=bob`);
    await button(page, 'Call').waitFor();
    await page.waitForLoadState('networkidle');
    assert.deepEqual(await page.evaluate(modules), []);

    await button(page, 'Call').hover();
    await page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/call_bg.wasm')));
    await page.waitForFunction(async () => (await indexedDB.databases()).some(({ name }) => name === 'afterbeep'));
    assert.deepEqual(await page.evaluate(modules), ['call_bg.wasm'], 'the encoder waits for the recorder');

    await page.mouse.move(0, 0);
    await page.reload();
    await page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/call_bg.wasm')));
  } finally {
    await browser.close();
    await server.stop();
  }
});
