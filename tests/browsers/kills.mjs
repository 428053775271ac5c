// Kills a browser in the middle of a recording, over and over: opens the same profile again, and compares what
// came back with what was acknowledged before the kill and with the instant of the kill.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../harness.mjs';
import { journal } from '../page.mjs';
import { decodeOpus, likeness, milliseconds, wavSamples } from '../sound.mjs';
import { deposits, inState, press, says } from './person.mjs';
import { until } from './processes.mjs';

const LONGEST_MS = 3500;
const PROFILE_LASTS = 10;
/** Rounding of frames and of the container. */
const FRAME_MS = 20;
/** Shorter sound has too little shape to be compared. */
const COMPARED_MS = 1500;

/** Numbers from 0 to 1 that are the same for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Records for so long, then kills. What was known of the recording at that moment. */
async function recordAndKill(tab, lastsMs) {
  const before = new Set((await deposits(tab)).map(({ deposit_id: id }) => id));
  await press(tab, 'Record');
  await inState(tab, 'recording');
  await new Promise((resolve) => setTimeout(resolve, lastsMs));
  const killedAt = await tab.kill9();
  const notes = tab.notes();
  const acknowledged = notes.findLast(({ saved_ms: ms }) => ms !== undefined) ?? { saved_ms: 0, size: 0 };
  return { before, killedAt, acknowledged, began: notes.findLast(({ began }) => began)?.began ?? killedAt };
}

/** The file of the recording as it came back; nothing if not a block of it was stored. */
async function recovered(tab, { before, acknowledged }) {
  const row = await until('every recording without a recorder is closed', async () => {
    const rows = await deposits(tab);
    const found = rows.find(({ deposit_id: id }) => !before.has(id));
    return rows.every(({ state }) => state !== 'recording') && (found || acknowledged.size === 0) && { found };
  });
  if (!row.found) return undefined;
  await says(tab, /You have an unfinished message to Bob/);
  return journal(tab, row.found.deposit_id);
}

/** Length of the file, and its likeness to the speech; throws with what is wrong with it. */
function examine(file, speech) {
  const sound = decodeOpus(file);
  const path = join(temporaryFolder('killed'), 'killed.opus');
  writeFileSync(path, file);
  const verdict = execFileSync('opusinfo', [path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (/warning|error|corrupt/i.test(verdict)) throw new Error(verdict);
  const length = milliseconds(sound);
  return { length, correlation: length >= COMPARED_MS ? likeness(sound, speech).correlation : undefined };
}

/** One kill as a row of numbers; `problem` says which promise was broken. */
async function compare(tab, kill, speech) {
  const { acknowledged, began, killedAt } = kill;
  const file = await recovered(tab, kill);
  const row = { recorded_ms: Math.round(killedAt - began), acknowledged_ms: acknowledged.saved_ms, recovered_ms: 0 };
  try {
    const { length, correlation } = file ? examine(file, speech) : { length: 0 };
    Object.assign(row, { recovered_ms: Math.round(length), correlation });
    if ((file?.length ?? 0) < acknowledged.size || length + FRAME_MS < acknowledged.saved_ms) row.problem = 'an acknowledged block is lost';
  } catch (error) {
    row.problem = `the file does not decode: ${error.message}`;
  }
  return { ...row, loss_ms: Math.max(0, row.recorded_ms - row.recovered_ms) };
}

/**
 * Kills so many recordings of the file at instants drawn from the seed, a few browsers at a time.
 *
 * @param {{launch: (options: {profileDir: string}) => Promise<object>, url: string, wav: string, count: number, seed: number,
 *   atOnce?: number, told?: (row: object) => void}} options
 */
export async function killCampaign({ launch, url, wav, count, seed, atOnce = 1, told = () => {} }) {
  const speech = wavSamples(readFileSync(wav));
  const rows = [];
  const open = async (profileDir) => {
    const tab = await launch({ profileDir });
    await tab.goto(url);
    return tab;
  };
  /** Several kills in one profile; each start looks at what the kill before has left. */
  const killIn = async (profileDir, times, next) => {
    let tab = await open(profileDir);
    for (let time = 0; time < times; time += 1) {
      const kill = await recordAndKill(tab, next() * LONGEST_MS);
      tab = await open(profileDir);
      const row = await compare(tab, kill, speech);
      rows.push(row);
      told(row);
    }
    await tab.close();
  };
  let begun = 0;
  const goOn = async (next) => {
    while (begun < count) {
      const times = Math.min(PROFILE_LASTS, Math.ceil(count / atOnce), count - begun);
      begun += times;
      await killIn(temporaryFolder('profile'), times, next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, lane) => goOn(generator(seed ^ Math.imul(lane, 0x9e37_79b9)))));
  return rows;
}
