// Who sent the call on to the voicemail that answered, where the exchange told it.

import { forwardedLine } from "./incoming-call.js";
import { say, tree } from "./tree.js";

/** From the voicemail's greeting until the message is made. */
const SHOWN = new Set(["greeting", "ended", "ready", "recording", "paused", "review", "writing"]);

/** A slice of the call element. */
export class Forwarding {
  static place = /** @type {const} */ ("hero");

  element = tree("p", { class: "muted", part: "forwarded", hidden: true });
  #from = "";

  /** @param {any} event */
  hear({ type, state, forwarded_from: from }) {
    if (type === "state" && state === "calling") this.#from = "";
    if (type === "session") this.#from = from ?? "";
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state }) {
    say(this.element, SHOWN.has(state) ? forwardedLine(this.#from) : "");
  }
}
