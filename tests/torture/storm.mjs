// Throws random and changed SIP messages at `/sip` and judges what comes back: a right answer or none, at most one
// final answer to a request, and a connection that lives on or was closed with a reason. Repeats from its seed.

import { OFFER, parseMessage } from '../sip-agent.mjs';

/** So many messages on one connection, which must then answer. */
const VOLLEY = 50;
const AT_ONCE = 4;
const ANSWERED_WITHIN_MS = 15_000;
/** Beginning of branches that no other message has. */
const OWN = 'z9hG4bKstorm';
/** What an exchange may say to a request that it refuses or that leads nowhere. */
const STATUSES = new Set([
  200, 202, 400, 401, 403, 404, 405, 406, 407, 408, 410, 413, 415, 416, 420, 421, 422, 423, 440, 480, 481, 482, 483, 484, 486, 487, 488, 489, 491, 493,
  500, 501, 503, 505, 513,
]);
const BITS = [
  '\r\n', '\r\n\r\n', '\n', '\r', '\r\n ', '"', '\\"', '<', '>', ';', ',', '%', '%00', '%0d%0a', '\0', '\xff', '\xc3\x28', '\\', '@', ':', '=', ' ', '[', ']', '*', '-1', '0', '256', '65536',
  '4294967296', '99999999999999999999', 'SIP/2.0', 'Via: ', ';tag=', 'Content-Length: 9', 'Route: <sip:x;lr>', 'Require: x', 'sips:', 'tel:+1',
].map((text) => Buffer.from(text, 'latin1'));

/** Numbers from a seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound) => Math.floor(next() * bound);
  return { below, pick: (items) => items[below(items.length)] };
}

/** A whole request as a client sends it. */
function request(method, uri, extra = [], body = '') {
  return Buffer.from([
    `${method} ${uri} SIP/2.0`, 'Via: SIP/2.0/WS storm.invalid;branch=z9hG4bKstorm', 'Max-Forwards: 70', 'From: "Storm" <sip:storm@example.net>;tag=1', `To: <${uri}>`,
    'Call-ID: storm', `CSeq: 8 ${method}`, 'Contact: <sip:storm@storm.invalid;transport=ws>', ...extra, `Content-Length: ${Buffer.byteLength(body)}`, '', body,
  ].join('\r\n'));
}

/** What everything is made of. `user` has an account and no telephone. */
export function corpus(domain, user) {
  const own = `sip:${user}@${domain}`;
  const digest = `Authorization: Digest username="${user}", realm="${domain}", nonce="n", uri="${own}", response="${'0'.repeat(32)}", qop=auth, nc=00000001, cnonce="c"`;
  return [
    request('OPTIONS', `sip:${domain}`), request('OPTIONS', own, ['Accept: application/sdp', 'Supported: path, outbound, gruu']),
    request('REGISTER', `sip:${domain}`, ['Expires: 60', 'Supported: outbound']), request('REGISTER', `sip:${domain}`, [digest]),
    request('SUBSCRIBE', own, ['Event: message-summary', 'Expires: 600', 'Accept: application/simple-message-summary']),
    request('MESSAGE', own, ['Content-Type: text/plain'], 'hello'), request('INFO', own, ['Content-Type: application/dtmf-relay'], 'Signal=#\r\n'),
    request('INVITE', `sip:nobody@${domain}`, ['Content-Type: application/sdp', 'Session-Expires: 1800'], OFFER), request('INVITE', own, ['Content-Type: application/sdp'], OFFER),
    request('INVITE', `sip:voicemail@${domain};target=sip:${user}%40${domain};cause=302`, ['History-Info: <sip:a@b>;index=1', 'Diversion: <sip:a@b>;reason=user-busy']),
    request('BYE', own, ['Route: <sip:x@example.com;lr>']), request('CANCEL', own), request('ACK', own), request('REFER', own, ['Refer-To: <sip:x@y>']),
    request('NOTIFY', own, ['Event: message-summary', 'Subscription-State: active']), request('UPDATE', own), request('PUBLISH', own), request('PRACK', own),
    Buffer.from(request('x', own).toString().replace(/^.*/, 'SIP/2.0 200 OK')), Buffer.from('\r\n\r\n'),
  ];
}

