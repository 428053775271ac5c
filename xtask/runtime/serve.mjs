// Serves a built Afterbeep on the real worker runtime with its storage on disk, until it is told to stop.
// Started by `cargo xtask dev` with one JSON argument; knows nothing of how things are built.
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { seed } from "./demo.mjs";
import { claimState, killOrphan, watchRuntime } from "./process.mjs";
import { developmentVariables } from "./variables.mjs";

// Six megabytes of CommonJS: importing them would read them twice, for the names of their exports.
const { Log, LogLevel, Miniflare, convertV4MiniflareOptions } = createRequire(import.meta.url)("miniflare");

const options = JSON.parse(process.argv[2]);
const READY_WITHIN_MS = 30_000;
const OBJECTS = {
  FLOW: "Flow", LINE: "Line", MAILBOX: "Mailbox", UPLOAD: "Upload", NETWORK: "Network", DIRECTORY: "Directory",
  UPSTREAM: "Upstream",
};

/** Whose certificates count where this server calls others: those that browsers know, and those that the developer names. */
const EXTRA = process.env.NODE_EXTRA_CA_CERTS;
const tlsOptions = {
  trustBrowserCas: true,
  trustedCertificates: EXTRA && existsSync(EXTRA) ? readFileSync(EXTRA, "utf8").match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g) ?? [] : [],
};

function fail(what, advice) {
  console.error(`error: ${what}\n  What to do: ${advice}`);
  process.exit(1);
}

/**
 * For 0, ports are drawn from below those that systems give to outgoing connections: one of those could be taken
 * between the probe and the runtime's own listening.
 */
const DRAWN_PORTS = { from: 20_000, below: 32_768, tries: 50 };

/** The wanted port if it is free, or any free one for 0. */
async function freePort(wanted) {
  if (wanted !== 0) return probe(wanted);
  for (let tries = 1; ; tries += 1) {
    try {
      return await probe(randomInt(DRAWN_PORTS.from, DRAWN_PORTS.below));
    } catch (error) {
      if (tries === DRAWN_PORTS.tries) throw error;
    }
  }
}

/** The port, if one can listen there. */
function probe(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(port)));
  });
}

/** The counter that `cargo xtask bench cost` puts around the worker; nothing otherwise. */
function countingModule() {
  if (process.env.XTASK_COUNTING !== "1") return [];
  const contents = readFileSync(join(options.root, "bench/counting-worker.js"), "utf8");
  return [{ type: "ESModule", path: join(options.worker, "counting-worker.js"), contents }];
}

function runtimeOptions(port, variables) {
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port,
    cf: false,
    logRequests: false,
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ level, message }) => console.error(`[${level}] ${message}`),
    telemetry: { enabled: false },
    resourcePersistencePath: options.state,
    resourceTmpPath: join(options.state, "tmp"),
    workers: [{
      name: "afterbeep",
      compatibilityDate: "2026-11-01",
      modulesRoot: options.worker,
      modules: [
        ...countingModule(),
        { type: "ESModule", path: join(options.worker, "index.js") },
        { type: "CompiledWasm", path: join(options.worker, "index_bg.wasm") },
      ],
      bindings: variables,
      kvNamespaces: { SESSIONS: "sessions" },
      r2Buckets: { MEDIA: "media" },
      durableObjects: Object.fromEntries(
        Object.entries(OBJECTS).map(([binding, className]) => [binding, { className, useSQLite: true }]),
      ),
      serviceBindings: {
        OUTBOUND: { network: { allow: ["public"], deny: [], tlsOptions } },
        ...(variables.AFTERBEEP_DEV_LOOPBACK === "1"
          ? { LOOPBACK: { network: { allow: ["local", "private", "public"], deny: [], tlsOptions } } }
          : {}),
      },
      assets: {
        directory: options.www,
        binding: "ASSETS",
        routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
        run_worker_first: true,
        assetConfig: { html_handling: "none", not_found_handling: "none" },
      },
    }],
  });
}

async function untilHealthy(url) {
  const end = Date.now() + READY_WITHIN_MS;
  let last = "no answer";
  while (Date.now() < end) {
    try {
      const answer = await fetch(`${url}/healthz`);
      if (answer.status === 200) return;
      last = `status ${answer.status}: ${(await answer.text()).slice(0, 400)}`;
    } catch (error) {
      last = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fail(`the worker does not answer on ${url}/healthz (${last})`, "look at the worker's messages above");
}

mkdirSync(options.state, { recursive: true });
try {
  killOrphan(options.state);
  claimState(options.state);
} catch (error) {
  fail(error.message, "stop it, or choose another folder with --state");
}
rmSync(join(options.state, "tmp"), { recursive: true, force: true });
mkdirSync(join(options.state, "tmp"));

const port = await freePort(options.port).catch((error) =>
  fail(`port ${options.port} cannot be used (${error.code})`, "choose another one with --port, or --port 0 for any"));
const url = `http://127.0.0.1:${port}`;
const watch = watchRuntime(options.state);
const runtime = new Miniflare(runtimeOptions(port, developmentVariables(options.root, url, options.demo)));

let stopping = false;
async function stop(code) {
  if (stopping) process.exit(code || 1);
  stopping = true;
  await runtime.dispose().catch((error) => console.error(error.message));
  watch.end(options.state);
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  // Miniflare's own handlers end the process before the runtime has come down.
  process.removeAllListeners(signal);
  process.on(signal, () => stop(0));
}
if (process.env.XTASK_STOP_WITH_STDIN === "1") {
  process.stdin.on("end", () => stop(0)).on("error", () => stop(0)).resume();
}

try {
  await runtime.ready;
  await untilHealthy(url);
  if (options.demo) await seed(options.root, url, "dev-admin-token");
  writeFileSync(join(options.state, "url"), `${url}\n`);
  console.log(`Afterbeep is ready on ${url}`);
} catch (error) {
  console.error(`error: ${error.stack ?? error}`);
  await stop(1);
}
