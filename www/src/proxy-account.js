// Who one is at somebody else's SIP proxy. Such a proxy gives no sign-in that could be kept, so after a reload the
// password is asked for again; and wherever the registration there stands, it says so.

import { bare, user } from "./address.js";
import { originOf } from "./embedding.js";
import { SignInForm } from "./sign-in-form.js";
import { say, tree, write } from "./tree.js";

/** @typedef {"" | "registered" | "refused" | "away"} Standing */

/** @type {Record<string, Standing>} what the engine's reasons come to here; the others are no matter of the proxy */
const STANDINGS = { login_expired: "refused", refused: "away", offline: "away" };
const AT_REST = new Set(["idle", "ended", "ready", "failed", "deposited"]);

/** A slice of the call element. */
export class ProxyAccount {
  static styles = `
    .proxy-account { width: 100%; max-width: 24rem; margin: 0 auto; text-align: start; }
    .proxy-account .sign-in { display: grid; gap: 16px; padding: 8px 0; }
    .proxy-account .sign-in > button { justify-self: start; }
    .proxy-account > button { margin-inline-start: -12px; }
    .proxy-account > .line { text-align: center; }`;

  #host;
  #line = tree("p", { class: "line small muted", part: "proxy-standing", hidden: true });
  #form;
  #leave = tree("button", { type: "button", class: "quiet", part: "button", hidden: true, click: () => this.#bring(null) });
  /** Who signed in last, as far as this element knows. */
  #address = "";
  /** @type {Standing} */
  #standing = "";

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.#form = new SignInForm((address, password) => this.#bring({ address, password }), "");
    // To call is what this page is for.
    this.#form.element.lastElementChild.classList.remove("primary");
    this.element = tree("div", { class: "proxy-account", part: "proxy-account", hidden: true }, this.#line, this.#form.element, this.#leave);
  }

  /** Whether somebody is typing a password. */
  get busy() {
    return this.#form.busy;
  }

  /** @param {any} event */
  hear({ type, registered, reason }) {
    if (type !== "reachable") return;
    this.#standing = registered ? "registered" : STANDINGS[reason] ?? "";
    this.#host.update();
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, account, absent }) {
    const proxy = proxyIn(this.#host.attribute("server"));
    this.#address = absent || account || this.#address;
    const asks = absent !== "" || this.#standing === "refused";
    this.element.hidden = !proxy || !this.#address || !AT_REST.has(state);
    if (this.element.hidden) return;
    const name = user(this.#address);
    say(this.#line, asks ? "" : this.#words(name, proxy));
    this.#form.element.hidden = !asks;
    this.#leave.hidden = !asks;
    if (!asks) return this.#form.forget();
    this.#form.introduce(absent
      ? `You are not signed in at ${proxy} now: this page keeps no password for it. Give it again to call as ${name}.`
      : `${proxy} does not accept this name and password. Calls may fail until you sign in again or go on without ${name}.`);
    this.#form.suggest(bare(this.#address));
    write(this.#leave, `Go on without ${name}`);
  }

  /** Another engine asks again. */
  close() {
    this.#standing = "";
    this.#address = "";
  }

  /**
   * @param {string} name
   * @param {string} proxy
   */
  #words(name, proxy) {
    switch (this.#standing) {
      case "registered": return `Signed in at ${proxy} as ${name}.`;
      case "away": return `Not signed in at ${proxy} now. It is tried again by itself.`;
      default: return "";
    }
  }

  /** @param {import("./embedding.js").Credentials} credentials */
  async #bring(credentials) {
    this.#standing = "";
    if (credentials === null) this.#address = "";
    this.#form.forget();
    /** @type {any} */ (this.#host.element).credentials = credentials;
    this.#host.update();
  }
}

/**
 * The host of a foreign proxy; empty where the server is one of ours.
 * @param {string | null} server
 */
function proxyIn(server) {
  const origin = /^wss?:/i.test(server ?? "") ? originOf(server ?? "") : "";
  return origin ? new URL(origin).host : "";
}
