// The voicemail may be on another server than the one the call went by: a foreign SIP proxy knows nothing of messages.
// Nothing is sent there before the caller has confirmed that server, once, by its name.

import { tree, write } from "./tree.js";

/** A slice of the call element. */
export class OtherServer {
  static styles = `.other-server { max-width: 100%; overflow-wrap: anywhere; }`;

  #host;
  /** @type {string | undefined} the server that is asked about */
  #origin;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("button", { type: "button", class: "other-server", part: "button other-server", hidden: true, click: () => void this.#confirm() });
  }

  /** @param {any} event */
  hear({ type, origin }) {
    if (type !== "other_server" || origin === this.#origin) return;
    this.#origin = origin;
    this.#host.update();
  }

  show() {
    this.element.hidden = this.#origin === undefined;
    if (this.#origin !== undefined) write(this.element, `Send to ${this.#name}`);
  }

  /** The question, where the state's own words would stand. */
  note() {
    if (this.#origin === undefined) return "";
    return `This voicemail is on another server: ${this.#name}. Your message stays on this device until you agree to send it there.`;
  }

  /** Another engine asks again where it must. */
  close() {
    this.#origin = undefined;
  }

  get #name() {
    return new URL(this.#origin ?? "").host;
  }

  async #confirm() {
    const origin = this.#origin;
    this.#origin = undefined;
    this.#host.update();
    await this.#host.attempt((client) => client.confirm_server(origin));
  }
}
