// The three demo users, made through the admin API like any other user, where they are not there yet.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const USERS = { alice: "Alice", bob: "Bob", carol: "Carol" };
const DOMAIN = "localhost";

async function call(url, method, path, { token, body, type = "application/json" } = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { "content-type": type } : {}) },
    body,
  });
  if (!answer.ok && answer.status !== 404) {
    throw new Error(`demo users: ${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
  }
  return answer;
}

async function ensureUser(url, admin, name, displayName) {
  const path = `/admin/users/${encodeURIComponent(`sip:${name}@${DOMAIN}`)}`;
  const found = await call(url, "GET", path, { token: admin });
  if (found.ok) return false;
  const body = JSON.stringify({ password: `${name}-demo`, display_name: displayName });
  const made = await call(url, "PUT", path, { token: admin, body });
  if (!made.ok) throw new Error(`demo users: ${path} cannot be made (${made.status})`);
  return true;
}

async function greet(root, url, name) {
  const credentials = JSON.stringify({ address: `sip:${name}@${DOMAIN}`, password: `${name}-demo` });
  const { token } = await (await call(url, "POST", "/login", { body: credentials })).json();
  const sound = readFileSync(join(root, `www/src/greeting-${name}.ogg`));
  await call(url, "PUT", "/mailbox/greeting", { token, body: sound, type: "audio/ogg" });
}

export async function seed(root, url, admin) {
  const made = await Promise.all(
    Object.entries(USERS).map(([name, displayName]) => ensureUser(url, admin, name, displayName)),
  );
  if (made[Object.keys(USERS).indexOf("bob")]) await greet(root, url, "bob");
}
