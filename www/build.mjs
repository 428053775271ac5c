// Builds the pages and the elements: node www/build.mjs --out DIR --pkg DIR [--dev]
//
// Copies pages and assets, bundles the two elements, the page scripts, the service worker and the capture
// scripts with esbuild, and writes the service worker's precache list from the content of what was built.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

const SOURCE = fileURLToPath(new URL("src/", import.meta.url));
const TARGET = ["es2022", "chrome111", "firefox121", "safari17.5"];
const PAGES = ["index.html", "inbox.html", "embed.html", "ladder.html"];
const ASSETS = ["page.css", "icon.svg", "greeting-system.ogg"];
const MODULES = ["call", "voice", "denoise"];
const OPTIONAL = new Set(["voice", "denoise"]);

const { values } = parseArgs({ options: { out: { type: "string" }, pkg: { type: "string" }, dev: { type: "boolean", default: false } } });
if (!values.out || !values.pkg) fail("usage: node www/build.mjs --out DIR --pkg DIR [--dev]");
const out = resolve(values.out);
const pkg = resolve(values.pkg);

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "assets"), { recursive: true });
await Promise.all([...PAGES.map((name) => copy(name, name)), ...ASSETS.map((name) => copy(name, `assets/${name}`))]);
await copyModules();
await bundle({ "afterbeep": "afterbeep.js", "ladder-page": "ladder-page.js" }, { external: ["./assets/*"] });
await bundle({ "assets/page": "page.js", "assets/inbox-page": "inbox-page.js", "assets/embed-page": "embed-page.js", ...captureScripts() }, { external: ["./voice.js"] });
await bundleServiceWorker();

async function copyModules() {
  for (const name of MODULES) {
    const folder = join(pkg, name);
    if (!existsSync(join(folder, `${name}_bg.wasm`))) {
      if (OPTIONAL.has(name) && values.dev) continue;
      fail(`${folder} holds no ${name}_bg.wasm; build client-wasm first`);
    }
    await cp(join(folder, `${name}_bg.wasm`), join(out, "assets", `${name}_bg.wasm`));
    await build({ ...common(), entryPoints: [join(folder, `${name}.js`)], outfile: join(out, "assets", `${name}.js`), bundle: true, format: "esm" });
  }
}

function captureScripts() {
  const scripts = ["capture-worker", "capture-worklet", "encode-worker"].filter((name) => existsSync(join(SOURCE, `${name}.js`)));
  return Object.fromEntries(scripts.map((name) => [`assets/${name}`, `${name}.js`]));
}

/**
 * @param {Record<string, string>} entries output name to source name
 * @param {object} options
 */
async function bundle(entries, options) {
  const points = Object.entries(entries).map(([name, file]) => ({ in: join(SOURCE, file), out: name }));
  await build({ ...common(), entryPoints: points, outdir: out, bundle: true, format: "esm", ...options });
}

async function bundleServiceWorker() {
  const paths = await precachePaths();
  await build({
    ...common(),
    entryPoints: [join(SOURCE, "service-worker.js")],
    outfile: join(out, "afterbeep-sw.js"),
    bundle: true,
    format: "iife",
    alias: { "afterbeep-call-module": join(pkg, "call", "call.js") },
    define: {
      PRECACHE: JSON.stringify(paths),
      VERSION: JSON.stringify(await versionOf(paths)),
      "import.meta.url": "self.location.href",
    },
  });
}

function common() {
  return { target: TARGET, minify: !values.dev, sourcemap: false, charset: "utf8", legalComments: "none", logLevel: "warning" };
}

async function precachePaths() {
  const files = await readdir(out, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => `/${relative(out, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/")}`)
    .map((path) => (path === "/index.html" ? "/" : path.replace(/\.html$/, "")))
    .filter((path) => !path.endsWith(".ogg"))
    .sort();
}

/** @param {string[]} paths */
async function versionOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(path).update(await readFile(join(out, fileOf(path))));
  return hash.digest("hex").slice(0, 16);
}

/** @param {string} path */
function fileOf(path) {
  if (path === "/") return "index.html";
  return PAGES.includes(`${path.slice(1)}.html`) ? `${path.slice(1)}.html` : path;
}

/**
 * @param {string} from
 * @param {string} to
 */
function copy(from, to) {
  return cp(join(SOURCE, from), join(out, to));
}

/** @param {string} message */
function fail(message) {
  console.error(`www: ${message}`);
  process.exit(1);
}
