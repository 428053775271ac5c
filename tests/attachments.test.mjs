// Files, a title and a cut that go along with a message: one commit, one receipt, and what was left out or taken
// back never reaches the callee. Also when answers are lost and when a file is refused for good.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { launchBrowser, startServer, temporaryFolder } from './harness.mjs';
import { button, callUntilRecording, inBrowser, journal, mediaOf, openInbox, outbox, recordFor, signIn } from './page.mjs';
import { proxy } from './proxy.mjs';
import { decodeOpus, milliseconds, speechWav } from './sound.mjs';

const microphoneWav = speechWav(temporaryFolder('attachments-sound'));
const DELIVERED_MS = 30_000;
const QUOTA = 400_000;
const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(30_000)]);
const png = picture();
const large = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(1_500_000)]);
let server;
let network;
let bob;

before(async () => {
  network = await proxy();
  server = await startServer({ env: { AFTERBEEP_PUBLIC_URL: network.url } });
  network.target = server.port;
  bob = await signIn(server, 'bob');
});
after(async () => {
  network?.close();
  await server?.stop();
});

/** A green square with a white stripe. */
function picture() {
  const side = 96;
  const row = (y) => Buffer.from([0, ...Array.from({ length: side }, () => (y > 40 && y < 56 ? [255, 255, 255] : [18, 120, 80])).flat()]);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(crc(body), body.length + 4);
    return frame;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: side }, (_, y) => row(y))));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const claims = (receipt) => JSON.parse(Buffer.from(receipt.split('.')[1], 'base64url').toString());
const chip = (page, name) => page.getByRole('list', { name: 'Attached files' }).getByRole('listitem').filter({ hasText: name });
const send = (page) => button(page, 'Send').first().click();
const delivered = (page, nth = 0) => outbox(page).getByText(/With Bob/).nth(nth).waitFor({ timeout: DELIVERED_MS });
const file = (name, buffer, mimeType = '') => ({ name, mimeType, buffer });
const requests = (from = 0) => network.seen.slice(from).filter(({ method, path }) => path.startsWith('/deposits') && method !== 'OPTIONS');

/** A browser that ends with its test; it logs every broken connection by itself. */
async function launch(context, options = {}) {
  const browser = await launchBrowser({ microphoneWav, allowedErrors: [/net::ERR_|Failed to load resource|WebSocket/], ...options });
  context.after(() => browser.close());
  return browser;
}

/** A page with a recorded draft to Bob. */
async function draft(browser, ms = 1000, at = network) {
  const page = await browser.newPage(`${at.url}/?to=bob&processing=off`);
  await callUntilRecording(page);
  await recordFor(page, ms);
  return page;
}

/** Chooses files as with the dialog of **Attach**. */
async function attach(page, ...files) {
  const choosing = page.waitForEvent('filechooser');
  await button(page, 'Attach').click();
  await (await choosing).setFiles(files);
}

/** The one message that is not deleted, as the browser's database has it. */
const row = (page) => page.evaluate(() => new Promise((done) => {
  indexedDB.open('afterbeep').onsuccess = ({ target: { result: database } }) => {
    database.transaction('deposits').objectStore('deposits').getAll().onsuccess = ({ target }) => {
      database.close();
      done(target.result.find((one) => one.discarded_at === undefined));
    };
  };
}));

/** Brings a file as a drop or a paste does. */
const bring = (page, kind, name, type, bytes) => page.evaluate(([how, called, media, data]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([new Uint8Array(data)], called, { type: media }));
  const element = document.querySelector('afterbeep-call');
  const inside = { bubbles: true, cancelable: true, composed: true };
  if (how === 'paste') return void document.body.dispatchEvent(new ClipboardEvent('paste', { ...inside, clipboardData: carried }));
  for (const event of ['dragover', 'drop']) element.dispatchEvent(new DragEvent(event, { ...inside, dataTransfer: carried }));
}, [kind, name, type, [...bytes]]);

