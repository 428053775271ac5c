// The wire log of a plain SIP agent or of a browser's page, and its comparison with a ladder.

import assert from 'node:assert/strict';
import { SipAgent, parseMessage } from '../sip-agent.mjs';

/** Methods that belong to calls; registrations and notices are on no ladder. */
const OF_CALLS = new Set(['INVITE', 'ACK', 'CANCEL', 'BYE', 'INFO', 'UPDATE', 'PRACK', 'REFER']);

/** A plain agent that remembers what it sent, too. */
export class WiredAgent extends SipAgent {
  #log = [];

  send(text) {
    this.#log.push({ way: 'sent', text, before: this.received.length });
    super.send(text);
  }

  /** Everything in the order in which this end saw it. */
  get wire() {
    const received = this.received.map(({ text }, index) => ({ way: 'received', text, index }));
    return [...received, ...this.#log].sort((one, other) => place(one) - place(other));
  }
}

/** What was sent comes behind everything that had been received then. */
const place = ({ index, before }) => (index === undefined ? before - 0.5 : index);

/** Notes all SIP frames of a page's sockets from now on. */
export function watchSockets(page) {
  const wire = [];
  const text = (payload) => (typeof payload === 'string' ? payload : payload.toString('utf8'));
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => wire.push({ way: 'sent', text: text(payload) }));
    socket.on('framereceived', ({ payload }) => wire.push({ way: 'received', text: text(payload) }));
  });
  return wire;
}

/** The messages of one call in a wire log. */
export function callOf(wire, callId) {
  return wire.filter(({ text }) => {
    if (!text.trim()) return false;
    const message = parseMessage(text);
    return message.header('call-id') === callId && OF_CALLS.has(message.header('cseq').split(' ')[1]);
  });
}

/** The Call-IDs of all calls in a wire log. */
export function callIds(wire) {
  const invites = wire.filter(({ text }) => text.startsWith('INVITE '));
  return [...new Set(invites.map(({ text }) => parseMessage(text).header('call-id')))];
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether a shown message is the one on the wire, but for what is masked. */
function isSame(shown, wire) {
  const [pattern, text] = [shown, wire].map((one) => one.replaceAll(/\r\nContent-Length: *\d+/gi, ''));
  return new RegExp(`^${pattern.split('***').map(escaped).join('[^\\r\\n]+?')}$`).test(text);
}

/** The ladder says of this end what the wire log of this end says: messages, order, sizes. */
export function assertSameLeg(ladder, end, wire) {
  const leg = ladder.entries.filter(({ from, to }) => from === end || to === end);
  const short = (list) => list.map(({ way, text }) => `${way} ${text.split('\r\n')[0]}`);
  const shown = leg.map(({ from, message, size }) => ({ way: from === end ? 'sent' : 'received', text: message, size }));
  assert.deepEqual(short(shown), short(wire), `the leg of ${end}`);
  for (const [index, { text }] of wire.entries()) {
    assert.equal(shown[index].size, Buffer.byteLength(text), `size of ${text}`);
    assert.ok(isSame(shown[index].text, text), `${shown[index].text}\n--- is not ---\n${text}`);
  }
}

/** Everything in a wire log that opens something. */
export function secretsOf(wire) {
  const patterns = [
    /response="([^"]+)"/g, /nonce="([^"]+)"/g, /Bearer (\S+)/g, /^ID=(\S+)/gm, /\/greetings\/([\w.-]+)/g, /Route: <sips?:([^@>]+)@/g,
    /;at=([^;\s]+)/g, /a=ice-pwd:(\S+)/g,
  ];
  const all = wire.flatMap(({ text }) => patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, secret]) => secret)));
  return [...new Set(all)];
}
