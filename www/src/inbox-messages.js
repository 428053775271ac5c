// The messages of an inbox as the exchange has them, and what is done with one. No DOM.

import { callerOf } from "./caller.js";

/** @typedef {import("./message-list.js").Message} Message */

/**
 * What it asks of the inbox.
 * @typedef {object} MessagesOwner
 * @property {(method: string, ...rest: unknown[]) => Promise<any>} ask the engine
 * @property {() => boolean} wanted somebody is signed in, and there is a network
 * @property {(box: any) => void} fetched the mailbox as it is now
 * @property {() => void} changed paints everything anew
 * @property {(words: string, undo: () => void) => void} undone what was done, with Undo
 * @property {(error: Error) => void} failed
 */

/** The messages of who is signed in. */
export class InboxMessages {
  /** @type {Message[]} newest first */
  all = [];
  /** They have come once. */
  loaded = false;
  #owner;
  /** Where older ones go on. */
  #next = "";
  /** @type {Promise<void> | undefined} */
  #refreshing;
  #stale = false;

  /** @param {MessagesOwner} owner */
  constructor(owner) {
    this.#owner = owner;
  }

  /** Whether there are older ones. */
  get more() {
    return this.#next !== "";
  }

  /** Somebody has signed out. */
  forget() {
    this.all = [];
    this.#next = "";
    this.loaded = false;
  }

  /** Fetches the newest messages; while that goes on, further calls wait for one more fetch. */
  async refresh() {
    if (!this.#owner.wanted()) return;
    if (this.#refreshing) {
      this.#stale = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#attempt(() => this.#fetch());
    await this.#refreshing;
    this.#refreshing = undefined;
    if (!this.#stale) return;
    this.#stale = false;
    await this.refresh();
  }

  /** Fetches older ones. */
  showOlder() {
    return this.#attempt(async () => {
      const page = await this.#owner.ask("messages", this.#next);
      this.all = [...this.all, ...page.messages];
      this.#next = page.next ?? "";
      this.#owner.changed();
    });
  }

  /** @param {Message} message that was listened to */
  heard(message) {
    if (message.state !== "new") return Promise.resolve();
    return this.#attempt(async () => {
      await this.#owner.ask("set_message_state", message.id, "heard");
      await this.refresh();
    });
  }

  /** @param {Message} message */
  remove(message) {
    return this.#attempt(async () => {
      await this.#owner.ask("delete_message", message.id);
      this.#owner.undone(`Message from ${callerOf(message).label} deleted.`, () => void this.#restore(message.id));
      await this.refresh();
    });
  }

  /** @param {string} id */
  #restore(id) {
    return this.#attempt(async () => {
      await this.#owner.ask("restore_message", id);
      await this.refresh();
    });
  }

  async #fetch() {
    const [box, page] = await Promise.all([this.#owner.ask("mailbox"), this.#owner.ask("messages")]);
    if (!this.#owner.wanted()) return;
    const shown = new Set(page.messages.map((message) => message.id));
    this.all = [...page.messages, ...(page.next ? this.all.filter((message) => older(message, page.messages) && !shown.has(message.id)) : [])];
    if (this.all.length === page.messages.length) this.#next = page.next ?? "";
    this.loaded = true;
    this.#owner.fetched(box);
  }

  /** @param {() => Promise<void>} act a failure is explained */
  async #attempt(act) {
    try {
      await act();
    } catch (error) {
      this.#owner.failed(error);
    }
  }
}

/**
 * Whether a message is older than all of these.
 * @param {Message} message
 * @param {Message[]} others
 */
function older(message, others) {
  const last = others.at(-1);
  return last !== undefined && message.received_at < last.received_at;
}
