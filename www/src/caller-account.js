// Who the caller is: the account that the page brought along, or a name for the callee.

import { nameOf } from "./address.js";
import { nameIn, signIn } from "./embedding.js";

/**
 * What it asks its owner.
 * @typedef {object} AccountOwner
 * @property {() => string | null} from the attribute
 * @property {() => string} server
 * @property {() => string} typed the name in the text field
 * @property {(request: (client: any) => unknown) => Promise<void>} attempt
 * @property {() => void} changed
 */

/** One caller. */
export class CallerAccount {
  #owner;
  /** @type {{ address: string, display_name?: string } | undefined} */
  #account;
  /** @type {import("./embedding.js").Credentials | undefined} */
  #credentials;

  #absent = "";

  /** Fulfilled once the credentials given last were tried. */
  settled = Promise.resolve();

  /** @param {AccountOwner} owner */
  constructor(owner) {
    this.#owner = owner;
  }

  /** Whether callees see an account, not only a name. */
  get known() {
    return this.#account !== undefined;
  }

  /** Its address; empty without one. */
  get address() {
    return this.#account?.address ?? "";
  }

  /** Who was signed in at a foreign proxy before and is not now; empty while the page's own credentials are tried. */
  get absent() {
    return this.#credentials === undefined ? this.#absent : "";
  }

  /** What callees see of the account; empty without one. */
  get name() {
    return this.#account ? this.#account.display_name || nameOf(this.#account.address) : "";
  }

  /** @param {import("./embedding.js").Credentials} credentials tried at the next `signIn` */
  bring(credentials) {
    this.#credentials = credentials;
  }

  /** Tries the credentials that wait, if any. */
  signIn() {
    this.settled = this.#signIn();
  }

  /** @param {any} client a fresh engine, which may be signed in already */
  async opened(client) {
    this.#learn(client);
    if (this.#owner.from()) await this.introduce(client);
  }

  /**
   * Callees see the name that the page or the caller gave.
   * @param {any} client
   */
  async introduce(client) {
    const from = this.#owner.from();
    const name = from ? nameIn(from) : this.#owner.typed();
    if (!this.#account && name !== client.name()) await client.set_name(name);
  }

  async #signIn() {
    const given = this.#credentials;
    if (given === undefined) return;
    this.#credentials = undefined;
    await this.#owner.attempt(async (client) => {
      await signIn(client, given, this.#owner.from() ?? "", this.#owner.server());
      this.#learn(client);
      this.#owner.changed();
    });
  }

  /** @param {any} client */
  #learn(client) {
    this.#account = client.signed_in();
    this.#absent = client.absent_user() ?? "";
  }
}
