// docs/signalling.md shows a ladder of every way in which a call can go. Each is made here from a real call, and what
// the page says is compared with it. `WRITE_LADDERS=1` writes the page's ladders anew instead.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './harness.mjs';
import { compare, drawn, named, settled } from './ladder/docs.mjs';
import { callOf, WiredAgent } from './ladder/wire.mjs';
import { signIn } from './page.mjs';
import { SipAgent, takeSession } from './sip-agent.mjs';

const FIRST = { greeting: 'personal', instruction: 'info', info_timing: 'before', answer: 'same_call' };
const SKIP = { type: 'application/dtmf-relay', body: 'Signal=#\r\nDuration=160\r\n' };
let server;
let bob;

before(async () => {
  server = await startServer({});
  bob = await signIn(server, 'bob');
});
after(() => server?.stop());

const info = (phone) => phone.expect('INFO', ({ method, status }) => method === 'INFO' && !status);
const bye = (phone) => phone.expect('BYE', ({ method, status }) => method === 'BYE' && !status, 30_000);
const ack = (phone) => phone.expect('ACK', ({ method, status }) => method === 'ACK' && !status);

async function phone(context, options = {}) {
  const one = await new SipAgent({ url: server.url, ...options }).connect();
  context.after(() => one.close());
  return one;
}

async function choose(settings) {
  const answer = await bob.call('PATCH', '/mailbox/settings', { ...FIRST, ...settings });
  assert.equal(answer.status, 200);
}

/** A registered contact of Bob's that answers like this, until the end of `during`. */
async function withContact(context, answer, during) {
  const desk = await phone(context, { user: 'bob', password: 'bob-demo', answer });
  assert.equal((await desk.register()).status, 200);
  await during(desk);
  assert.equal((await desk.register({ expires: 0 })).status, 200);
}

/** Calls Bob, does what `during` says, and waits for the end by either side. */
async function callTo(context, target, during) {
  const caller = await phone(context);
  const { dialog } = await caller.invite(target);
  await during(caller, dialog);
  return dialog.callId;
}

const toTheEnd = async (caller) => void (await bye(caller));
const skipping = async (caller, dialog) => {
  await caller.inDialog(dialog, 'INFO', SKIP);
  await bye(caller);
};

