// What a page of somebody else's origin has to do with: whether it may use the server, whose account it
// brings along, and under which name its visitors call.

import { complete, nameOf } from "./address.js";

const ANSWER_MS = 8000;

/**
 * Whose account a page brings along: address and password, address and login token, or the token alone.
 * @typedef {string | { address?: string, password?: string, token?: string } | null} Credentials
 */

/**
 * The origin behind a `server` attribute, which may be the address of a socket; empty if it is no address.
 * @param {string} server
 */
export function originOf(server) {
  try {
    return new URL(server.replace(/^ws/, "http")).origin;
  } catch {
    return "";
  }
}

/**
 * Why this page may not use the server, and what helps; nothing if it may, or if nobody can tell now. A foreign
 * SIP proxy is not asked.
 * @param {string} server
 * @returns {Promise<string>}
 */
export async function refusalOf(server) {
  if (!server.startsWith("http") || originOf(server) === location.origin) return "";
  try {
    const answer = await fetch(`${originOf(server)}/embed/check`, { credentials: "omit", signal: AbortSignal.timeout(ANSWER_MS) });
    const { allowed } = await answer.json();
    return allowed === false ? advice(new URL(server).host) : "";
  } catch {
    return "";
  }
}

/**
 * Signs in with what the page gave: a password, or a login token that its backend got. `null` signs out.
 * @param {any} client
 * @param {Credentials} given
 * @param {string} from the address, where the credentials hold none
 * @param {string} server
 */
export async function signIn(client, given, from, server) {
  if (!given) return client.sign_out();
  const { address = from, password = "", token } = typeof given === "string" ? { token: given } : given;
  const whole = complete(address, server);
  if (token) await client.sign_in_with_token(whole, token);
  else await client.sign_in(whole, password);
}

/**
 * The name that callees see for a `from` attribute: as it stands, or the one in an address.
 * @param {string} from
 */
export function nameIn(from) {
  return /[@:]/.test(from) ? nameOf(from.trim()) : from.trim();
}

/** @param {string} host */
function advice(host) {
  return `This page may not use ${host} yet. What you recorded is safe on this device. Whoever runs ${host}: add ${location.origin} to AFTERBEEP_ALLOWED_ORIGINS.`;
}
