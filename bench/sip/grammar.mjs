// How long one typical INVITE takes to be read and decoded: by our grammar, natively and in wasm, and by two stacks of
// browsers in the same process. All ask for From, To, Via, Contact, CSeq, Call-ID, Max-Forwards and Content-Type.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const INVITE = readFileSync(`${ROOT}/crates/sip/examples/decode/invite.sip`, 'utf8');
/** As in crates/sip/examples/decode. */
const TIMES = 20_000;
const SCRIPT_TIMES = 500;
const ROUNDS = 7;

/** Microseconds of one message, the median of the rounds of so many; the first one is for warming up. */
function median(times, round) {
  round();
  const each = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    round();
    return ((performance.now() - start) * 1000) / times;
  });
  return each.toSorted((one, other) => one - other)[ROUNDS >> 1];
}

/** A script's reader. */
const often = (read) => median(SCRIPT_TIMES, () => {
  for (let count = 0; count < SCRIPT_TIMES; count += 1) read();
});

const native = (program) => {
  const times = Array.from({ length: ROUNDS }, () => Number(execFileSync(program, { encoding: 'utf8' })) / 1000);
  return times.toSorted((one, other) => one - other)[ROUNDS >> 1];
};

function wasm(file) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
  return median(TIMES, () => exports.main(0, 0));
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
