// What the modules that browsers download are made of: node xtask/runtime/bundle-report.mjs FOLDER NAME...
//
// Reads what the compiler made, before names are taken out and the optimiser ran: raw bytes of code, by the crate
// that each function is defined in, and the largest functions. Functions that only describe the module to
// wasm-bindgen are left out, as it leaves them out. Prints JSON.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const SHOWN = 10;
const IMPORT = 2;
const CODE = 10;
const CUSTOM = 0;
const FUNCTION_NAMES = 1;
/** What is no name in a symbol: which of several crates or closures is meant, and what was said before. */
const REFERENCE = /^(?:B[0-9A-Za-z]{0,12}_|s[0-9A-Za-z]{0,12}_(?!\d))/;
const IDENTIFIER = /^(C?)(?:s[0-9A-Za-z]{0,12}_)?([1-9]\d*)_?/;
const [folder, ...names] = process.argv.slice(2);

console.log(JSON.stringify(await Promise.all(names.map(async (name) => {
  const functions = functionsOf(await readFile(join(folder, `${name}-client_wasm.wasm`))).filter(({ symbol }) => !/describe|wbindgen_description/.test(symbol));
  const crates = new Map();
  for (const { bytes, symbol } of functions) {
    const crate = crateOf(symbol);
    crates.set(crate, (crates.get(crate) ?? 0) + bytes);
  }
  return {
    module: name,
    bytes: functions.reduce((sum, { bytes }) => sum + bytes, 0),
    crates: top([...crates].map(([what, bytes]) => ({ what, bytes }))),
    functions: top(functions.map(({ bytes, symbol }) => ({ what: pathOf(symbol), bytes }))),
  };
}))));

/** @param {{ what: string, bytes: number }[]} rows */
function top(rows) {
  return rows.sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
}

/**
 * Names in a symbol of Rust's v0 mangling, in order, each with whether it names a crate.
 * @param {string} symbol
 */
function identifiers(symbol) {
  const found = [];
  for (let at = 2; at < symbol.length;) {
    const rest = symbol.slice(at);
    const [reference] = REFERENCE.exec(rest) ?? [''];
    const [head, crate, length] = IDENTIFIER.exec(rest) ?? [''];
    const name = reference || !head ? '' : rest.slice(head.length, head.length + Number(length));
    if (name) found.push({ name, isCrate: crate === 'C' });
    at += reference.length || head.length + name.length || 1;
  }
  return found;
}

/** @param {string} symbol */
function crateOf(symbol) {
  return identifiers(symbol).find(({ isCrate }) => isCrate)?.name ?? 'runtime';
}

/** @param {string} symbol */
function pathOf(symbol) {
  return symbol.startsWith('_R') ? identifiers(symbol).map(({ name }) => name).join('::').slice(0, 120) : symbol;
}

/** @param {Buffer} module */
function functionsOf(module) {
  const sizes = [];
  const symbols = new Map();
  let imported = 0;
  for (const { id, from, to } of sections(module)) {
    if (id === IMPORT) imported = importedFunctions(module, from);
    if (id === CODE) sizes.push(...bodySizes(module, from));
    if (id === CUSTOM) readNames(module, from, to, symbols);
  }
  return sizes.map((bytes, index) => ({ bytes, symbol: symbols.get(index + imported) ?? '' }));
}

/** @param {Buffer} module */
function* sections(module) {
  for (let at = 8; at < module.length;) {
    const [length, from] = number(module, at + 1);
    yield { id: module[at], from, to: from + length };
    at = from + length;
  }
}

/** One number in LEB128, and where it ends. */
function number(module, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = module[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

/** A text, and where it ends. */
function text(module, at) {
  const [length, from] = number(module, at);
  return [module.toString('utf8', from, from + length), from + length];
}

/** The compiler's modules import nothing but functions. */
function importedFunctions(module, at) {
  return number(module, at)[0];
}

function bodySizes(module, at) {
  let [count, next] = number(module, at);
  const sizes = [];
  for (; count > 0; count -= 1) {
    const [length, from] = number(module, next);
    sizes.push(length);
    next = from + length;
  }
  return sizes;
}

function readNames(module, from, to, symbols) {
  const [name, start] = text(module, from);
  if (name !== 'name') return;
  for (let at = start; at < to;) {
    const [length, begin] = number(module, at + 1);
    if (module[at] === FUNCTION_NAMES) readFunctionNames(module, begin, symbols);
    at = begin + length;
  }
}

function readFunctionNames(module, from, symbols) {
  let [count, at] = number(module, from);
  for (; count > 0; count -= 1) {
    const [index, next] = number(module, at);
    const [symbol, end] = text(module, next);
    symbols.set(index, symbol);
    at = end;
  }
}
