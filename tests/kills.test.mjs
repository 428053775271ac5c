// A browser that is killed in the middle of a recording keeps all that it acknowledged. Five kills; more of them,
// and other browsers, by `cargo xtask bench kills`. Runs alone: how much a kill loses depends on the load.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browserWith } from './browsers/all.mjs';
import { killCampaign } from './browsers/kills.mjs';
import { deposits } from './browsers/person.mjs';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, inBrowser } from './page.mjs';
import { speechWav } from './sound.mjs';

const KILLS = 5;
/** What a kill may cost, whatever the load. */
const LOSS_MS = 1000;
const wav = speechWav(temporaryFolder('kills-sound'));
let server;
let url;

before(async () => {
  server = await startServer({});
  url = `${server.url}/?to=bob&processing=off`;
});
after(() => server?.stop());

test('five kills at random instants: no acknowledged block is lost, and every recovered file decodes', async (context) => {
  const { launch } = await browserWith('chromium', wav);
  const seed = Number(process.env.AFTERBEEP_KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`AFTERBEEP_KILL_SEED=${seed}`);
  const rows = await killCampaign({ launch, url, wav, count: KILLS, seed, atOnce: 2 });
  assert.equal(rows.length, KILLS);
  for (const row of rows) {
    const what = `seed ${seed}: ${JSON.stringify(row)}`;
    assert.equal(row.problem, undefined, what);
    assert.ok(row.loss_ms <= LOSS_MS, what);
  }
});

test('a kill in the middle of a video costs no more', async (context) => {
  const first = await launchBrowser({ microphoneWav: wav });
  const page = await first.newPage(url);
  await page.evaluate(() => document.querySelector('afterbeep-call').setAttribute('kind', 'video'));
  await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
  const began = Date.now();
  await page.waitForTimeout(2500);
  const lasted = Date.now() - began;
  await first.kill9();
  const second = await launchBrowser({ microphoneWav: wav, profileDir: first.profileDir });
  context.after(() => second.close());
  const again = await second.newPage(url);
  await again.getByText('You have an unfinished message to Bob').first().waitFor();
  const [found] = await deposits(again);
  assert.match(found.content_type, /^video\//);
  assert.ok(found.duration_ms >= lasted - LOSS_MS, `${found.duration_ms} ms of ${lasted} ms are still there`);
});
