// That a call was sent on: to whom, where somebody else answered than was called; from whom, where only the exchange
// knows.

import { nameOf, user } from "./address.js";
import { forwardedLine } from "./incoming-call.js";
import { say, tree } from "./tree.js";

/** From the answer until the message is made. */
const SHOWN = new Set(["talking", "greeting", "ended", "ready", "recording", "paused", "review", "writing"]);
/** Somebody's number is himself. */
const NUMBER = /^\+?\d+$/;

/** A slice of the call element. */
export class Forwarding {
  static place = /** @type {const} */ ("hero");

  element = tree("p", { class: "muted", part: "forwarded", hidden: true });
  #dialled = "";
  #to = "";
  #name = "";
  #from = "";

  /** @param {any} event */
  hear(event) {
    if (event.type === "state") this.#turn(event);
    if (event.type === "session") {
      this.#from = event.forwarded_from ?? "";
      this.#meet(event.called_party);
    }
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    const isAnother = item !== undefined && item.to !== this.#to;
    say(this.element, SHOWN.has(state) && !isAnother ? this.#line() : "");
  }

  /** @param {{ state: string, to?: string, display_name?: string | null }} event */
  #turn({ state, to = "", display_name: name }) {
    if (state === "calling") {
      this.#dialled = to;
      this.#from = "";
    }
    this.#meet(to, name);
  }

  /**
   * @param {string} to
   * @param {string | null} [name]
   */
  #meet(to, name) {
    if (name || to !== this.#to) this.#name = name || nameOf(to);
    this.#to = to;
  }

  #line() {
    const elsewhere = this.#dialled !== "" && this.#to !== this.#dialled && (this.#from !== "" || !NUMBER.test(user(this.#dialled)));
    return elsewhere ? `Forwarded to ${this.#name}.`.replace(/\.\.$/, ".") : forwardedLine(this.#from);
  }
}
