// What the pages say and draw, as far as it needs no browser: figures, addresses, callers, waveforms, and
// the sentences about where a message is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete, nameOf, nonsense } from '../www/src/address.js';
import { outboxLines, OUTBOX_CONTROLS, VIEWS } from '../www/src/call-words.js';
import { callerOf, callLink } from '../www/src/caller.js';
import { checkVerdict, hearingHint, insteadWords, lostWords, roomWords } from '../www/src/capture-words.js';
import { ringSamples } from '../www/src/ring-tone.js';
import { reachWords } from '../www/src/reachability.js';
import { FIELDS, savedWords } from '../www/src/settings-fields.js';
import { age, clock, rate, size, spoken, until } from '../www/src/figures.js';
import { forwardedLine, incomingNote, overWords } from '../www/src/incoming-call.js';
import { fileNameOf, filesLine, lossLine, offeredFor, sessionLine } from '../www/src/outbox-words.js';
import { GrowingBars, heights, resample } from '../www/src/peaks.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const STATES = 'idle calling ringing talking greeting ended ready recording paused review queued waiting uploading deposited failed'.split(' ');

const situation = (more = {}) => ({ name: 'Bob', online: true, promised: false, unfinished: 0, unfinishedName: '', now: NOW, ...more });
const item = (state, more = {}) => ({ deposit_id: 'd', to: 'sip:bob@example.com', state, created_at: NOW, duration_ms: 8000, size: 20_000, waveform: [], sent: 0, ...more });

test('figures read as people write them', () => {
  const rows = [
    [clock(0), '0:00'], [clock(8_900), '0:08'], [clock(65_000), '1:05'], [clock(3_665_000), '1:01:05'], [clock(NaN), '0:00'],
    [spoken(1000), '1 second'], [spoken(62_000), '1 minute 2 seconds'],
    [size(999), '999 bytes'], [size(64_400), '64 kB'], [size(999_600), '1.0 MB'],
    [rate(1000), '8.0 kbit/s'], [rate(8000), '64 kbit/s'],
    [age(NOW - 59_000, NOW), 'just now'], [age(NOW - 3_600_000, NOW), '1 h ago'], [age(NOW - 30 * 3_600_000, NOW), 'yesterday'],
    [until(NOW + 11_001, NOW), 'in 12 s'], [until(NOW - 1, NOW), 'now'], [until(NOW + 150_000, NOW), 'in 3 min'],
    [until(NOW + 5.5 * 3_600_000, NOW), 'in 5 h'], [until(NOW + 3.2 * 86_400_000, NOW), 'in 3 days'],
  ];
  for (const [read, expected] of rows) assert.equal(read, expected);
});

test('a typed name becomes an address of the server, and anything complete stays', () => {
  const rows = [
    ['bob', 'sip:bob@edge.example.com'], [' bob ', 'sip:bob@edge.example.com'], ['bob@other.example', 'sip:bob@other.example'],
    ['sip:bob@other.example', 'sip:bob@other.example'], ['+49 30 1234', 'tel:+49301234'], ['', ''],
    ['tel:+49 (30) 12-34', 'tel:+49301234'], ['030 12 34', 'sip:0301234@edge.example.com'], ['tel:030 12 34', 'sip:0301234@edge.example.com'], ['100', 'sip:100@edge.example.com'],
  ];
  for (const [typed, expected] of rows) assert.equal(complete(typed, 'wss://edge.example.com/sip'), expected);
  assert.equal(nameOf('sip:b%C3%B6b@example.com'), 'Böb');
  assert.equal(nameOf('sip:100%@example.com'), '100%');
});

