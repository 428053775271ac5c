// Who left a message, as far as the exchange knows. No DOM.

import { bare, nameOf } from "./address.js";

/** One development machine has several names (interface section 1). */
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/**
 * @typedef {object} Who
 * @property {string} name
 * @property {string} label what the inbox shows, with "(not verified)" where it is so
 * @property {string} address empty if there is none to call back
 * @property {string} reason why there is nobody to call back; empty if there is
 */

/**
 * @param {{ from?: string | { address?: string, display_name?: string }, from_name?: string, from_verified?: boolean }} message
 * @returns {Who}
 */
export function callerOf({ from, from_name: given, from_verified: verified }) {
  const { name, address } = parts(from);
  const known = given || name || nameOf(address) || "Somebody";
  return {
    name: known,
    label: verified ? known : `${known} (not verified)`,
    address,
    reason: address ? "" : `${known} called without an address, so there is nothing to call.`,
  };
}

/**
 * Who sent a call on, by name.
 * @param {string} from an address, with or without a name, or only a name
 */
export function forwarderIn(from) {
  const { name, address } = parts(from);
  return name || nameOf(address) || "somebody";
}

/**
 * The name and the address in what stands in `from`: an object, `"Anna" <sip:anna@example.com>`, a bare
 * address, or only a name.
 * @param {string | { address?: string | null, display_name?: string | null } | undefined | null} from
 */
function parts(from) {
  if (from && typeof from === "object") return { name: from.display_name ?? "", address: reachable(from.address ?? "") };
  const text = String(from ?? "").trim();
  const quoted = /^"?([^"<]*)"?\s*<([^>]+)>/.exec(text);
  if (quoted) return { name: quoted[1].trim(), address: reachable(quoted[2]) };
  return /^(sips?|tel):|@/i.test(text) ? { name: "", address: reachable(text) } : { name: text, address: "" };
}

/**
 * Anonymous addresses (RFC 3323 section 4.1.1.3) are none.
 * @param {string} address
 */
function reachable(address) {
  return /anonymous\.invalid/i.test(address) ? "" : address;
}

/**
 * The link that calls an address.
 * @param {string} address
 * @param {string} home origin of the call page
 */
export function callLink(address, home) {
  const host = new URL(home).hostname;
  const own = LOOPBACK.includes(host) ? LOOPBACK : [host];
  const [user, domain] = bare(address).split("@");
  const short = own.includes(domain) ? user : bare(address);
  return `${home}/?to=${encodeURIComponent(short).replaceAll("%40", "@").replaceAll("%2B", "+")}`;
}
