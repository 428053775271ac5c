// The operator's calls to a deployment's admin API: `node admin.mjs ACTION SERVER [ADDRESS] [NAME or NUMBER]`, where ACTION
// is one of those at the end. Secrets come from the environment (AFTERBEEP_ADMIN_TOKEN, AFTERBEEP_USER_PASSWORD) or are
// asked for without an echo.
import { Writable } from "node:stream";
import { createInterface } from "node:readline/promises";

const PATIENCE_MS = 30_000;
const [action, server, address, detail] = process.argv.slice(2);

function fail(what, advice) {
  console.error(`error: ${what}\n  What to do: ${advice}`);
  process.exit(1);
}

async function secret(variable, question) {
  if (process.env[variable]) return process.env[variable];
  if (!process.stdin.isTTY) fail(`${variable} is not set`, `set it, or run this in a terminal, which asks for it`);
  process.stderr.write(`${question}: `);
  const silent = new Writable({ write: (_data, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  const answer = await terminal.question("");
  terminal.close();
  process.stderr.write("\n");
  return answer.trim();
}

/** The address of the API; secrets go out in the clear only to this very machine. */
function base() {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(url?.hostname);
  if (url?.protocol === "https:" || (local && url?.protocol === "http:")) return url.origin;
  return fail(`--server ${server} is not an https address`, "give the deployment's address, such as https://edge.example.com");
}

async function call(token, method, path, body) {
  const request = {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
    body: body && JSON.stringify(body),
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  const answer = await fetch(base() + path, request).catch((error) =>
    fail(`${server} does not answer (${error.cause?.code ?? error.message})`, "check the address and the network"));
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return { status: answer.status, content };
  const id = content.request_id ? `, request ${content.request_id}` : "";
  return fail(
    `${method} ${path} was answered ${answer.status}: ${content.detail || content.title || "no reason given"}${id}`,
    answer.status === 401 ? "give the admin token that the first deployment printed" : "look for the request in the deployment's log",
  );
}

const userPath = () => `/admin/users/${encodeURIComponent(address)}`;
const numberPath = () => `${userPath()}/numbers/${encodeURIComponent(detail)}`;

const ACTIONS = {
  list: async (token) => {
    console.log(["address", "name", "new", "old", "bytes"].join("\t"));
    for (let after = ""; after !== null;) {
      const { content } = await call(token, "GET", `/admin/users?after=${encodeURIComponent(after)}`);
      for (const user of content.users) {
        console.log([user.address, user.display_name ?? "", user.new ?? 0, user.old ?? 0, user.bytes_used ?? 0].join("\t"));
      }
      after = content.next;
    }
  },
  put: async (token) => {
    const password = await secret("AFTERBEEP_USER_PASSWORD", `Password for ${address}`);
    const { status, content } = await call(token, "PUT", userPath(), { password, display_name: detail });
    console.log(`${content.address} ${status === 201 ? "was made" : "was changed; earlier sign-ins have ended"}`);
  },
  login: async (token) => {
    const { content } = await call(token, "POST", `${userPath()}/login`);
    console.log(content.token);
  },
  numbers: async (token) => {
    const { content } = await call(token, "GET", `${userPath()}/numbers`);
    for (const { number } of content.numbers) console.log(number);
  },
  give: async (token) => {
    const { content } = await call(token, "PUT", numberPath());
    console.log(`${content.number} leads to ${address}`);
  },
  take: async (token) => {
    await call(token, "DELETE", numberPath());
    console.log(`${detail} does not lead to ${address} any more`);
  },
};

base();
await ACTIONS[action](await secret("AFTERBEEP_ADMIN_TOKEN", "Admin token"));