async function pictures(page, name) {
  if (!process.env.AFTERBEEP_PICTURES) return;
  mkdirSync(process.env.AFTERBEEP_PICTURES, { recursive: true });
  for (const [width, scheme] of [[1280, 'light'], [390, 'dark']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(process.env.AFTERBEEP_PICTURES, `${name}-${width}-${scheme}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('files by dialog, drop and paste arrive with the message under one receipt, and are saved byte for byte', async (context) => {
  network.rule = () => 'deliver';
  const page = await draft(await launch(context));
  await page.getByLabel('Title').fill('The plan for Saturday');
  await attach(page, file('Plan für Bob.pdf', pdf), file('setup.exe', Buffer.from('MZ')));
  await page.getByText('“setup.exe” was not attached: files of this type are not sent').waitFor();
  await chip(page, 'Plan für Bob.pdf').waitFor();
  await bring(page, 'drop', 'green.png', 'image/png', png);
  await chip(page, 'green.png').locator('canvas').waitFor();
  await bring(page, 'paste', 'notes.txt', 'text/plain', Buffer.from('two lines\nof text'));
  await chip(page, 'notes.txt').waitFor();
  // By its path: twenty megabytes would take the browser's control channel half a minute.
  const film = join(temporaryFolder('attachments-film'), 'film.mp4');
  writeFileSync(film, '');
  truncateSync(film, 20 * 1024 * 1024 + 1);
  await attach(page, film);
  await page.getByText('“film.mp4” was not attached: the file is larger than 20 MB.').waitFor();
  await button(page, 'Remove notes.txt').click();
  await chip(page, 'notes.txt').waitFor({ state: 'detached' });
  await button(page, 'Undo').click();
  await chip(page, 'notes.txt').waitFor();
  await button(page, 'Remove green.png').click();
  await chip(page, 'green.png').waitFor({ state: 'detached' });
  await button(page, 'Undo').click();
  await chip(page, 'green.png').waitFor();
  await button(page, 'Re-record').click();
  await inBrowser(page, 'recording');
  await recordFor(page, 1000);
  await chip(page, 'notes.txt').waitFor();
  assert.equal(await page.getByLabel('Title').inputValue(), 'The plan for Saturday', 'title and files go along with the new recording');
  await pictures(page, 'draft');
  const voice = await journal(page, (await row(page)).deposit_id);
  await send(page);
  await delivered(page);
  await outbox(page).getByText('The plan for Saturday').waitFor();
  await outbox(page).getByText('With 3 files: Plan für Bob.pdf, green.png, notes.txt').waitFor();
  const saving = page.waitForEvent('download');
  await button(outbox(page), 'Save receipt').click();
  const receipt = readFileSync(await (await saving).path(), 'utf8');
  await pictures(page, 'sent');

  const [message] = await bob.messages();
  const [first, ...rest] = claims(receipt).parts;
  assert.deepEqual([first.size, first.sha256], [voice.length, sha256(voice)]);
  assert.deepEqual(rest.map((part) => part.sha256), [sha256(pdf), sha256(png), sha256('two lines\nof text')]);
  assert.equal(message.title, 'The plan for Saturday');
  assert.deepEqual(message.attachments.map((part) => [part.file_name, part.content_type, part.size]), [
    ['Plan für Bob.pdf', 'application/pdf', pdf.length], ['green.png', 'image/png', png.length], ['notes.txt', 'application/octet-stream', 17],
  ]);
  const inbox = await openInbox(await launch(context), server, 'bob');
  const item = inbox.getByRole('listitem').filter({ hasText: 'The plan for Saturday' }).first();
  await item.locator('canvas').waitFor();
  await pictures(inbox, 'inbox');
  const fetching = inbox.waitForEvent('download');
  await button(item, 'Save Plan für Bob.pdf').click();
  const saved = await fetching;
  assert.equal(saved.suggestedFilename(), 'Plan für Bob.pdf');
  assert.ok(readFileSync(await saved.path()).equals(pdf), 'the same bytes');
  const medium = await fetch(new URL(message.attachments[1].media_url, server.url));
  assert.match(medium.headers.get('content-disposition'), /^attachment;/);
  assert.equal(medium.headers.get('x-content-type-options'), 'nosniff');
});

test('a kill in mid-upload and lost answers: all parts are there, once, under the first receipt', async (context) => {
  const count = (await bob.messages()).length;
  const first = await launch(context);
  const page = await draft(first);
  await attach(page, file('large.pdf', large), file('green.png', png));
  await chip(page, 'green.png').waitFor();
  const reached = new Promise((done) => {
    network.rule = ({ method, path }) => {
      if (method !== 'PATCH' || !path.endsWith('.1')) return 'deliver';
      done();
      return 'drop';
    };
  });
  await send(page);
  await reached;
  await first.kill9();

  const lost = new Promise((done) => {
    let dropped = 0;
    network.rule = ({ headers }) => {
      const receipt = headers['afterbeep-receipt'];
      if (!receipt || dropped > 1) return 'deliver';
      dropped += 1;
      done(receipt);
      return 'drop';
    };
  });
  const again = await (await launch(context, { profileDir: first.profileDir })).newPage(`${network.url}/?to=bob&processing=off`);
  const receipt = await lost;
  await outbox(again).getByText(/With Bob/).first().waitFor({ timeout: DELIVERED_MS });
  const messages = await bob.messages();
  assert.equal(messages.length, count + 1);
  assert.deepEqual(claims(receipt).parts.map((part) => part.sha256).slice(1), [sha256(large), sha256(png)]);
  assert.equal(claims(receipt).jti, messages[0].id);
});

test('a file that the mailbox refuses for good is named; without it the message goes up, once', async (context) => {
  network.rule = () => 'deliver';
  const full = await startServer({ env: { AFTERBEEP_MAILBOX_QUOTA_BYTES: String(QUOTA) } });
  const annas = await launch(context);
  context.after(() => full.stop());
  const page = await draft(annas, 1000, full);
  await attach(page, file('green.png', png), file('large.pdf', large));
  await chip(page, 'large.pdf').waitFor();
  await send(page);
  await outbox(page).getByText('“large.pdf” cannot go along: the mailbox has no room for it.').waitFor({ timeout: DELIVERED_MS });
  const theirs = await signIn(full, 'bob');
  assert.deepEqual(await theirs.messages(), []);
  await pictures(page, 'refused');
  const saving = new Promise((done) => {
    const files = [];
    page.on('download', (one) => files.push(one) === 3 && done(files));
  });
  await button(outbox(page), 'Save as file').click();
  const saved = Object.fromEntries((await saving).map((one) => [one.suggestedFilename(), one]));
  for (const [name, bytes] of [['green.png', png], ['large.pdf', large]]) assert.ok(readFileSync(await saved[name].path()).equals(bytes), `${name} is saved beside the message`);
  assert.ok(Object.keys(saved).some((name) => /^message-to-bob-.*\.ogg$/.test(name)), `${Object.keys(saved)}`);
  await button(outbox(page), 'Edit').click();
  await chip(page, 'large.pdf').getByText('cannot go along').waitFor();
  await button(page, 'Remove large.pdf').click();
  await chip(page, 'large.pdf').waitFor({ state: 'detached' });
  await send(page);
  await delivered(page);
  const messages = await theirs.messages();
  assert.deepEqual(messages.map(({ attachments }) => attachments.map((part) => part.sha256)), [[sha256(png)]]);
});

test('what is cut by hand never arrives: an early upload is taken back, and what plays is what is sent', async (context) => {
  const count = (await bob.messages()).length;
  const page = await draft(await launch(context), 3500);
  const from = network.seen.length;
  const begun = new Promise((done) => {
    network.rule = ({ method, path }) => {
      if (method !== 'POST' || path !== '/deposits') return 'deliver';
      done();
      return 'drop';
    };
    network.refuse = ({ method, path, length }) => method === 'POST' && path === '/deposits' && length > 0;
  });
  await page.getByRole('button', { name: 'Send' }).first().click();
  await begun;
  await button(outbox(page), 'Edit').first().waitFor({ timeout: DELIVERED_MS });
  await button(outbox(page), 'Edit').first().click();
  await inBrowser(page, 'review');
  const slider = page.getByRole('slider', { name: 'Position' }).first();
  const untouched = page.locator(`.stage [aria-valuetext="${await slider.getAttribute('aria-valuetext')}"]`);
  await slider.click();
  await button(page, 'Cut after here').click();
  await page.getByText(/cut from the end\. It will not be sent\./).waitFor();
  await button(page, 'Restore all of it').waitFor();
  await button(page, 'Undo').click();
  await button(page, 'Restore all of it').waitFor({ state: 'hidden' });
  await untouched.waitFor();
  await slider.click();
  await untouched.waitFor({ state: 'detached' });
  await button(page, 'Cut before here').click();
  await button(page, 'Restore all of it').waitFor();
  await pictures(page, 'cut');
  const whole = await row(page);
  assert.ok(whole.attempts.length > 0, 'it began to go up before');
  network.rule = () => 'deliver';
  network.refuse = () => false;
  await send(page);
  await delivered(page);

  const messages = await bob.messages();
  assert.equal(messages.length, count + 1);
  const [message] = messages;
  const kept = whole.cut.to_ms - whole.cut.from_ms;
  assert.ok(Math.abs(kept - whole.duration_ms / 2) < 100, `${kept} of ${whole.duration_ms}`);
  assert.equal(message.duration_ms, kept);
  assert.notEqual(message.deposit_id, whole.deposit_id, 'the id under which the whole was announced is not used again');
  assert.ok(requests(from).some(({ method, path }) => method === 'DELETE' && path === `/deposits/${whole.deposit_id}.0`), 'the early upload was taken back');
  const bytes = await mediaOf(server, message);
  assert.ok(bytes.length < whole.size * 0.75, `${bytes.length} of ${whole.size} bytes`);
  assert.ok(Math.abs(milliseconds(decodeOpus(bytes)) - kept) < 2);
});

test('a message changed after it had arrived is told of, not sent twice by itself', async (context) => {
  const count = (await bob.messages()).length;
  const annas = await launch(context);
  const page = await draft(annas);
  const lost = new Promise((done) => {
    network.rule = ({ headers }) => {
      if (!headers['afterbeep-receipt']) return 'deliver';
      done();
      return 'drop';
    };
  });
  await send(page);
  await lost;
  await annas.context.setOffline(true);
  await button(outbox(page), 'Edit').first().click();
  await attach(page, file('green.png', png));
  await chip(page, 'green.png').waitFor();
  network.rule = () => 'deliver';
  await send(page);
  await annas.context.setOffline(false);
  await outbox(page).getByText('Bob has it without your last change.').waitFor({ timeout: DELIVERED_MS });
  assert.equal((await bob.messages()).length, count + 1);
  await button(outbox(page), 'Send').first().click();
  // So many answers were lost that the gate may want to look first.
  void button(outbox(page), 'Send anyway').click({ timeout: DELIVERED_MS }).catch(() => {});
  await delivered(page);
  const messages = await bob.messages();
  assert.equal(messages.length, count + 2, 'now its user has asked for a second one');
  assert.deepEqual(messages[0].attachments.map((part) => part.sha256), [sha256(png)]);
});
