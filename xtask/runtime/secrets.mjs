// Makes fresh secrets of a deployment. As a program: `node secrets.mjs NAME...` writes one JSON object of them to its
// standard output, which only the deployment reads.
import { generateKeyPairSync, randomBytes, randomInt } from "node:crypto";

export function secretKey(id) {
  return `${id}:${randomBytes(32).toString("base64url")}`;
}

export function signingKey(id) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid: id, alg: "ES256", use: "sig" };
}

/** A key's name: the day it was made, and a letter or two against a second one of that day. */
function keyId() {
  return new Date().toISOString().slice(2, 10).replaceAll("-", "") + randomInt(36, 36 * 36).toString(36);
}

const MAKERS = {
  AFTERBEEP_TOKEN_KEYS: () => secretKey(keyId()),
  AFTERBEEP_ACCOUNT_KEYS: () => secretKey(keyId()),
  AFTERBEEP_RECEIPT_KEYS: () => JSON.stringify([signingKey(keyId())]),
  AFTERBEEP_VAPID_PRIVATE_KEY: () => signingKey("vapid").d,
  AFTERBEEP_ADMIN_TOKEN: () => randomBytes(24).toString("base64url"),
};

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  process.stdout.write(JSON.stringify(Object.fromEntries(names.map((name) => [name, MAKERS[name]()]))));
}
