// How long one typical INVITE takes to be read and decoded: by our grammar, natively and in wasm, and by two stacks of
// browsers in the same process. All ask for From, To, Via, Contact, CSeq, Call-ID, Max-Forwards and Content-Type.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const INVITE = readFileSync(`${ROOT}/crates/sip/examples/decode/invite.sip`, 'utf8');
/** A round of so many messages, as in crates/sip/examples/decode. */
const TIMES = 400;
const ROUNDS = 40;

/** Microseconds of one message in the best of the rounds: others on the machine only ever add to one. */
function best(round) {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    round();
    return ((performance.now() - start) * 1000) / TIMES;
  });
  return Math.min(...times);
}

/** A script's reader. */
const often = (read) => best(() => {
  for (let count = 0; count < TIMES; count += 1) read();
});

const native = (program) => Number(execFileSync(program, { encoding: 'utf8' })) / 1000;

function wasm(file) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
  return best(() => exports.main(0, 0));
}

function jsSip() {
  const parser = createRequire(import.meta.url)('jssip/lib/Parser');
  const check = parser.parseMessage(INVITE, {});
  if (check.from.uri.user !== 'alice' || !check.via_branch) throw new Error('JsSIP did not read the message');
  const whole = () => {
    const message = parser.parseMessage(INVITE, {});
    return [message.from, message.to, message.via, message.cseq, message.parseHeader('contact'), message.getHeader('max-forwards'), message.getHeader('content-type')];
  };
  return often(whole);
}

async function sipJs() {
  const { Parser } = await import('sip.js/lib/core/index.js');
  const logger = { error() {}, warn() {}, log() {}, debug() {} };
  const whole = () => {
    const message = Parser.parseMessage(INVITE, logger);
    return [message.from, message.to, message.via, message.cseq, message.parseHeader('contact'), message.getHeader('max-forwards'), message.getHeader('content-type')];
  };
  if (whole()[0].uri.user !== 'alice') throw new Error('SIP.js did not read the message');
  return often(whole);
}

/** @param {{nativeProgram: string, wasmModule: string}} built */
export async function grammar({ nativeProgram, wasmModule }) {
  const row = (what, us) => ({ what, us: Math.round(us * 100) / 100 });
  return {
    bytes: Buffer.byteLength(INVITE),
    rows: [row('ours, native', native(nativeProgram)), row('ours, wasm', wasm(wasmModule)), row('JsSIP', jsSip()), row('SIP.js', await sipJs())],
  };
}
