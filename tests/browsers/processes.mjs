// Processes with a group of their own, so that a browser and all that it started end together, by one signal.

import { spawn } from 'node:child_process';
import { after } from 'node:test';

const ENDED_WITHIN_MS = 5000;

/** Groups that still run; a test that failed in the middle leaves things behind. */
const running = new Set();
after(() => Promise.all([...running].map((group) => group.end())));
process.on('exit', () => running.forEach((group) => group.signal('SIGKILL')));

/** Runs a program and ends its group when standard input ends, which it does also when the test process is killed. */
const GUARD = 'exec 3<&0; { cat <&3 >/dev/null; kill -KILL 0; } & "$@" 3<&- </dev/null & wait $!';

/** Starts a program in a new group. What it writes is kept and can be waited for. */
export function startGroup(program, words, env = {}) {
  const child = spawn('sh', ['-c', GUARD, 'guard', program, ...words], { detached: true, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  const watchers = new Set();
  const group = {
    output: '',
    signal(name) {
      try {
        process.kill(-child.pid, name);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    },
    /** Ends all of it at once; says when. */
    async kill9() {
      const at = Date.now();
      group.signal('SIGKILL');
      await exited;
      return at;
    },
    /** Ends it as a desktop does, impatiently. */
    async end() {
      group.signal('SIGTERM');
      const impatience = setTimeout(() => group.signal('SIGKILL'), ENDED_WITHIN_MS);
      await exited;
      clearTimeout(impatience);
    },
    /** Waits until it wrote something that matches. */
    wrote: (pattern, withinMs = 20_000) => new Promise((found, failed) => {
      const settle = (outcome, value) => {
        clearTimeout(timer);
        watchers.delete(look);
        outcome(value);
      };
      const look = () => {
        const match = pattern.exec(group.output);
        if (match) settle(found, match);
      };
      const timer = setTimeout(() => settle(failed, new Error(`${program} did not say ${pattern} in time\n${group.output}`)), withinMs);
      exited.then(() => settle(failed, new Error(`${program} ended early\n${group.output}`)));
      watchers.add(look);
      look();
    }),
  };
  const exited = new Promise((done) => {
    child.once('error', (error) => { group.output += error; done(); });
    child.once('exit', done);
  }).then(() => {
    running.delete(group);
    group.signal('SIGKILL');
  });
  running.add(group);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      group.output += data;
      for (const look of [...watchers]) look();
    });
  }
  return group;
}

/** Asks again until the answer is true; fails with what was asked for. */
export async function until(what, ask, withinMs = 20_000) {
  const end = Date.now() + withinMs;
  for (let last; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    last = await ask();
    if (last) return last;
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
  }
}
