// A site of somebody else: its own origin, its own policy, our element on its pages.

import { createServer } from 'node:http';
import { cpSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { extname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { compileScript, parse } from 'vue/compiler-sfc';
import { temporaryFolder } from '../harness.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'docs/examples');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

function node(...words) {
  const done = spawnSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${words[0]}: ${done.stdout}${done.stderr}`);
}

/** The npm package as a release has it, with the quick build's modules; the folder that resolves `afterbeep`. */
export function packModules() {
  const pkg = join(ROOT, 'www/pkg');
  const www = join(temporaryFolder('www'), 'www');
  const modules = join(temporaryFolder('modules'), 'node_modules');
  node('www/build.mjs', '--out', www, '--pkg', pkg);
  node('www/pack.mjs', '--www', www, '--pkg', pkg, '--out', join(modules, 'afterbeep'), '--version', '0.0.0');
  return modules;
}

/** Checks a program of an embedder against the package's types. */
export function typeCheck(modules, program) {
  const file = join(modules, '..', 'usage.ts');
  cpSync(join(import.meta.dirname, program), file);
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom,dom.iterable', '--module', 'esnext', '--moduleResolution', 'bundler'];
  node('node_modules/typescript/bin/tsc', ...options, file);
}

const vue = {
  name: 'vue',
  setup: ({ onLoad }) => onLoad({ filter: /\.vue$/ }, ({ path }) => {
    const { descriptor } = parse(readFileSync(path, 'utf8'), { filename: path });
    const templateOptions = { compilerOptions: { isCustomElement: (tag) => tag.startsWith('afterbeep-') } };
    return { contents: compileScript(descriptor, { id: 'example', inlineTemplate: true, templateOptions }).content, loader: 'js' };
  }),
};

/** Bundles the script of an example for browsers. */
export async function bundled(entry, modules) {
  const { outputFiles: [file] } = await build({
    entryPoints: [join(EXAMPLES, entry)], bundle: true, write: false, format: 'esm', target: 'es2022', jsx: 'automatic', logLevel: 'silent',
    nodePaths: [modules], plugins: [vue],
    define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
  });
  return file.text;
}

export const example = (path) => readFileSync(join(EXAMPLES, path), 'utf8');

/** The policy that the documentation asks for, as the directives of a header. */
export function documentedPolicy() {
  const [, block] = /```csp\n([^`]+)```/.exec(readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8'));
  return block.trim().split(/;\s*/);
}

/**
 * Serves pages under an origin of their own. Texts name the server of the documentation; here they get the real one.
 *
 * @param {{ server: { url: string }, files: Record<string, string | Buffer>, policy: string[] }} options
 */
export async function startSite({ server, files, policy }) {
  const real = (text) => text
    .replaceAll('sip:bob@edge.example.com', 'sip:bob@localhost')
    .replaceAll('https://edge.example.com', server.url)
    .replaceAll('wss://edge.example.com', server.url.replace('http', 'ws'));
  const listener = createServer((request, response) => {
    const path = new URL(request.url, 'http://site').pathname;
    const body = files[path];
    response.setHeader('content-security-policy', real(policy.join('; ')));
    response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html');
    response.writeHead(body === undefined ? 204 : 200).end(typeof body === 'string' ? real(body) : body);
  });
  await new Promise((ready) => listener.listen(0, '127.0.0.1', ready));
  return { url: `http://localhost:${listener.address().port}`, stop: () => listener.closeAllConnections() ?? listener.close() };
}
