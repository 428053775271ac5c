// How a caller hears of the session, by the owner's choice (D2, D3, D5 to D8, D16, D17, D23), on the real runtime;
// and that no step of it is lost by a kill.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer, temporaryFolder } from './harness.mjs';
import { signIn } from './page.mjs';
import { SipAgent, sessionInfo, takeSession } from './sip-agent.mjs';
import { current, write } from './variants/deposit.mjs';

const state = temporaryFolder('variants-state');
const PLAN = { country: '49', trunk: '0', international: '00', aliases: { '030 123456': 'bob' } };
const start = () => startServer({ state, env: { AFTERBEEP_DIAL_PLAN: JSON.stringify(PLAN) } });
const ANSWER = ['v=0', 'o=- 2 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ''].join('\r\n');
const SILENT = (user) => `sip:voicemail@localhost;target=sip:${user}%40localhost;cause=302`;
const SKIP = { type: 'application/dtmf-relay', body: 'Signal=#\r\nDuration=160\r\n' };
const EVERY = { greeting: 'personal', instruction: 'info', info_timing: 'before', answer: 'same_call' };
let server;

before(async () => { server = await start(); });
after(() => server?.stop());

const agent = (context, options = {}) => {
  const phone = new SipAgent({ url: server.url, ...options });
  context.after(() => phone.close());
  return phone.connect();
};

/** Chooses for a demo user; what is not named is as at the beginning. */
async function choose(user, settings) {
  const { call } = await signIn(server, user);
  const answer = await call('PATCH', '/mailbox/settings', { ...EVERY, ...settings });
  assert.equal(answer.status, 200, await answer.clone().text());
}

/** A server that webhooks are posted to, and what the first brings. */
async function webhook(context) {
  const listener = createServer();
  context.after(() => listener.close());
  const first = new Promise((resolve) => listener.on('request', async (request, response) => {
    const parts = await Array.fromAsync(request);
    response.writeHead(204).end();
    resolve(JSON.parse(Buffer.concat(parts)));
  }));
  await new Promise((listening) => listener.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${listener.address().port}/`, first };
}

const info = (phone) => phone.expect('INFO', ({ method, status }) => method === 'INFO' && !status);
const bye = (phone) => phone.expect('BYE', ({ method, status }) => method === 'BYE' && !status);
const skip = (phone, dialog) => phone.inDialog(dialog, 'INFO', SKIP);
const seen = (phone, method) => phone.received.some((message) => message.method === method && !message.status);
const greetingOf = (message) => message.header('call-info').match(/<([^>]+)>;\s*purpose=afterbeep-greeting/)[1];

test('INFO after the greeting, the instruction in the BYE, or both: the session comes even to who skips', async (context) => {
  for (const [settings, byInfo, byBye] of [
    [{ info_timing: 'after' }, true, false],
    [{ instruction: 'bye' }, false, true],
    [{ instruction: 'both', info_timing: 'after' }, true, true],
    [{ instruction: 'none', greeting: 'none' }, true, false],
  ]) {
    await choose('bob', settings);
    const caller = await agent(context);
    const { dialog } = await caller.invite('sip:bob@localhost');
    if (settings.greeting !== 'none') assert.equal((await skip(caller, dialog)).status, 200);
    const told = byInfo ? sessionInfo((await info(caller)).body) : undefined;
    const end = await bye(caller);
    assert.match(end.header('reason'), /text="record offline"/);
    assert.equal(end.body !== '', byBye, JSON.stringify(settings));
    const session = told ?? sessionInfo(end.body);
    if (byInfo && byBye) assert.equal(sessionInfo(end.body).ID, session.ID, 'one session');
    assert.equal(seen(caller, 'INFO'), byInfo, JSON.stringify(settings));
    assert.equal((await write(server, session.ID)).status, 201, JSON.stringify(settings));
  }
});

test('without any INFO the session comes with the greeting, to pages of other origins too', async (context) => {
  await choose('bob', { instruction: 'none' });
  const caller = await agent(context);
  const { response, dialog } = await caller.invite('sip:bob@localhost');
  for (const method of ['HEAD', 'GET']) {
    const greeting = await fetch(greetingOf(response), { method, headers: { origin: 'https://shop.example' } });
    assert.equal(greeting.status, 200);
    const token = greeting.headers.get('afterbeep-session');
    assert.match(token, /^s1\./);
    assert.match(greeting.headers.get('access-control-expose-headers'), /\bafterbeep-session\b/);
    assert.equal(greeting.headers.get('cache-control'), 'no-store');
    if (method === 'GET') assert.equal((await write(server, token)).status, 201);
  }
  await skip(caller, dialog);
  assert.equal((await bye(caller)).body, '', 'a bare BYE');
  assert.ok(!caller.received.some(({ method, status }) => method === 'INFO' && !status));
});

test('the voicemail calls back: 480, then an INVITE without offer from whom was dialled', async (context) => {
  await choose('bob', { answer: 'call_back', info_timing: 'after' });
  const caller = await agent(context, { answer: (invite, self) => self.respond(invite, 200, 'OK', { body: ANSWER }) });
  const { response } = await caller.invite('sip:bob@localhost');
  assert.equal(response.status, 480);
  const invite = await caller.expect('INVITE', ({ method, status }) => method === 'INVITE' && !status);
  assert.match(invite.header('from'), /<sip:bob@localhost>/);
  assert.equal(invite.body, '');
  await caller.expect('ACK', ({ method }) => method === 'ACK');
  assert.equal((await fetch(greetingOf(invite))).status, 200);
  assert.equal((await skip(caller, caller.dialogOf(invite))).status, 200);
  const session = sessionInfo((await info(caller)).body);
  await bye(caller);
  assert.equal((await write(server, session.ID)).status, 201);
  const silent = await caller.invite(SILENT('bob'));
  assert.equal(silent.response.status, 200, 'who asks for the voicemail itself is not called');
  await caller.inDialog(silent.dialog, 'BYE');
});

test('a second call confirms the session and its other type, and then the message goes up', async (context) => {
  await choose('bob', {});
  const { ID: mine } = await takeSession(server, 'bob');
  const { ID: foreign } = await takeSession(server, 'carol');
  const caller = await agent(context);
  const say = async (kind, token) => {
    const { dialog } = await caller.invite(SILENT('bob'));
    const { status } = await caller.inDialog(dialog, 'INFO', { type: 'text/plain', body: `Session Type=${kind}\r\nID=${token}\r\n` });
    if (status !== 200) await caller.inDialog(dialog, 'BYE');
    return status;
  };
  assert.equal(await say('voice', foreign), 403);
  assert.equal(await say('voice', 's1.a.b.c'), 403);
  assert.equal((await current(server, mine)).session_type, 'voice');
  assert.equal(await say('video', mine), 200);
  await bye(caller);
  assert.equal((await current(server, mine)).session_type, 'video');
  assert.equal((await write(server, mine)).status, 201);
});

test('an address that was forwarded stands in the INFO, the session, the message and the webhook', async (context) => {
  await choose('bob', {});
  const { call, messages } = await signIn(server, 'bob');
  const posted = await webhook(context);
  assert.equal((await call('POST', '/mailbox/webhooks', { url: posted.url })).status, 201);
  const caller = await agent(context);
  const forwarded = async (line) => {
    const { dialog } = await caller.invite('sip:bob@localhost', { extra: [line] });
    const session = sessionInfo((await info(caller)).body);
    await skip(caller, dialog);
    await bye(caller);
    return session;
  };
  const history = 'History-Info: <sip:desk@example.com?Reason=SIP%3Bcause%3D302>;index=1;rc=1, <sip:bob@localhost>;index=1.1';
  assert.equal((await forwarded(history))['Forwarded-From'], 'sip:desk@example.com');
  const session = await forwarded('Diversion: <sip:carol@localhost>;reason=no-answer;counter=1');
  assert.equal(session['Forwarded-From'], 'sip:carol@localhost');
  assert.equal((await current(server, session.ID)).forwarded_from, 'sip:carol@localhost');
  assert.equal((await write(server, session.ID)).status, 201);
  const [message] = await messages();
  assert.equal(message.forwarded_from, 'sip:carol@localhost');
  assert.equal((await posted.first).data.forwarded_from, 'sip:carol@localhost');
});

test('a number reaches whom the dial plan names, however it is written', async (context) => {
  await choose('bob', {});
  const caller = await agent(context);
  for (const dialled of ['tel:+49-30-123456', 'tel:030-123456', 'sip:004930123456@localhost;user=phone']) {
    const { response, dialog } = await caller.invite(dialled);
    assert.equal(response.status, 200, dialled);
    assert.equal(sessionInfo((await info(caller)).body)['Called Party'], 'sip:bob@localhost');
    await caller.inDialog(dialog, 'BYE');
  }
  assert.equal((await caller.invite('tel:+4930999')).response.status, 404);
});

/** Every variant with a mailbox of its own. */
const VARIANTS = {
  before: {}, after: { info_timing: 'after' }, bye: { instruction: 'bye' }, none: { instruction: 'none' }, back: { answer: 'call_back' },
};

/** One call of a variant, step by step, over a connection that its caller comes back to. */
class Story {
  constructor(variant) {
    this.variant = variant;
    this.address = `sip:kill-${variant}@localhost`;
    this.flow = randomBytes(16).toString('hex');
  }

  async connect() {
    this.phone ??= new SipAgent({ url: server.url, flow: this.flow, answer: (invite) => { this.invite = invite; } });
    this.phone.url = `${server.url.replace('http', 'ws')}/sip?flow=${this.flow}`;
    await this.phone.connect();
  }

  /** The 200 is here, or the INVITE of a call back. */
  async answered() {
    const { response, dialog } = await this.phone.invite(this.address, { acknowledge: false });
    if (this.variant !== 'back') {
      assert.equal(response.status, 200, this.variant);
      [this.dialog, this.greeting] = [dialog, greetingOf(response)];
      return;
    }
    assert.equal(response.status, 480);
    await this.phone.expect('INVITE', ({ method, status }) => method === 'INVITE' && !status);
  }

  /** The call stands, and its greeting plays. */
  async established() {
    if (this.variant === 'back') {
      this.phone.respond(this.invite, 200, 'OK', { body: ANSWER });
      [this.dialog, this.greeting] = [this.phone.dialogOf(this.invite), greetingOf(this.invite)];
    } else {
      await this.phone.inDialog(this.dialog, 'ACK', { sequence: this.dialog.inviteSequence });
    }
    if (this.variant === 'before' || this.variant === 'back') this.token = sessionInfo((await info(this.phone)).body).ID;
    if (this.variant === 'none') this.token = await this.tokenOfGreeting();
  }

  async tokenOfGreeting() {
    const { pathname } = new URL(this.greeting);
    return (await fetch(server.url + pathname, { method: 'HEAD' })).headers.get('afterbeep-session');
  }

  /** The greeting is skipped, and what is still to come has come. */
  async instructed() {
    const { status } = await skip(this.phone, this.dialog);
    if (status === 481) return this.over();
    assert.equal(status, 200, this.variant);
    if (this.variant === 'after') this.token = sessionInfo((await info(this.phone)).body).ID;
    const end = await bye(this.phone);
    if (this.variant === 'bye') this.token = sessionInfo(end.body).ID;
    this.ended = true;
  }

  /** The edge knows nothing of the call any more, and has said so: the next one works. */
  async over() {
    this.ended = true;
    const caller = await new SipAgent({ url: server.url }).connect();
    const { response, dialog } = await caller.invite(SILENT(`kill-${this.variant}`));
    assert.equal(response.status, 200, response.text);
    await skip(caller, dialog);
    const greeting = this.variant === 'none' ? await fetch(greetingOf(response)) : undefined;
    const said = this.variant === 'bye' ? await bye(caller) : greeting ? undefined : await info(caller);
    this.token ??= greeting?.headers.get('afterbeep-session') ?? sessionInfo(said.body).ID;
    caller.close();
  }
}

describe('kill -9 at each step of each variant', () => {
  const stories = async () => Promise.all(Object.keys(VARIANTS).map(async (variant) => {
    const story = new Story(variant);
    await story.connect();
    return story;
  }));
  const all = (list, step) => Promise.all(list.map((story) => story[step]()));
  const restart = async () => {
    process.kill(Number(readFileSync(join(state, 'workerd.pid'), 'utf8')), 'SIGKILL');
    await server.kill9();
    server = await start();
  };

  before(async () => {
    const headers = { authorization: 'Bearer dev-admin-token', 'content-type': 'application/json' };
    for (const [variant, settings] of Object.entries(VARIANTS)) {
      const address = encodeURIComponent(`sip:kill-${variant}@localhost`);
      const made = await fetch(`${server.url}/admin/users/${address}`, { method: 'PUT', headers, body: JSON.stringify({ password: `kill-${variant}-demo` }) });
      assert.equal(made.status, 201, await made.text());
      await choose(`kill-${variant}`, settings);
    }
  });

  for (const [name, killedAfter] of [['the answer', ['answered']], ['the ACK', ['answered', 'established']], ['the end', ['answered', 'established', 'instructed']]]) {
    test(`after ${name} the call goes on or both ends know that it is over, and no session is lost`, async (context) => {
      const list = await stories();
      for (const story of list) context.after(() => story.phone.close());
      for (const step of killedAfter) await all(list, step);
      const known = new Map(list.filter(({ token }) => token).map((story) => [story.variant, story.token]));
      const hungUp = list.map(({ phone }) => phone.closed);
      await restart();
      await Promise.all(hungUp);
      await all(list, 'connect');
      for (const step of ['answered', 'established', 'instructed'].slice(killedAfter.length)) await all(list, step);
      for (const story of list) {
        assert.ok(story.ended, `${story.variant} came to an end`);
        assert.equal(known.get(story.variant) ?? story.token, story.token, `${story.variant}: one session`);
        assert.equal((await current(server, story.token)).state, 'pending', story.variant);
        assert.equal((await write(server, story.token)).status, 201, story.variant);
      }
    });
  }

  test('what is said after a kill to a client that is not back yet waits for it', async (context) => {
    const pickUp = (invite, self) => self.respond(invite, 200, 'OK', { body: ANSWER });
    const flow = () => randomBytes(16).toString('hex');
    const [annas, bobs] = [flow(), flow()];
    const anna = await agent(context, { flow: annas });
    const bob = await agent(context, { flow: bobs, user: 'bob', password: 'bob-demo', answer: pickUp });
    const back = (phone, name) => {
      phone.url = `${server.url.replace('http', 'ws')}/sip?flow=${name}`;
      return phone.connect();
    };
    assert.equal((await bob.register()).status, 200);
    const { dialog } = await anna.invite('sip:bob@localhost');
    await bob.expect('ACK', ({ method }) => method === 'ACK');
    const hungUp = [anna.closed, bob.closed];
    await restart();
    await Promise.all(hungUp);
    await back(anna, annas);
    const answer = anna.inDialog(dialog, 'INFO', { type: 'text/plain', body: 'still there?' });
    for (let turn = 0; turn < 3; turn += 1) await anna.options('sip:bob@localhost');
    assert.ok(!anna.received.some((message) => message.header('cseq')?.endsWith('INFO')), 'nobody is given up yet');
    await back(bob, bobs);
    assert.equal((await answer).status, 200);
    assert.equal((await info(bob)).body, 'still there?');
  });
});