/** Every ladder of the page, by the name that stands over it, and how its call is made. */
const LADDERS = {
  'info-before': async (context) => callTo(context, 'sip:bob@localhost', toTheEnd),
  'info-after': async (context) => {
    await choose({ info_timing: 'after' });
    return callTo(context, 'sip:bob@localhost', skipping);
  },
  'none': async (context) => {
    await choose({ instruction: 'none' });
    return callTo(context, 'sip:bob@localhost', skipping);
  },
  'in-the-bye': async (context) => {
    await choose({ instruction: 'bye' });
    return callTo(context, 'sip:bob@localhost', skipping);
  },
  'skip': async (context) => callTo(context, 'sip:bob@localhost', async (caller, dialog) => {
    await info(caller);
    await skipping(caller, dialog);
  }),
  'caller-ends': async (context) => callTo(context, 'sip:bob@localhost', async (caller, dialog) => {
    await info(caller);
    await caller.inDialog(dialog, 'BYE');
  }),
  'busy': async (context) => {
    let callId;
    await withContact(context, (invite, self) => self.respond(invite, 486, 'Busy Here'), async (desk) => {
      callId = await callTo(context, 'sip:bob@localhost', async (caller, dialog) => {
        await info(caller);
        await caller.inDialog(dialog, 'BYE');
      });
      await ack(desk);
    });
    return callId;
  },
  'sent-on': async (context) => {
    let callId;
    const contact = ['Contact: <sip:voicemail@localhost;target=sip:bob%40localhost;cause=302>'];
    await withContact(context, (invite, self) => self.respond(invite, 302, 'Moved Temporarily', { extra: contact }), async (desk) => {
      callId = await callTo(context, 'sip:bob@localhost', async (caller, dialog) => {
        await info(caller);
        await caller.inDialog(dialog, 'BYE');
      });
      await ack(desk);
    });
    return callId;
  },
  'forwarded': async (context) => {
    const caller = await phone(context);
    const { dialog } = await caller.invite('sip:bob@localhost', { extra: ['Diversion: <sip:carol@localhost>;reason=user-busy'] });
    const { body } = await info(caller);
    assert.match(body, /^Forwarded-From=sip:carol@localhost\r?$/m);
    await caller.inDialog(dialog, 'BYE');
    return dialog.callId;
  },
  'answered': async (context) => {
    let callId;
    const body = ['v=0', 'o=- 2 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ''].join('\r\n');
    const answer = (invite, self) => {
      self.ringing = invite;
      self.respond(invite, 180, 'Ringing');
    };
    await withContact(context, answer, async (desk) => {
      const caller = await phone(context);
      const onProvisional = () => desk.respond(desk.ringing, 200, 'OK', { body });
      const { dialog } = await caller.invite('sip:bob@localhost', { onProvisional });
      await ack(desk);
      await caller.inDialog(dialog, 'BYE');
      callId = dialog.callId;
    });
    return callId;
  },
  'call-back': async (context) => {
    await choose({ answer: 'call_back' });
    const body = ['v=0', 'o=- 2 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ''].join('\r\n');
    let called;
    const caller = await phone(context, {
      answer: (invite, self) => {
        called = invite;
        self.respond(invite, 200, 'OK', { body });
      },
    });
    await caller.invite('sip:bob@localhost');
    await info(caller);
    await caller.inDialog(caller.dialogOf(called), 'BYE');
    return called.header('call-id');
  },
  'second-session': async (context) => {
    const { ID } = await takeSession(server, 'bob');
    const body = `Session Type=video\r\nID=${ID}\r\n`;
    return callTo(context, 'sip:voicemail@localhost;target=sip:bob%40localhost;cause=302', async (caller, dialog) => {
      await info(caller);
      const answer = await caller.inDialog(dialog, 'INFO', { type: 'text/plain', body });
      assert.equal(answer.status, 200);
      await bye(caller);
    });
  },
};

async function wired(context, user) {
  const one = await new WiredAgent({ url: server.url, ...(user && { user, password: `${user}-demo` }) }).connect();
  context.after(() => one.close());
  return one;
}

/** What belongs to no call and is kept by nobody, as one end's own wire says it. */
const WIRES = {
  'registration': async (context) => {
    const desk = await wired(context, 'carol');
    assert.equal((await desk.register()).status, 200);
    return desk.wire;
  },
  'challenged': async (context) => {
    const alice = await wired(context, 'alice');
    const { dialog } = await alice.invite('sip:bob@localhost');
    await info(alice);
    await alice.inDialog(dialog, 'BYE');
    return callOf(alice.wire, dialog.callId);
  },
  'refused': async (context) => {
    const caller = await wired(context);
    const { response } = await caller.invite('sip:bob@localhost', { extra: ['Require: teleport'] });
    assert.deepEqual([response.status, response.header('unsupported')], [420, 'teleport']);
    return caller.wire;
  },
  'text': async (context) => {
    const desk = await wired(context, 'carol');
    assert.equal((await desk.register()).status, 200);
    const alice = await wired(context, 'alice');
    const answer = await alice.ask('MESSAGE', 'sip:carol@localhost', { type: 'text/plain', body: 'Tea?' });
    assert.equal(answer.status, 200);
    return alice.wire;
  },
  'lamp': async (context) => {
    const desk = await wired(context, 'carol');
    const answer = await desk.ask('SUBSCRIBE', 'sip:carol@localhost', { extra: ['Event: message-summary', 'Expires: 600'] });
    assert.equal(answer.status, 200);
    await desk.expect('NOTIFY', ({ method, status }) => method === 'NOTIFY' && !status);
    return desk.wire;
  },
};

for (const [name, make] of Object.entries(WIRES)) {
  test(`the ladder "${name}" of docs/signalling.md is what one end saw`, async (context) => {
    await choose({});
    compare(name, drawn(await make(context), 'caller', 'edge'));
  });
}

for (const [name, make] of Object.entries(LADDERS)) {
  test(`the ladder "${name}" of docs/signalling.md is that of a real call`, async (context) => {
    await choose({});
    compare(name, await settled((path) => bob.call('GET', path), await make(context)));
  });
}

test('every ladder of the page is made by a test', () => {
  assert.deepEqual(named().toSorted(), [...Object.keys(LADDERS), ...Object.keys(WIRES), 'behind-a-proxy', 'in-front-of-a-proxy'].toSorted());
});
