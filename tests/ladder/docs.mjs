// The ladders of docs/signalling.md: read, compared with those of real calls, or written anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picture } from '../../www/src/ladder-text.js';
import { parseMessage } from '../sip-agent.mjs';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'signalling.md');

const block = (name) => new RegExp(`(<!-- ladder ${name} -->\\n\`\`\`\\n)([\\s\\S]*?)(\`\`\`)`);

/** Names of all ladders of the page. */
export const named = () => [...readFileSync(PAGE, 'utf8').matchAll(/<!-- ladder (\S+) -->/g)].map(([, name]) => name);

/** What the page shows under this name is the ladder that was drawn. `WRITE_LADDERS=1` makes it so. */
export function compare(name, drawn) {
  const page = readFileSync(PAGE, 'utf8');
  const [, , shown] = block(name).exec(page) ?? assert.fail(`the page has no ladder "${name}"`);
  if (process.env.WRITE_LADDERS) writeFileSync(PAGE, page.replace(block(name), (_, before, __, end) => `${before}${drawn}\n${end}`));
  else assert.equal(shown, `${drawn}\n`);
}

/** The ladder of a call, drawn without times, once its BYE is answered and nothing is added to it any more. */
export async function settled(owner, callId) {
  let before = '';
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const ladder = await ladderOf(owner, callId);
    const now = ladder ? picture(once(ladder), { times: false }) : '';
    if (now === before && now.includes('200 (BYE)')) return now;
    before = now;
    await new Promise((next) => setTimeout(next, 250));
  }
  throw new Error(`the ladder does not come to rest\n${before}`);
}

/** What one end saw, as a ladder without times: for what belongs to no call, and so is kept by nobody. */
export function drawn(wire, near, far) {
  const entries = wire.map(({ way, text }) => {
    const { start, status, method, header } = parseMessage(text);
    const [from, to] = way === 'sent' ? [near, far] : [far, near];
    return { after_ms: 0, from, to, start, status: status || null, method: method ?? header('cseq').split(' ')[1], size: text.length, message: text };
  });
  return picture(once({ ends: [near, far], entries, notes: [] }), { times: false });
}

/** Without copies: how often a message was repeated says how busy the machine was. */
function once(ladder) {
  const isCopy = ({ from, to, message }, index) => ladder.entries.slice(0, index).some((other) => other.from === from && other.to === to && other.message === message);
  const copies = ladder.entries.map(isCopy);
  const before = (place) => copies.slice(0, place).filter(Boolean).length;
  const notes = ladder.notes.map((note) => ({ ...note, behind: note.behind - before(note.behind) }));
  return { ...ladder, notes, entries: ladder.entries.filter((_, index) => !copies[index]) };
}

async function ladderOf(owner, callId) {
  const { calls } = await (await owner('/calls')).json();
  const { id } = calls.find((call) => call.call_id === callId) ?? {};
  return id && (await (await owner(`/calls/${id}`)).json());
}
