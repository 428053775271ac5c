// The settings of a development server: fixed ones, keys made on first start in `.dev.vars`, and whatever
// the environment overrides (names that start with AFTERBEEP_).
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secretKey, signingKey } from "./secrets.mjs";

function freshSecrets() {
  return [
    "# Secrets of this machine's development server, made on first start. Delete the file for new ones.",
    "AFTERBEEP_ADMIN_TOKEN=dev-admin-token",
    `AFTERBEEP_TOKEN_KEYS=${secretKey("dev1")}`,
    `AFTERBEEP_ACCOUNT_KEYS=${secretKey("dev1")}`,
    `AFTERBEEP_RECEIPT_KEYS='${JSON.stringify([signingKey("dev1")])}'`,
    `AFTERBEEP_VAPID_PRIVATE_KEY=${signingKey("vapid").d}`,
    "",
  ].join("\n");
}

/** Reads `.dev.vars`, which is made once and whole even if two servers start together. */
function secrets(root) {
  const file = join(root, ".dev.vars");
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, freshSecrets(), { mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    } finally {
      rmSync(draft);
    }
  }
  return Object.fromEntries(readFileSync(file, "utf8").split("\n").flatMap((line) => {
    const found = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    return found ? [[found[1], found[2].replace(/^'(.*)'$/, "$1")]] : [];
  }));
}

export function developmentVariables(root, url, demo) {
  const overrides = Object.entries(process.env).filter(([name]) => name.startsWith("AFTERBEEP_"));
  return {
    AFTERBEEP_DOMAIN: "localhost",
    AFTERBEEP_PUBLIC_URL: url,
    AFTERBEEP_ALLOWED_ORIGINS: "*",
    AFTERBEEP_DEV_DEMO: demo ? "1" : "0",
    AFTERBEEP_LIMIT_INVITES_PER_MIN: "0",
    AFTERBEEP_LIMIT_MESSAGES_PER_MIN: "0",
    AFTERBEEP_LIMIT_SESSIONS_PER_HOUR: "0",
    AFTERBEEP_LIMIT_MAILBOX_SESSIONS_PER_HOUR: "0",
    ...secrets(root),
    ...Object.fromEntries(overrides),
  };
}
