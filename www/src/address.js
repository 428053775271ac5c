// Addresses as people type and read them. The rules of what an address is are the engine's; this only
// completes a bare user name and finds a name to show.

const NUMBER = /^\+?[\d\s().-]{5,}$/;
const EXAMPLES = "Type a name (bob), an address (bob@example.com) or a number (+44 20 7946 0018).";

/**
 * A typed address made complete: "bob" becomes `sip:bob@HOST`, "+44 20 7946 0018" becomes `tel:+442079460018`. What a
 * number without a country means is up to the exchange: "020 7946 0018" becomes `sip:02079460018@HOST`.
 * @param {string} typed
 * @param {string} server origin or `wss://` address of the exchange
 * @returns {string}
 */
export function complete(typed, server) {
  const text = typed.trim();
  const number = text.replace(/^tel:/i, "");
  if (NUMBER.test(number)) {
    const digits = number.replace(/[^\d+]/g, "");
    return digits.startsWith("+") ? `tel:${digits}` : `sip:${digits}@${new URL(server).hostname}`;
  }
  if (text === "" || /^(sips?|tel):/i.test(text)) return text;
  if (text.includes("@")) return `sip:${text}`;
  return `sip:${text}@${new URL(server).hostname}`;
}

/**
 * Why nobody can be called by what was typed; empty if somebody can, as far as this page knows.
 * @param {string} typed
 * @returns {string}
 */
export function nonsense(typed) {
  const text = typed.trim();
  const [, scheme = "", rest = text] = /^([a-z][a-z0-9+.-]*):(?!\d+$)(.*)$/i.exec(text) ?? [];
  if (text === "") return EXAMPLES;
  if (!/^(sips?|tel)?$/i.test(scheme)) return `This page calls people, not “${scheme}:” addresses. ${EXAMPLES}`;
  if (/^tel$/i.test(scheme)) return /^\+?[\d\s().-]*\d(;.*)?$/.test(rest) ? "" : `“${text}” is not a telephone number. ${EXAMPLES}`;
  if (NUMBER.test(rest)) return /\d{3}/.test(rest.replace(/\D/g, "")) ? "" : `“${text}” is too short for a telephone number.`;
  return /^[^\s@]+(@([\w.-]+|\[[\da-f:]+\])(:\d+)?([;?].*)?)?$/i.test(rest) ? "" : `“${text}” is nobody’s address. ${EXAMPLES}`;
}

/**
 * The user part of an address, without scheme and host.
 * @param {string} address
 * @returns {string}
 */
export function user(address) {
  const bare = address.replace(/^[a-z]+:/i, "").replace(/[;?].*$/, "");
  const part = bare.split("@")[0];
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The address without its scheme, as it is shown.
 * @param {string} address
 * @returns {string}
 */
export function bare(address) {
  return address.replace(/^(sips?|tel):/i, "");
}

/**
 * A name for an address nobody has told us the name of: "sip:bob@example.com" is "Bob".
 * @param {string} address
 * @returns {string}
 */
export function nameOf(address) {
  const part = user(address ?? "");
  return part.charAt(0).toUpperCase() + part.slice(1);
}
