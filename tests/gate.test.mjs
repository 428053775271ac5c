// A weak uplink: the outbox explains why it waits, obeys "Send anyway", and goes on by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, messagesOf, outbox, recordFor } from './page.mjs';
import { speechWav } from './sound.mjs';
import { weakNetwork } from './weak-network.mjs';

const microphoneWav = speechWav(temporaryFolder('gate-sound'));

test('a weak uplink is explained with value, threshold and next try; Send anyway sends; a good one sends by itself', async () => {
  const network = await weakNetwork();
  const server = await startServer({ env: { AFTERBEEP_PUBLIC_URL: network.url } });
  network.target = server.port;
  // Broken connections are the test's own doing: the browser logs each of them by itself.
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/net::ERR_|Failed to load resource|WebSocket/] });
  try {
    const before = (await messagesOf(server, 'bob')).length;
    const page = await browser.newPage(`${network.url}/?to=bob&processing=off`);
    await callUntilRecording(page);
    await recordFor(page, 1000);
    Object.assign(network, { bytesPerSecond: 1000, failureShare: 0.3 });
    await button(page, 'Send').first().click();

    const item = outbox(page).getByRole('listitem').first();
    await item.getByText(/uplink too weak/i).waitFor({ timeout: 60_000 });
    const words = await item.textContent();
    assert.match(words, /\d[\d.,]*\s*(kbit\/s|kB\/s|B\/s)[\s\S]*\d[\d.,]*\s*(kbit\/s|kB\/s|B\/s)/, `value and threshold in: ${words}`);
    assert.match(words, /next try/i);
    assert.equal((await messagesOf(server, 'bob')).length, before);

    await item.getByRole('button', { name: 'Send anyway' }).click();
    await item.getByText(/With Bob/).waitFor({ timeout: 120_000 });
    assert.equal((await messagesOf(server, 'bob')).length, before + 1, 'once, in spite of broken connections');

    // The next one waits; the network gets well; nobody touches anything.
    Object.assign(network, { bytesPerSecond: Infinity, failureShare: 0 });
    await button(page, 'Record').first().click();
    await inBrowser(page, 'recording');
    await recordFor(page, 1000);
    Object.assign(network, { bytesPerSecond: 1000, failureShare: 0.3 });
    await button(page, 'Send').first().click();
    await outbox(page).getByText(/uplink too weak/i).first().waitFor({ timeout: 60_000 });
    Object.assign(network, { bytesPerSecond: Infinity, failureShare: 0 });
    await page.waitForFunction(() => document.querySelector('afterbeep-call').state === 'deposited', undefined, { timeout: 120_000 });
    assert.equal((await messagesOf(server, 'bob')).length, before + 2);
  } finally {
    await browser.close();
    await server.stop();
    network.close();
  }
});