/** One thing to throw: noise, or something good that was changed in up to four places. Its branch is its own. */
function missile(chance, messages, number) {
  if (chance.below(12) === 0) return Buffer.from(Array.from({ length: chance.below(300) }, () => chance.below(256)));
  const name = (Math.imul(number, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  const own = chance.pick(messages).toString('latin1').replaceAll(OWN, `${OWN}${name}`).replaceAll('Call-ID: storm', `Call-ID: storm${name}`);
  let bytes = Buffer.from(own, 'latin1');
  for (let changes = chance.below(5); changes > 0; changes -= 1) bytes = changed(chance, bytes);
  return bytes;
}

function changed(chance, bytes) {
  const at = chance.below(bytes.length + 1);
  const end = at + chance.below(Math.min(40, bytes.length - at) + 1);
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (chance.below(7)) {
    case 0: return Buffer.concat([before, chance.pick(BITS), after]);
    case 1: return Buffer.concat([before, after]);
    case 2: return Buffer.concat([before, chance.pick(BITS), part, after]);
    case 3: return before;
    case 4: return Buffer.concat([before, ...Array(1 + chance.below(20)).fill(part), after]);
    case 5: return Buffer.concat([before, part.map((byte) => byte ^ (1 << chance.below(8))), after]);
    default: return someLines(chance, bytes);
  }
}

function someLines(chance, bytes) {
  const lines = bytes.toString('latin1').split('\r\n');
  const [one, other] = [chance.below(lines.length), chance.below(lines.length)];
  if (chance.below(2)) lines.splice(other, 0, lines[one]);
  else lines.splice(one, 1);
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** A volley on a connection of its own: what came back, and how the connection ended if it did. */
function volley(url, missiles, ping) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/sip`, 'sip');
    socket.binaryType = 'arraybuffer';
    const heard = [];
    const timer = setTimeout(() => reject(new Error(`a connection hangs after ${missiles.map(String).join('\n----\n')}`)), ANSWERED_WITHIN_MS);
    const end = (closed) => { clearTimeout(timer); socket.close(); resolve({ heard, closed }); };
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code, reason }) => end({ code, reason }));
    socket.addEventListener('open', () => [...missiles, ping].forEach((bytes, index) => socket.send(index % 2 ? bytes.toString('utf8') : bytes)));
    socket.addEventListener('message', ({ data }) => {
      const text = typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
      if (!text.trim()) return;
      const message = parseMessage(text);
      if (message.status && message.header('call-id') === 'ping') end();
      else heard.push(message);
    });
  });
}

/** What is wrong with what came back; nothing if all is well. */
function complaint({ heard, closed }) {
  if (closed && (!closed.reason || closed.code < 1007)) return `closed with ${closed.code} "${closed.reason}"`;
  const finals = new Map();
  for (const message of heard) {
    if (!message.status) continue;
    if (message.status >= 200 && !STATUSES.has(message.status)) return `an odd answer: ${message.text}`;
    const method = /[A-Z]+$/.exec(message.header('cseq') ?? '')?.[0];
    // A request line that was changed into another method may have ACK left in its CSeq.
    if (method === 'ACK' && message.status !== 400) return `an answer to an ACK: ${message.text}`;
    // A 2xx to an INVITE is repeated until its ACK (RFC 3261 13.3.1.4).
    if (message.status < 200 || (method === 'INVITE' && message.status < 300) || !message.header('via')?.includes(OWN)) continue;
    const key = [message.header('via'), message.header('call-id'), message.header('cseq')].join(' ');
    finals.set(key, (finals.get(key) ?? 0) + 1);
  }
  const twice = [...finals].find(([, times]) => times > 1);
  return twice && `answered ${twice[1]} times: ${twice[0]}`;
}

/**
 * Throws `count` messages, made of `messages`, from a seed.
 *
 * @returns {Promise<{thrown: number, answered: number, closed: number, statuses: Record<string, number>, complaints: string[]}>}
 */
export async function storm({ url, domain, messages, count, seed, told = () => {} }) {
  const chance = random(seed);
  const ping = Buffer.from(request('OPTIONS', `sip:${domain}`).toString().replace('Call-ID: storm', 'Call-ID: ping'));
  const result = { thrown: 0, answered: 0, closed: 0, statuses: {}, complaints: [] };
  const one = async () => {
    while (result.thrown < count) {
      const first = result.thrown;
      const missiles = Array.from({ length: Math.min(VOLLEY, count - first) }, (_, index) => missile(chance, messages, first + index));
      result.thrown += missiles.length;
      const outcome = await volley(url, missiles, ping);
      const wrong = complaint(outcome);
      if (wrong) result.complaints.push(wrong);
      if (outcome.closed) result.closed += 1;
      for (const { status } of outcome.heard) {
        if (!(status >= 200)) continue;
        result.answered += 1;
        result.statuses[status] = (result.statuses[status] ?? 0) + 1;
      }
      told(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return result;
}