test('the dial box takes names, addresses and numbers, and says of anything else why nobody can be called by it', () => {
  const right = ['bob', ' bob ', 'bob@example.com', 'bob@example.com:5060', 'sip:bob@example.com;transport=ws', 'sips:bob@[::1]', 'tel:+442079460018', 'tel:7042;phone-context=example.com', '+44 20 7946 0018', '(020) 7946-0018', '100', 'bob:5060'];
  for (const typed of right) assert.equal(nonsense(typed), '', typed);
  const wrong = [
    ['', /^Type a name/], ['bob smith', /nobody’s address/], ['bob@', /nobody’s address/], ['a@b@c', /nobody’s address/], ['sip:', /nobody’s address/],
    ['https://example.com', /“https:”/], ['mailto:bob@example.com', /“mailto:”/], ['tel:bob', /not a telephone number/], ['- - - 1', /too short/],
  ];
  for (const [typed, why] of wrong) assert.match(nonsense(typed), why, typed);
});

test('who rings is told with how far that is known, and what became of it', () => {
  const rows = [
    [{ from: 'sip:alice@example.com', verified: true }, 'Verified: alice@example.com.'],
    [{ from: 'sip:alice@example.com', verified: false, video: true }, 'Not verified. The call says it is from alice@example.com. With video.'],
    [{ from: 'sip:anonymous@anonymous.invalid', display_name: 'Anna' }, 'Not verified. Anybody may call by this name.'],
  ];
  for (const [call, words] of rows) assert.equal(incomingNote(call), words);
  assert.equal(forwardedLine('"Carol C." <sip:carol@example.com>'), 'Forwarded from Carol C.');
  assert.equal(forwardedLine('sip:carol@example.com'), 'Forwarded from Carol.');
  assert.equal(forwardedLine(undefined), '');
  assert.equal(overWords('cancelled', 'Alice'), 'Alice has stopped calling.');
  assert.match(overWords('answered_elsewhere', 'Alice'), /another device/);
});

test('the ring begins and ends in silence, is heard between, and never clips', () => {
  const samples = ringSamples(48_000);
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(loudest > 0.1 && loudest < 0.9, `${loudest}`);
  assert.ok(Math.abs(samples[0]) < 0.001 && Math.abs(samples.at(-1)) < 0.001, 'no click where it begins anew');
});

test('every setting of the voicemail has a default, says what it means, and is confirmed in words', () => {
  for (const { name, choices } of FIELDS) {
    for (const { value, means } of choices) {
      assert.ok(means.length > 10, `${name} ${value}`);
      assert.match(savedWords(name, value), /^Saved\. .+: .+\.$/);
    }
  }
  assert.equal(savedWords('ring_timeout_s', 1), 'Saved. Calls ring for 1 second.');
  assert.match(savedWords('ring_timeout_s', null), /as your server says/);
});

test('whether calls ring here is said as the server has confirmed it, and nothing before that', () => {
  const here = { recording: false, settings: {} };
  const rings = { registered: true };
  assert.equal(reachWords(undefined, here), '');
  assert.equal(reachWords(rings, here), 'Calls ring here.');
  assert.match(reachWords(rings, { ...here, recording: true }), /^Calls do not ring here while/);
  assert.match(reachWords(rings, { ...here, settings: { ring_timeout_s: 0 } }), /^Calls go to your voicemail at once/);
  for (const reason of ['no_webrtc', 'offline', 'login_expired', 'refused']) {
    assert.match(reachWords({ registered: false, reason }, here), /^Calls do not ring here: .+\.$/, reason);
  }
  assert.equal(reachWords({ registered: false, reason: 'signed_out' }, here), '');
});

test('a caller is named as far as he is known, and called back only where there is an address', () => {
  const anonymous = callerOf({ from: null, from_name: 'Anna', from_verified: false });
  assert.equal(anonymous.label, 'Anna (not verified)');
  assert.equal(anonymous.address, '');
  assert.match(anonymous.reason, /no|without/);
  assert.equal(callerOf({ from: 'sip:anonymous@anonymous.invalid', from_verified: false }).address, '');
  assert.deepEqual(callerOf({ from: 'sip:alice@example.com', from_verified: true }), { name: 'Alice', label: 'Alice', address: 'sip:alice@example.com', reason: '' });
  assert.equal(callerOf({}).label, 'Somebody (not verified)');
  assert.equal(callLink('sip:bob@example.com', 'https://example.com'), 'https://example.com/?to=bob');
  assert.equal(callLink('sip:bob@other.example', 'https://example.com'), 'https://example.com/?to=bob@other.example');
  assert.equal(callLink('sip:bob@localhost', 'http://127.0.0.1:8787'), 'http://127.0.0.1:8787/?to=bob');
});

