// A program that stands in for wrangler 4.164 in the tests of the deployment: it keeps an account in the file
// FAKE_ACCOUNT, answers in wrangler's formats, and writes down every call.

import { readFileSync, writeFileSync } from 'node:fs';

const file = process.env.FAKE_ACCOUNT;
const account = JSON.parse(readFileSync(file, 'utf8'));
const words = process.argv.slice(2);
const option = (name) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const saysJson = (value) => console.log(JSON.stringify(value, null, 2));

function fails(message) {
  console.error(`✘ [ERROR] ${message}\n`);
  process.exitCode = 1;
}

const failsAtApi = (path, reason, code) => fails(`A request to the Cloudflare API (${path}) failed.\n\n  ${reason} [code: ${code}]`);

function section(config, name) {
  return config.split(/^(?=\[)/m).find((part) => part.startsWith(`${name}\n`)) ?? '';
}

function valueOf(part, name) {
  return new RegExp(`^${name} = "(.*)"$`, 'm').exec(part)?.[1];
}

function deploy() {
  const config = readFileSync(option('--config'), 'utf8');
  const environment = option('--env');
  const name = valueOf(section(config, `[env.${environment}]`), 'name');
  const namespace = valueOf(section(config, `[[env.${environment}.kv_namespaces]]`), 'id');
  const bucket = valueOf(section(config, `[[env.${environment}.r2_buckets]]`), 'bucket_name');
  if (!account.namespaces.some(({ id }) => id === namespace)) return failsAtApi('/workers', `KV namespace '${namespace}' not found.`, 10041);
  if (!account.buckets.includes(bucket)) return failsAtApi('/workers', `R2 bucket '${bucket}' not found.`, 10085);
  if (account.refusesUploads) return failsAtApi('/workers', 'Something went wrong.', 10013);
  const source = option('--secrets-file');
  const secrets = source ? JSON.parse(readFileSync(source, 'utf8')) : {};
  const vars = section(config, `[env.${environment}.vars]`);
  const version = {
    id: `00000000-0000-4000-8000-${String(account.versions.length + 1).padStart(12, '0')}`,
    annotations: { 'workers/tag': option('--tag'), 'workers/triggered_by': 'deployment' },
    resources: {
      bindings: ['AFTERBEEP_DOMAIN', 'AFTERBEEP_PUBLIC_URL'].map((key) => ({ name: key, text: valueOf(vars, key), type: 'plain_text' })),
    },
  };
  account.versions.push({ worker: name, ...version });
  account.secrets[name] = { ...account.secrets[name], ...secrets };
  const target = `https://${name}.example.workers.dev`;
  console.log(`Uploaded ${name} (1.23 sec)\nDeployed ${name} triggers (0.45 sec)\n  ${target}\nCurrent Version ID: ${version.id}`);
  writeFileSync(
    process.env.WRANGLER_OUTPUT_FILE_PATH,
    `${JSON.stringify({ type: 'wrangler-session', version: 1, wrangler_version: '4.164.0' })}\n`
      + `${JSON.stringify({ type: 'deploy', version: 1, worker_name: name, version_id: version.id, targets: [target], wrangler_environment: environment })}\n`,
  );
}

function status(name) {
  const latest = account.versions.findLast(({ worker }) => worker === name);
  if (!latest) return failsAtApi(`/accounts/a/workers/scripts/${name}/deployments`, 'This Worker does not exist on your account.', 10007);
  saysJson({ id: 'd', source: 'wrangler', strategy: 'percentage', versions: [{ version_id: latest.id, percentage: 100 }] });
}

const COMMANDS = {
  whoami: () => {
    saysJson(account.signedIn ? { loggedIn: true, authType: 'OAuth Token', email: 'op@example.com', accounts: [{ id: 'a', name: 'Op' }] } : { loggedIn: false });
    if (!account.signedIn) process.exitCode = 1;
  },
  'deployments status': () => status(option('--name')),
  'versions view': () => saysJson(account.versions.find(({ id }) => id === words[2])),
  'kv namespace list': () => saysJson(account.namespaces),
  'kv namespace create': () => account.namespaces.push({ id: `${account.namespaces.length + 1}`.padStart(32, '0'), title: words[3], supports_url_encoding: true }),
  'r2 bucket info': () => (account.buckets.includes(words[3])
    ? saysJson({ name: words[3], object_count: '0', bucket_size: '0 B' })
    : failsAtApi(`/accounts/a/r2/buckets/${words[3]}`, 'The specified bucket does not exist.', 10006)),
  'r2 bucket create': () => account.buckets.push(words[3]),
  'secret list': () => {
    const name = option('--name');
    if (!account.secrets[name]) return fails(`Worker "${name}" not found.\n\nIf this is a new Worker, run \`wrangler deploy\` first to create it.`);
    saysJson(Object.keys(account.secrets[name]).map((secret) => ({ name: secret, type: 'secret_text' })));
  },
  deploy,
};

const command = Object.keys(COMMANDS).find((name) => `${words.join(' ')} `.startsWith(`${name} `));
account.calls.push(words.join(' '));
if (command) COMMANDS[command]();
else fails(`Unknown arguments: ${words.join(' ')}`);
writeFileSync(file, JSON.stringify(account));
