// Addresses as people type and read them. The rules of what an address is are the engine's; this only
// completes a bare user name and finds a name to show.

/**
 * A typed address made complete: "bob" becomes `sip:bob@HOST`, the rest stays as it is.
 * @param {string} typed
 * @param {string} server origin or `wss://` address of the exchange
 * @returns {string}
 */
export function complete(typed, server) {
  const text = typed.trim();
  if (text === "" || /^(sips?|tel):/i.test(text)) return text;
  if (text.includes("@")) return `sip:${text}`;
  if (/^\+?[\d\s()-]{5,}$/.test(text)) return `tel:${text.replace(/[^\d+]/g, "")}`;
  return `sip:${text}@${new URL(server).hostname}`;
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