test('a waveform keeps its peaks at any width, and silence stays flat', () => {
  assert.deepEqual(heights([0, 0, 0]), [0, 0, 0]);
  assert.equal(Math.max(...heights([10, 20, 40])), 1, 'a quiet voice is still seen');
  assert.deepEqual(resample([0, 1, 0, 0.5], 2), [1, 0.5]);
  assert.deepEqual(resample([0.2, 0.4], 4), [0.2, 0.2, 0.4, 0.4]);
  assert.deepEqual(resample([], 3), [0, 0, 0]);
});

test('a growing drawing always shows the whole, and its loudest moments', () => {
  for (const room of [2, 7, 96]) {
    const bars = new GrowingBars(room);
    for (let level = 1; level <= 3000; level += 1) {
      const before = [...bars.values];
      const changed = bars.push(level === 700 ? 1 : 0.1);
      assert.ok(bars.values.length < room, `${room}: one place is left for what is heard now`);
      if (!changed) assert.deepEqual(bars.values.slice(0, before.length), before, 'bars that stand are not drawn anew');
    }
    assert.equal(bars.values.filter((value) => value === 1).length, 1, `${room}: the loud moment is one bar`);
    bars.fit(5);
    assert.ok(bars.values.length < 5 && bars.values.includes(1), 'a narrower drawing shows it too');
  }
});

test('every state of the element has words and controls', () => {
  for (const state of STATES) {
    const view = VIEWS[state];
    assert.ok(view.headline(situation()).length > 0, state);
    assert.equal(typeof view.note(situation()), 'string', state);
    assert.ok(view.controls.length > 0, state);
  }
});

test('a sent message says that it is not yet with the callee, and only a promise that is kept', () => {
  const waiting = item('waiting', { reason: { code: 'offline', text: 'This device is offline' } });
  const lines = (more) => outboxLines(waiting, situation({ online: false, ...more }));
  assert.deepEqual(lines({ promised: true }), ['Saved on this device. Not yet with Bob', 'Goes up by itself when you are online']);
  assert.deepEqual(lines({ promised: false }), ['Saved on this device. Not yet with Bob', 'Open this page again when you are online']);
  assert.equal(VIEWS.queued.headline(situation({ online: false })), 'Saved on this device. Not yet with Bob');
  assert.equal(outboxLines(item('deposited'), situation())[0], 'With Bob');
});

test('a weak uplink is said with value, threshold and next try', () => {
  const reason = { code: 'slow', text: 'The last tries were slow', measured_bytes_per_second: 1000, threshold_bytes_per_second: 4000, next_try_at: NOW + 12_000 };
  const [, next] = outboxLines(item('waiting', { reason }), situation());
  assert.equal(next, 'Waiting: uplink too weak. The last tries were slow. Uplink 8.0 kbit/s, wanted 32 kbit/s. Next try in 12 s.');
});

test('a refused message says so, keeps its reason, and can be sent again; a draft can be sent', () => {
  const [place, next] = outboxLines(item('failed', { reason: { code: 'mailbox_full', text: 'The mailbox is full.' } }), situation());
  assert.match(place, /refused/);
  assert.equal(next, 'The mailbox is full.');
  for (const state of ['failed', 'recorded', 'interrupted']) assert.equal(OUTBOX_CONTROLS[state][0], 'send', state);
  assert.ok(!OUTBOX_CONTROLS.deposited.includes('delete'));
});

