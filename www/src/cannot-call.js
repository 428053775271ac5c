// Why this browser cannot carry a live call, in the engine's words; messages go all the same.

import { say, tree } from "./tree.js";

const AT_HAND = new Set(["idle", "calling", "ringing", "greeting", "ended", "ready", "failed"]);

/** A slice of the call element. */
export class CannotCall {
  static styles = `.cannot-call { max-width: 32rem; }`;

  element = tree("p", { class: "cannot-call small muted", part: "cannot-call", hidden: true });
  #host;
  #words = "";

  /** @param {Pick<import("./call-slices.js").SliceHost, "update">} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {any} event */
  hear({ type, message }) {
    if (type !== "cannot_call") return;
    this.#words = message;
    this.#host.update();
  }

  /** @param {{ state: string }} situation */
  show({ state }) {
    say(this.element, AT_HAND.has(state) ? this.#words : "");
  }

  /** Another engine may be able to. */
  close() {
    this.#words = "";
  }
}
