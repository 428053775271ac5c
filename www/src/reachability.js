// Whether calls ring on this page, in one quiet line: what the engine has confirmed, and nothing before that.

import { say, tree } from "./tree.js";

/** @typedef {{ recording: boolean, settings: Record<string, unknown> }} Circumstances what else decides where calls go */

/** Of this page only: other devices of the same owner may ring. */
const AWAY = "Calls do not ring here";

/** Why calls do not ring here, by the engine's reasons. */
const REASONS = {
  no_webrtc: "this browser cannot make or take calls, as it has no WebRTC. You can still leave and hear messages.",
  offline: "this page is not connected right now. It tries again by itself.",
  login_expired: "you are not signed in any more. Sign in again to get calls here.",
  refused: "the server refuses it right now. This page tries again by itself.",
};

/**
 * The line; empty where nothing is known.
 * @param {{ registered: boolean, reason?: string } | undefined} reach as the engine says it
 * @param {Circumstances} circumstances
 */
export function reachWords(reach, { recording, settings }) {
  if (!reach) return "";
  if (!reach.registered) return REASONS[reach.reason] ? `${AWAY}: ${REASONS[reach.reason]}` : "";
  if (settings.ring_timeout_s === 0) return "Calls go to your voicemail at once, as you chose.";
  return recording ? `${AWAY} while you record.` : "Calls ring here.";
}

/** A line of the inbox. */
export class Reachability {
  element = tree("p", { class: "small muted", part: "reachability", hidden: true });
  #reach;

  /** @param {any} event */
  hear(event) {
    if (event.type === "reachable") this.#reach = event;
  }

  /** @param {Circumstances | undefined} circumstances none where it is of no interest */
  show(circumstances) {
    say(this.element, circumstances ? reachWords(this.#reach, circumstances) : "");
  }
}