test('the outbox offers what helps in each state, and never what cannot be done', () => {
  const offered = (state, more = {}, online = true) => offeredFor(item(state, { kind: 'voice', ...more }), online);
  assert.equal(offered('waiting', { reason: { code: 'slow' } })[0], 'sendAnyway');
  assert.equal(offered('waiting', { reason: { code: 'network' } })[0], 'send', 'no gate stands in the way');
  assert.equal(offered('waiting', { reason: { code: 'slow' } }, false)[0], 'edit', 'without a network nothing is sent now');
  assert.ok(!offered('recorded', { kind: 'text' }).includes('play'));
  assert.deepEqual(offered('uploading'), ['play', 'save'], 'what goes up is not changed');
  assert.deepEqual(offered('deposited'), ['receipt']);
  for (const state of ['interrupted', 'recorded', 'queued', 'waiting', 'failed']) {
    for (const control of ['edit', 'save', 'delete']) assert.ok(offered(state).includes(control), `${state} ${control}`);
  }
});

test('the outbox says until when a call lasts, which files go along, and what clearing would lose', () => {
  const expires = (ms) => sessionLine(item('waiting', { session_expires_at: NOW + ms }), NOW);
  assert.equal(expires(3.5 * 86_400_000), 'Its call expires in 3 days; after that it still goes up, by a new call.');
  assert.match(expires(-1), /expired; it goes up by a new call/);
  assert.equal(sessionLine(item('waiting'), NOW), '');
  assert.equal(sessionLine(item('uploading', { second_call: true }), NOW), 'Goes up by a second call.');
  assert.equal(sessionLine(item('deposited', { second_call: true }), NOW), 'Sent by a second call.');
  for (const state of ['deposited', 'failed']) assert.equal(sessionLine(item(state, { session_expires_at: NOW + 1 }), NOW), '', `no promise where it is ${state}`);
  assert.equal(filesLine(item('waiting', { parts: [{ name: 'a.pdf' }, { name: 'b.png' }] })), 'With 2 files: a.pdf, b.png');
  assert.equal(filesLine(item('waiting')), '');
  const lost = lossLine([item('waiting', { to_name: 'Bob', kind: 'voice' }), item('recorded', { kind: 'text' }), item('deposited')]);
  assert.match(lost, /2 messages that nobody has yet: to Bob \(0:08\), to Bob \(written\)/);
  assert.doesNotMatch(lossLine([item('deposited')]), /nobody has/);
  assert.equal(fileNameOf(item('deposited', { to_name: 'Bob B.' }), 'receipt', 'jws'), 'receipt-to-bob-b-2026-11-22-1200.jws');
});

test('what was lost, what fits and what is heard is said in numbers and with what to do', () => {
  const gap = (at, length) => ({ at_ms: at, length_ms: length });
  const why = 'the browser was too busy, or the microphone stopped for a moment.';
  assert.equal(lostWords([gap(12_300, 400)]), `0.4 s were lost at 0:12: ${why}`);
  assert.equal(lostWords([gap(12_300, 400), gap(65_000, 1250)]), `1.6 s were lost in 2 places, the last at 1:05: ${why}`);
  assert.equal(lostWords([gap(500, 21)]), '', 'what nobody hears is not told');
  assert.equal(roomWords(45_900), 'Room for about 45 seconds on this device.');
  assert.equal(roomWords(150_000), 'Room for about 2 minutes on this device.');
  assert.equal(insteadWords('Headset', 'Built-in'), '“Headset” is not connected. “Built-in” is used instead.');
  assert.equal(insteadWords('', ''), 'The microphone you chose is not connected. Another one is used instead.');
  assert.equal(hearingHint('fine'), '');
  for (const code of ['nothing', 'clipping', 'noise']) assert.match(hearingHint(code), /[.?]$/);
  for (const code of ['listening', 'fine', 'quiet', 'clipping', 'noise', 'nothing']) assert.match(checkVerdict(code), /\.$/);
});
