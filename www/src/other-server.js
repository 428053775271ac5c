// The voicemail may be on another server than the one the call went by: a foreign SIP proxy knows nothing of messages.
// Nothing is sent there before the caller has confirmed that server, once, by its name.

import { tree } from "./tree.js";

/** A slice of the call element. */
export class OtherServer {
  static styles = `
.other-server { display: grid; gap: 12px; justify-items: start; text-align: start; }
.other-server p { margin: 0; overflow-wrap: anywhere; }
`;

  #host;
  #words = tree("p", {});
  #allow = tree("button", { part: "button allow-server", type: "button", click: () => void this.#confirm() }, "Send there");
  /** @type {string | undefined} the server that is asked about */
  #origin;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("section", { class: "other-server", part: "other-server", "aria-label": "Another server", hidden: true }, this.#words, this.#allow);
  }

  /** @param {any} event */
  hear(event) {
    if (event.type !== "other_server") return;
    this.#origin = event.origin;
    this.#host.update();
  }

  show() {
    this.element.hidden = this.#origin === undefined;
    if (this.#origin === undefined) return;
    const { host } = new URL(this.#origin);
    this.#words.textContent = `This voicemail is on another server: ${host}. Its greeting comes from there, and your message goes there. Until you agree, it stays on this device.`;
    this.#allow.textContent = `Send to ${host}`;
  }

  /** Another engine asks again where it must. */
  close() {
    this.#origin = undefined;
  }

  async #confirm() {
    const origin = this.#origin;
    this.#origin = undefined;
    this.#host.update();
    await this.#host.attempt((client) => client.confirm_server(origin));
  }
}
