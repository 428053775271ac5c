// Somebody calls: who it is and how far that is known, in words. No DOM.

import { bare } from "./address.js";
import { callerOf, forwarderIn } from "./caller.js";

/**
 * An incoming call.
 * @typedef {object} Incoming
 * @property {string | null} [from] address; none of callers without one
 * @property {string | null} [display_name]
 * @property {boolean} [verified] the server vouches for this address
 * @property {boolean} [video] the caller offers a picture
 */

/** What became of a call that nobody answered here. */
const OVER = {
  cancelled: (name) => `${name} has stopped calling.`,
  answered_elsewhere: () => "The call was answered on another device.",
  declined: (name) => `You declined the call of ${name}.`,
  voicemail: (name) => `${name} is with your voicemail now.`,
  lost: (name) => `The connection was lost while ${name} was calling.`,
};

/** @param {Incoming} call */
export function whoCalls({ from, display_name: name, verified }) {
  return callerOf({ from: { address: from ?? "", display_name: name ?? "" }, from_verified: verified === true });
}

/** @param {Incoming} call what stands under the caller's name */
export function incomingNote(call) {
  const { address } = whoCalls(call);
  const who = call.verified ? `Verified: ${bare(address)}.` : address ? `Not verified. The call says it is from ${bare(address)}.` : "Not verified. Anybody may call by this name.";
  return call.video ? `${who} With video.` : who;
}

/**
 * @param {string | null | undefined} forwarder
 * @returns {string} empty for a call or message that came directly
 */
export function forwardedLine(forwarder) {
  return forwarder ? `Forwarded from ${forwarderIn(forwarder)}.`.replace(/\.\.$/, ".") : "";
}

/**
 * @param {string} reason
 * @param {string} name
 */
export function overWords(reason, name) {
  return (OVER[reason] ?? OVER.cancelled)(name);
}
