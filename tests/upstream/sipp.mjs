// SIPp, a SIP telephone over UDP that nobody here wrote, plays one scenario from its file.

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../harness.mjs';

const ENDS_WITHIN_S = 20;

/** Plays `scenario` once towards `target`; gives back all messages of it, or fails with them. */
export async function runSipp(scenario, { target, user, domain }) {
  const folder = temporaryFolder('sipp');
  const child = spawn('sipp', [
    target, '-sf', join(import.meta.dirname, scenario), '-s', user, '-key', 'domain', domain,
    '-i', '127.0.0.1', '-m', '1', '-timeout', String(ENDS_WITHIN_S), '-timeout_error', '-nostdin', '-trace_msg', '-trace_err',
  ], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => { errors += data; });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  const written = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  if (code !== 0) throw new Error(`SIPp ended with ${code}\n${errors}\n${written}`);
  return written;
}
