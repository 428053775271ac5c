// A plain SIP user agent over WebSocket (RFC 7118) for tests: it knows only what RFC 3261 asks of an end
// point and shares no code with the product. It registers with digest, calls, answers as it is told and
// remembers every message it saw.

import { createHash, randomBytes } from 'node:crypto';

/** Long enough for a busy machine: what comes is taken at once. */
const WITHIN_MS = 30_000;

const hex = (count) => randomBytes(count).toString('hex');
const digest = (algorithm, text) => createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5').update(text).digest('hex');

/** Parses one SIP message into its start line, headers (lower-case names, in order) and body. */
export function parseMessage(text) {
  const split = text.indexOf('\r\n\r\n');
  const head = split < 0 ? text : text.slice(0, split);
  const [start, ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  const message = { start, headers, body: split < 0 ? '' : text.slice(split + 4), text };
  message.header = (name) => headers.find(([key]) => key === name)?.[1];
  message.all = (name) => headers.filter(([key]) => key === name).map(([, value]) => value);
  message.status = start.startsWith('SIP/2.0 ') ? Number(start.split(' ')[1]) : 0;
  message.method = message.status ? message.header('cseq')?.split(' ')[1] : start.split(' ')[0];
  return message;
}

const parameter = (challenge, name) => challenge.match(new RegExp(`${name}="?([^",]+)"?`, 'i'))?.[1];
const uriOf = (value) => value.match(/<([^>]*)>/)?.[1] ?? value.split(';')[0];
const tagOf = (value) => value.match(/;tag=([^;>\s]+)/)?.[1];

export class SipAgent {
  #socket;
  #waiters = [];
  /** What waits for the answer to a keep-alive. */
  #answered;

  /**
   * @param {{url: string, user?: string, password?: string, domain?: string, algorithm?: 'MD5'|'SHA-256',
   *   answer?: (invite: object, agent: SipAgent) => void, flow?: string}} options `flow` names the connection, so
   *   that a second `connect()` comes back to it
   */
  constructor({ url, user, password, domain = 'localhost', algorithm = 'MD5', answer, flow }) {
    this.url = `${url.replace(/^http/, 'ws')}/sip${flow ? `?flow=${flow}` : ''}`;
    this.address = user ? `sip:${user}@${domain}` : 'sip:anonymous@anonymous.invalid';
    this.domain = domain;
    this.user = user ?? 'anonymous';
    this.password = password;
    this.algorithm = algorithm;
    this.answer = answer;
    this.host = `${hex(6)}.invalid`;
    this.contact = `<sip:${this.user}@${this.host};transport=ws>`;
    /** Every message received, in order. */
    this.received = [];
    this.sequence = 1;
  }

  async connect() {
    this.#socket = new WebSocket(this.url, 'sip');
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('message', (event) => this.#receive(event.data));
    this.closed = new Promise((resolve) => this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }), { once: true }));
    await new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', resolve, { once: true });
      this.#socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${this.url}`)), { once: true });
    });
    return this;
  }

  /** Whoever still waits for a message keeps nothing from ending. */
  close() {
    this.#socket?.close();
    for (const { timer } of this.#waiters) clearTimeout(timer);
  }

  send(text) {
    this.#socket.send(text);
  }

  /** A keep-alive (RFC 5626 3.5.1); resolves with the milliseconds until its answer. */
  async ping() {
    const start = performance.now();
    const answered = new Promise((resolve) => { this.#answered = resolve; });
    this.send('\r\n\r\n');
    await answered;
    return performance.now() - start;
  }

  /** The first message received, now or later, that `accept` likes. */
  async expect(what, accept, timeout = WITHIN_MS) {
    const found = this.received.find((message) => !message.taken && accept(message));
    if (found) {
      found.taken = true;
      return found;
    }
    return new Promise((resolve, reject) => {
      const waiter = { accept, resolve };
      const timer = waiter.timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new Error(`${this.user}: no ${what}; received ${JSON.stringify(this.received.map((message) => message.start))}`));
      }, timeout);
      waiter.resolve = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
      this.#waiters.push(waiter);
    });
  }

  #receive(data) {
    const text = typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
    if (!text.trim()) {
      this.#answered?.();
      return;
    }
    const message = parseMessage(text);
    this.received.push(message);
    if (!message.status) this.#serve(message);
    const waiter = this.#waiters.find(({ accept }) => accept(message));
    if (waiter) {
      message.taken = true;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.resolve(message);
    }
  }

  #serve(request) {
    if (request.method === 'INVITE' && !tagOf(request.header('to'))) {
      this.answer?.(request, this);
    } else if (request.method === 'CANCEL') {
      this.respond(request, 200, 'OK');
      if (this.ringing) this.respond(this.ringing, 487, 'Request Terminated');
      this.ringing = undefined;
    } else if (request.method !== 'ACK') {
      this.respond(request, 200, 'OK');
    }
  }

  /** Answers a request; `extra` is header lines, `body` an SDP. */
  respond(request, status, reason, { extra = [], body = '' } = {}) {
    request.localTag ??= hex(4);
    const to = tagOf(request.header('to')) ? request.header('to') : `${request.header('to')};tag=${request.localTag}`;
    const lines = [`SIP/2.0 ${status} ${reason}`];
    for (const [name, value] of request.headers) {
      if (name === 'via') lines.push(`Via: ${value}`);
      if (name === 'record-route' && status < 300) lines.push(`Record-Route: ${value}`);
    }
    lines.push(`From: ${request.header('from')}`, `To: ${to}`, `Call-ID: ${request.header('call-id')}`, `CSeq: ${request.header('cseq')}`);
    if (request.method === 'INVITE' && status > 100 && status < 300) lines.push(`Contact: ${this.contact}`);
    if (body) lines.push('Content-Type: application/sdp');
    lines.push(...extra, `Content-Length: ${Buffer.byteLength(body)}`, '', body);
    this.send(lines.join('\r\n'));
  }

  #request(method, uri, { from, to, callId, sequence, routes = [], extra = [], type, body = '', branch }) {
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/WS ${this.host};branch=${branch ?? `z9hG4bK${hex(8)}`};rport`,
      'Max-Forwards: 70',
      ...routes.map((route) => `Route: ${route}`),
      `From: ${from}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${sequence} ${method}`,
      `Contact: ${this.contact}`,
      ...extra,
    ];
    if (type) lines.push(`Content-Type: ${type}`);
    lines.push(`Content-Length: ${Buffer.byteLength(body)}`, '', body);
    this.send(lines.join('\r\n'));
  }

  #authorization(response, method, uri) {
    const name = response.status === 401 ? 'www-authenticate' : 'proxy-authenticate';
    const challenge = response.all(name).find((line) => (parameter(line, 'algorithm') ?? 'MD5') === this.algorithm);
    if (!challenge) throw new Error(`no ${this.algorithm} challenge in ${response.text}`);
    const [realm, nonce] = [parameter(challenge, 'realm'), parameter(challenge, 'nonce')];
    const [cnonce, count] = [hex(4), '00000001'];
    const ha1 = digest(this.algorithm, `${this.user}:${realm}:${this.password}`);
    const ha2 = digest(this.algorithm, `${method}:${uri}`);
    const value = digest(this.algorithm, `${ha1}:${nonce}:${count}:${cnonce}:auth:${ha2}`);
    const header = response.status === 401 ? 'Authorization' : 'Proxy-Authorization';
    return `${header}: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${value}", algorithm=${this.algorithm}, cnonce="${cnonce}", qop=auth, nc=${count}`;
  }

  /** Registers; resolves with the final response. */
  async register({ expires = 300 } = {}) {
    const uri = `sip:${this.domain}`;
    const callId = hex(8);
    const from = `<${this.address}>;tag=${hex(4)}`;
    const attempt = async (extra) => {
      const sequence = this.sequence++;
      this.#request('REGISTER', uri, { from, to: `<${this.address}>`, callId, sequence, extra: [...extra, `Expires: ${expires}`] });
      return this.expect('answer to REGISTER', (message) => message.status >= 200 && message.header('call-id') === callId && message.header('cseq') === `${sequence} REGISTER`);
    };
    const first = await attempt([]);
    return first.status === 401 ? attempt([this.#authorization(first, 'REGISTER', uri)]) : first;
  }

  /** Starts a call; resolves with the final response and the dialog in which to go on. */
  async invite(target, { body = OFFER, displayName = '', extra: lines = [], acknowledge = true, onProvisional, timeout = WITHIN_MS } = {}) {
    const callId = hex(8);
    const from = `${displayName ? `"${displayName}" ` : ''}<${this.address}>;tag=${hex(4)}`;
    const attempt = async (extra) => {
      const sequence = this.sequence++;
      const branch = `z9hG4bK${hex(8)}`;
      this.pending = { target, from, to: `<${target}>`, callId, sequence, branch };
      this.#request('INVITE', target, { ...this.pending, extra: [...lines, ...extra], type: body ? 'application/sdp' : undefined, body });
      const mine = (message) => message.header('call-id') === callId && message.header('cseq') === `${sequence} INVITE`;
      if (onProvisional) this.expect('provisional answer', (message) => mine(message) && message.status > 100 && message.status < 200, timeout).then(onProvisional, () => {});
      const response = await this.expect('final answer to INVITE', (message) => mine(message) && message.status >= 200, timeout);
      if (response.status >= 300) {
        this.#request('ACK', target, { from, to: response.header('to'), callId, sequence, branch });
      }
      return { response, sequence };
    };
    let { response, sequence } = await attempt([]);
    if (response.status === 407 && this.password) ({ response, sequence } = await attempt([this.#authorization(response, 'INVITE', target)]));
    const dialog = {
      callId,
      from,
      to: response.header('to'),
      target: response.header('contact') ? uriOf(response.header('contact')) : target,
      routes: response.all('record-route').reverse(),
      inviteSequence: sequence,
    };
    if (response.status < 300 && acknowledge) this.inDialog(dialog, 'ACK', { sequence });
    return { response, dialog };
  }

  /** Sends a request outside of any dialog, proven where that is asked for; resolves with the final answer. */
  async ask(method, uri, { extra = [], type, body } = {}) {
    const [callId, from] = [hex(8), `<${this.address}>;tag=${hex(4)}`];
    const attempt = async (lines) => {
      const sequence = this.sequence++;
      this.#request(method, uri, { from, to: `<${uri}>`, callId, sequence, extra: [...extra, ...lines], type, body });
      return this.expect(`answer to ${method}`, (message) => message.status >= 200 && message.header('call-id') === callId && message.header('cseq') === `${sequence} ${method}`);
    };
    const first = await attempt([]);
    return [401, 407].includes(first.status) && this.password ? attempt([this.#authorization(first, method, uri)]) : first;
  }

  /** Asks somebody what he can do; resolves with the answer. */
  async options(target) {
    const [sequence, callId] = [this.sequence++, hex(8)];
    this.#request('OPTIONS', target, { from: `<${this.address}>;tag=${hex(4)}`, to: `<${target}>`, callId, sequence });
    return this.expect('answer to OPTIONS', (message) => message.status >= 200 && message.header('call-id') === callId);
  }

  /** Cancels the INVITE that waits for its answer. */
  async cancel() {
    const { target, ...invite } = this.pending;
    this.#request('CANCEL', target, invite);
  }

  /** Sends a request inside a dialog; resolves with its answer (not for ACK). */
  async inDialog(dialog, method, { sequence = this.sequence++, extra = [], type, body } = {}) {
    this.#request(method, dialog.target, { ...dialog, sequence, extra, type, body });
    if (method === 'ACK') return undefined;
    return this.expect(`answer to ${method}`, (message) => message.status >= 200 && message.header('call-id') === dialog.callId && message.header('cseq') === `${sequence} ${method}`);
  }

  /** The dialog of a call that this agent answered. */
  dialogOf(invite) {
    return {
      callId: invite.header('call-id'),
      from: `${invite.header('to')};tag=${invite.localTag}`,
      to: invite.header('from'),
      target: uriOf(invite.header('contact')),
      routes: invite.all('record-route'),
    };
  }
}

/** An audio offer as browsers make it, with made-up keys: enough for agents that never open media. */
export const OFFER = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendrecv',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=fingerprint:sha-256 ' + Array(32).fill('00').join(':'),
  'a=setup:actpass', 'a=rtcp-mux', 'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');

/** Reads the `Name=Value` lines of a session-info body. */
export function sessionInfo(body) {
  return Object.fromEntries(body.split('\r\n').filter(Boolean).map((line) => {
    const equals = line.indexOf('=');
    return [line.slice(0, equals), line.slice(equals + 1)];
  }));
}

/** A session with `callee`'s voicemail, taken over SIP without ringing anybody (RFC 4458). */
export async function takeSession(server, callee) {
  const caller = await new SipAgent({ url: server.url }).connect();
  const { response } = await caller.invite(`sip:voicemail@localhost;target=sip:${callee}%40localhost;cause=302`, { displayName: 'Anna' });
  if (response.status !== 200) throw new Error(`no voicemail of ${callee}: ${response.text}`);
  const info = await caller.expect('INFO', (message) => message.method === 'INFO' && !message.status);
  caller.close();
  return sessionInfo(info.body);
}
