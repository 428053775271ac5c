// Who serves a state folder: one process at a time, and no runtime outlives the one that started it.
import { spawn } from "node:child_process";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import workerd from "workerd";

// A CommonJS module: its default export is wrapped.
const runtimePath = workerd.default ?? workerd;
const RUNTIME = "workerd.pid";
const SERVER = "server.pid";

function pidIn(file) {
  return existsSync(file) ? Number.parseInt(readFileSync(file, "utf8"), 10) || 0 : 0;
}

/** The command line of a process; empty if there is none. */
function commandOf(pid) {
  if (!pid) return "";
  try {
    if (existsSync("/proc/self/cmdline")) return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Ends a runtime that a killed server left behind; its storage is safe, every answer came after a commit. */
export function killOrphan(state) {
  if (commandOf(pidIn(join(state, SERVER))).includes("serve.mjs")) return;
  const file = join(state, RUNTIME);
  const pid = pidIn(file);
  for (let tries = 0; tries < 100 && commandOf(pid).includes("workerd"); tries += 1) {
    if (tries === 0) console.error(`› Ending runtime ${pid}, left over from a server that was killed`);
    process.kill(pid, "SIGKILL");
    sleep(20);
  }
  rmSync(file, { force: true });
}

/** Takes the folder for this process. */
export function claimState(state) {
  const file = join(state, SERVER);
  const pid = pidIn(file);
  if (pid !== process.pid && commandOf(pid).includes("serve.mjs")) {
    throw new Error(`process ${pid} already serves from ${state}`);
  }
  writeFileSync(file, `${process.pid}\n`);
}

/**
 * Starts the runtime through a script that notes its process id, and beside it a shell that waits for this
 * process to end in any way, also by SIGKILL: its standard input closes, and it ends the runtime.
 */
export function watchRuntime(state) {
  const file = join(state, RUNTIME);
  const script = join(state, "workerd.sh");
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  writeFileSync(script, `#!/bin/sh\necho $$ > ${quoted(file)}\nexec ${quoted(runtimePath)} "$@"\n`, { mode: 0o755 });
  process.env.MINIFLARE_WORKERD_PATH = script;
  const program = 'read -r word || { [ -s "$1" ] && kill -9 "$(cat "$1")"; }';
  const shell = spawn("/bin/sh", ["-c", program, "afterbeep-watch", file], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.stdin.on("error", () => {});
  return {
    /** The runtime has ended in good order. */
    end(folder) {
      rmSync(join(folder, RUNTIME), { force: true });
      rmSync(join(folder, SERVER), { force: true });
      shell.stdin.end("done\n");
    },
  };
}
