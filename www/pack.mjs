// Packs the module for embedders: node www/pack.mjs --www DIR --pkg DIR --out DIR --version VERSION
//
// Takes the built pages apart from what only our own pages use, and adds types, the elements' manifest, and the
// service worker that embedders host beside their own pages.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Assets that only our own pages use. */
const OWN = new Set(["page.css", "page.js", "inbox-page.js", "embed-page.js", "icon.svg", "greeting-system.ogg"]);
const TYPES = "afterbeep.d.ts";
const MANIFEST = "custom-elements.json";
const LICENCES = ["LICENSE-MIT", "LICENSE-APACHE"];

const text = { type: "string" };
const { values } = parseArgs({ options: { www: text, pkg: text, out: text, version: text } });
const { www, pkg, out, version } = values;
if (!www || !pkg || !out || !version) {
  console.error("www: usage: node www/pack.mjs --www DIR --pkg DIR --out DIR --version VERSION");
  process.exit(1);
}

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "assets"), { recursive: true });
await cp(join(www, "afterbeep.js"), join(out, "afterbeep.js"));
const assets = (await readdir(join(www, "assets"))).filter((name) => !OWN.has(name));
await Promise.all(assets.map((name) => cp(join(www, "assets", name), join(out, "assets", name))));
await Promise.all([TYPES, MANIFEST].map((name) => cp(join(HERE, "package", name), join(out, name))));
await Promise.all(LICENCES.map((name) => cp(join(HERE, "..", name), join(out, name))));
await bundleServiceWorker();
await writeFile(join(out, "package.json"), `${JSON.stringify(description(), null, 2)}\n`);

async function bundleServiceWorker() {
  const module = await readFile(join(www, "assets", "call_bg.wasm"));
  await build({
    entryPoints: [join(HERE, "src", "embedder-service-worker.js")],
    outfile: join(out, "afterbeep-sw.js"),
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    legalComments: "none",
    logLevel: "warning",
    alias: { "afterbeep-call-module": resolve(pkg, "call", "call.js") },
    define: {
      VERSION: JSON.stringify(createHash("sha256").update(module).digest("hex").slice(0, 16)),
      "import.meta.url": "self.location.href",
    },
  });
}

function description() {
  return {
    name: "afterbeep",
    version,
    description: "Call elements that keep what was said until it is with the callee",
    license: "MIT OR Apache-2.0",
    type: "module",
    types: `./${TYPES}`,
    customElements: MANIFEST,
    exports: {
      ".": { types: `./${TYPES}`, default: "./afterbeep.js" },
      "./afterbeep-sw.js": "./afterbeep-sw.js",
      "./assets/*": "./assets/*",
      [`./${MANIFEST}`]: `./${MANIFEST}`,
    },
    files: ["afterbeep.js", "afterbeep-sw.js", TYPES, MANIFEST, "assets"],
    sideEffects: ["./afterbeep.js"],
  };
}
