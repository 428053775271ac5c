// What a person does on the pages, by accessible name.

export const button = (page, name) => page.getByRole('button', { name, exact: true });

export const outbox = (page) => page.getByRole('list', { name: 'Outbox' });

/** Waits until the call element is in one of these states. */
export const inBrowser = (page, state, timeout = 60_000) => page.waitForFunction(
  (wanted) => wanted.includes(document.querySelector('afterbeep-call').state), [].concat(state), { timeout },
);

const stateOf = (page) => page.evaluate(() => document.querySelector('afterbeep-call').state);

/** From the first page to a recorder that records: Call, greeting, end, Record. */
export async function callUntilRecording(page) {
  await button(page, 'Call').click();
  await inBrowser(page, 'greeting');
  await button(page, 'Skip greeting').click();
  await inBrowser(page, ['ended', 'ready', 'recording']);
  if (await stateOf(page) !== 'recording') await button(page, 'Record').first().click();
  await inBrowser(page, 'recording');
}

/** Lets the recorder run for so long, then presses Stop. */
export async function recordFor(page, ms) {
  await page.waitForTimeout(ms);
  await button(page, 'Stop').click();
  await inBrowser(page, 'review');
}

/** Keeps what `afterbeep-recorded` says in `window.recorded`. */
export const watchRecorded = (page) => page.evaluate(() => {
  window.recorded = [];
  document.addEventListener('afterbeep-recorded', (event) => window.recorded.push(event.detail));
});

/** The recorded file as it lies in the browser's database, by its deposit id. */
export async function journal(page, id) {
  const bytes = await page.evaluate(async (wanted) => {
    const done = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await done(indexedDB.open('afterbeep'));
    const blocks = await done(database.transaction('blocks').objectStore('blocks').getAll(IDBKeyRange.bound([wanted, 0], [wanted, Infinity])));
    database.close();
    return blocks.flatMap((block) => Array.from(block.bytes ?? block));
  }, id);
  return Buffer.from(bytes);
}

/** Waits until the inbox says that calls ring on this page. */
export const ringsHere = (page) => page.getByRole('status').getByText('Calls ring here.', { exact: true }).waitFor({ timeout: 60_000 });

/** Signs in on the inbox page. */
export async function openInbox(browser, server, user) {
  const page = await browser.newPage(`${server.url}/inbox`);
  await page.getByLabel('Address').fill(user);
  await page.getByLabel('Password').fill(`${user}-demo`);
  await button(page, 'Sign in').click();
  await button(page, 'Sign out').waitFor();
  return page;
}

/** A demo user's sign-in over HTTP. */
export async function signIn(server, user) {
  const answer = await fetch(`${server.url}/login`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: `sip:${user}@localhost`, password: `${user}-demo` }),
  });
  if (answer.status !== 200) throw new Error(`sign-in of ${user}: ${answer.status} ${await answer.text()}`);
  const { token } = await answer.json();
  const call = async (method, path, body) => fetch(server.url + path, {
    method, headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }, body: body && JSON.stringify(body),
  });
  return { token, call, messages: async () => (await (await call('GET', '/mailbox/messages')).json()).messages };
}

/** Gives a demo user this greeting. */
export async function greetWith(server, user, opus) {
  const { token } = await signIn(server, user);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'audio/ogg' };
  const answer = await fetch(`${server.url}/mailbox/greeting`, { method: 'PUT', headers, body: opus });
  if (answer.status !== 204) throw new Error(`greeting of ${user}: ${answer.status} ${await answer.text()}`);
}

export const messagesOf = async (server, user) => (await signIn(server, user)).messages();

/** The bytes behind a message's media address. */
export const mediaOf = async (server, message) => Buffer.from(await (await fetch(new URL(message.media_url, server.url))).arrayBuffer());
