// Servers and browsers for tests: the real runtime with its own state folder and port, and a real Chromium
// whose microphone plays a file. Everything that is started here ends with the test process, also with a
// killed one; every console error and unhandled rejection of a page fails the test at `close()`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';

// Megabytes of CommonJS, which an import would read twice, and only where a browser is wanted.
const playwright = () => createRequire(import.meta.url)('playwright-core');
const ROOT = resolve(import.meta.dirname, '..');
const READY = /^Afterbeep is ready on (http:\/\/127\.0\.0\.1:(\d+))$/m;
const READY_WITHIN_MS = 240_000;
const STOPPED_WITHIN_MS = 30_000;
const LOGGED_WITHIN_MS = 60_000;
/** How long a browser may take to start, and a page for whatever is waited for: these limits only end what hangs. */
const STARTED_WITHIN_MS = 120_000;
const SHOWN_WITHIN_MS = 60_000;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * What Playwright switches off, and what only the address bar's own pages need, which nobody sees here: they take a
 * second of every start. A second list replaces the first.
 */
const SWITCHED_OFF = [
  'AimEnabled', 'AvoidCorsURLLoaderRestartOnRedirect', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades', 'LensOverlay', 'MediaRouter', 'NetworkTimeServiceQuerying', 'OptimizationHints', 'PaintHolding', 'PreconnectToSearch', 'ThirdPartyStoragePartitioning',
  'PreloadTopChromeWebUI', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup', 'WebUIOmniboxPopup',
];

const folders = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** What is still running; a test that failed in the middle leaves things behind. */
const running = new Set();
after(() => Promise.all([...running].map((end) => end())));

/** Kinds of workers that this process has started: what was built for the first of them serves all of its tests. */
const built = new Set();

/** An empty folder that lasts as long as the test process. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `afterbeep-${name}-`));
  folders.push(folder);
  return folder;
}

/** The environment without settings of a developer's own server. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AFTERBEEP_') && name !== 'NODE_TEST_CONTEXT'));
}

/**
 * Starts `cargo xtask dev` on a free port, or on the one that is asked for.
 *
 * @param {{state?: string, port?: number, env?: Record<string, string>, demo?: boolean, faults?: boolean}} options `env` holds settings of
 *   the worker; with `faults` it stops where a request's `afterbeep-fault-point` says
 */
export async function startServer({ state = temporaryFolder('state'), env = {}, demo = true, faults = false, port: wanted = 0 } = {}) {
  const kind = faults ? { XTASK_FAULT_POINTS: '1' } : {};
  const once = built.has(faults) ? { XTASK_SERVE_BUILT: '1' } : {};
  const [program, ...first] = process.env.XTASK_BINARY ? [process.env.XTASK_BINARY] : ['cargo', 'xtask'];
  const child = spawn(program, [...first, 'dev', '--port', String(wanted), '--state', state, ...(demo ? [] : ['--no-demo'])], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), AFTERBEEP_DEV_LOOPBACK: '1', ...once, ...env, ...kind, XTASK_STOP_WITH_STDIN: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let log = '';
  const exited = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
  const end = async (signal) => {
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
    const how = await exited;
    clearTimeout(impatience);
    running.delete(end);
    return how;
  };
  running.add(end);
  child.stdin.on('error', () => {});
  child.stderr.on('data', (data) => { log += data; });
  const [, url, port] = await new Promise((ready, failed) => {
    const fail = (why) => failed(new Error(`the server ${why}\n${output}${log}`));
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail('is not ready in time'); }, READY_WITHIN_MS);
    child.stdout.on('data', (data) => {
      output += data;
      const found = READY.exec(output);
      if (found) { clearTimeout(timer); ready(found); }
    });
    exited.then(({ code, signal }) => { clearTimeout(timer); fail(`ended with ${code ?? signal}`); });
  });
  built.add(faults);
  return {
    url,
    port: Number(port),
    state,
    pid: child.pid,
    /** What the server wrote to its log so far. */
    log: () => log,
    /** Waits until the log has these words. */
    logged: (words) => new Promise((found, failed) => {
      const timer = setTimeout(() => failed(new Error(`the log has no "${words}"\n${log}`)), LOGGED_WITHIN_MS);
      const look = () => {
        if (!log.includes(words)) return;
        clearTimeout(timer);
        child.stderr.off('data', look);
        found();
      };
      child.stderr.on('data', look);
      look();
    }),
    /** Ends it as an operator does. */
    stop: async () => {
      const { code, signal } = await end('SIGTERM');
      assert.equal(code, 0, `the server stops cleanly, not with ${signal}\n${log}`);
    },
    /** Ends it without warning, in the middle of whatever it does. */
    kill9: () => end('SIGKILL'),
  };
}

function browserProgram() {
  const found = [process.env.CHROMIUM, ...BROWSERS].find((path) => path && existsSync(path));
  assert.ok(found, 'Chromium is missing: run `cargo xtask test`, which installs it where apt is');
  return found;
}

/** Process id of the browser that uses this profile. */
function browserProcess(profileDir) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (words.includes(`--user-data-dir=${profileDir}`) && !words.some((word) => word.startsWith('--type='))) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error('no browser process with this profile');
}

/**
 * Starts Chromium with a profile of its own.
 *
 * @param {{microphoneWav?: string, profileDir?: string, allowedErrors?: RegExp[], denyMicrophone?: boolean, withoutDevices?: boolean}} options
 *   `allowedErrors` are the console errors that the test itself causes
 */
export async function launchBrowser({ microphoneWav, profileDir = temporaryFolder('profile'), allowedErrors = [], denyMicrophone = false, withoutDevices = false } = {}) {
  const context = await playwright().chromium.launchPersistentContext(profileDir, {
    executablePath: browserProgram(),
    headless: true,
    timeout: STARTED_WITHIN_MS,
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', `--disable-features=${SWITCHED_OFF}`,
      ...(withoutDevices ? [] : ['--use-fake-device-for-media-stream']),
      ...(denyMicrophone ? ['--deny-permission-prompts'] : ['--use-fake-ui-for-media-stream']),
      ...(microphoneWav ? [`--use-file-for-fake-audio-capture=${microphoneWav}`] : []),
    ],
  });
  context.setDefaultTimeout(SHOWN_WITHIN_MS);
  const end = async () => {
    running.delete(end);
    await context.close();
  };
  running.add(end);
  const errors = [];
  const note = (text) => {
    if (!allowedErrors.some((allowed) => allowed.test(text))) errors.push(text);
  };
  context.on('console', (message) => {
    const { url = '', lineNumber = 0 } = message.location();
    if (message.type() === 'error') note(`${message.text()} (${url}:${lineNumber})`);
  });
  context.on('weberror', (error) => note(`uncaught: ${error.error().stack ?? error.error()}`));
  const check = () => assert.deepEqual(errors, [], 'no console errors and no unhandled rejections');
  return {
    context,
    profileDir,
    errors,
    /** Opens a page and waits for its load event. */
    newPage: async (url) => {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    /** Ends the browser; fails if any page said something is wrong. */
    close: async () => {
      await end();
      check();
    },
    /** Kills the whole browser at once, as a power cut would, and says when; the profile stays. */
    kill9: async () => {
      const closed = new Promise((done) => context.once('close', done));
      const group = -browserProcess(profileDir);
      const at = Date.now();
      process.kill(group, 'SIGKILL');
      await closed;
      running.delete(end);
      check();
      return at;
    },
  };
}
