// From INVITE to BYE without a greeting: our edge beside Kamailio with a plain agent behind it that says the same.

import { startKamailio, DOMAIN, VOICEMAIL_PASSWORD } from '../../tests/upstream/kamailio.mjs';
import { signIn } from '../../tests/page.mjs';
import { OFFER, SipAgent } from '../../tests/sip-agent.mjs';

const CALLS = 200;
const ANSWER = OFFER.replace('m=audio 9', 'm=audio 0');
const isRequest = (method) => (message) => message.method === method && !message.status;

/** Milliseconds of one call, from its INVITE on. */
async function callOnce(url, target) {
  const caller = await new SipAgent({ url }).connect();
  const start = performance.now();
  const bye = caller.expect('BYE', isRequest('BYE')).then(() => performance.now() - start);
  const info = caller.expect('INFO', isRequest('INFO')).then(() => performance.now() - start);
  const { response } = await caller.invite(target);
  if (response.status !== 200) throw new Error(response.text);
  const times = { info: await info, bye: await bye };
  caller.close();
  return times;
}

async function calls(what, url, target) {
  for (let count = 0; count < 10; count += 1) await callOnce(url, target);
  const all = [];
  for (let count = 0; count < CALLS; count += 1) all.push(await callOnce(url, target));
  const rank = (step, part) => {
    const sorted = all.map((times) => times[step]).toSorted((one, other) => one - other);
    return Math.round(sorted[Math.ceil(part * sorted.length) - 1] * 10) / 10;
  };
  return { what, count: CALLS, info_p50_ms: rank('info', 0.5), p50_ms: rank('bye', 0.5), p99_ms: rank('bye', 0.99) };
}

/** An agent that answers every call as a voicemail without a greeting does, and keeps nothing. */
async function plainVoicemail(kamailio) {
  const agent = new SipAgent({ url: kamailio.http, user: 'voicemail', password: VOICEMAIL_PASSWORD, domain: DOMAIN, answer: async (invite, self) => {
    self.respond(invite, 180, 'Ringing');
    self.respond(invite, 200, 'OK', { body: ANSWER });
    const call = invite.header('call-id');
    await self.expect('ACK', (message) => message.method === 'ACK' && message.header('call-id') === call);
    const dialog = self.dialogOf(invite);
    await self.inDialog(dialog, 'INFO', { type: 'text/plain', body: 'Session Type=voice\r\nID=plain\r\n' });
    // The caller is gone as soon as it has the BYE, often before its answer has come through.
    self.inDialog(dialog, 'BYE', { extra: ['Reason: SIP;cause=200;text="record offline"'] }).catch(() => {});
  } });
  await agent.connect();
  const registered = await agent.register();
  if (registered.status !== 200) throw new Error(registered.text);
  return agent;
}

export async function voicemail(server) {
  const carol = await signIn(server, 'carol');
  const set = await carol.call('PATCH', '/mailbox/settings', { greeting: 'none' });
  if (!set.ok) throw new Error(`settings: ${set.status}`);
  const kamailio = await startKamailio();
  const agent = await plainVoicemail(kamailio);
  const rows = [await calls('ours, durable before the INFO', server.url, 'sip:carol@localhost'), await calls('Kamailio and a plain agent', kamailio.http, `sip:carol@${DOMAIN}`)];
  agent.close();
  await kamailio.stop();
  return rows;
}
