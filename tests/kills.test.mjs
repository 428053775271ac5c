// A browser that is killed in the middle of a recording keeps all that it acknowledged. Five kills; more of them,
// and other browsers, by `cargo xtask bench kills`. Runs alone: how much a kill loses depends on the load.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserWith } from './browsers/all.mjs';
import { killCampaign } from './browsers/kills.mjs';
import { startServer, temporaryFolder } from './harness.mjs';
import { speechWav } from './sound.mjs';

const KILLS = 5;
/** What a kill may cost, whatever the load. */
const LOSS_MS = 1000;

test('five kills at random instants: no acknowledged block is lost, and every recovered file decodes', async (context) => {
  const wav = speechWav(temporaryFolder('kills-sound'));
  const server = await startServer({});
  const { launch } = await browserWith('chromium', wav);
  const seed = Number(process.env.AFTERBEEP_KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
  context.diagnostic(`AFTERBEEP_KILL_SEED=${seed}`);
  try {
    const rows = await killCampaign({ launch, url: `${server.url}/?to=bob&processing=off`, wav, count: KILLS, seed, atOnce: 2 });
    assert.equal(rows.length, KILLS);
    for (const row of rows) {
      const what = `seed ${seed}: ${JSON.stringify(row)}`;
      assert.equal(row.problem, undefined, what);
      assert.ok(row.loss_ms <= LOSS_MS, what);
    }
  } finally {
    await server.stop();
  }
});
