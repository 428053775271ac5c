// The messages of an inbox as the exchange has them, and what is done with one. No DOM.

import { callerOf } from "./caller.js";

/** @typedef {import("./message-list.js").Message} Message */

/**
 * What it asks of the inbox.
 * @typedef {object} MessagesOwner
 * @property {(method: string, ...rest: unknown[]) => Promise<any>} ask the engine
 * @property {() => boolean} wanted somebody is signed in, and there is a network
 * @property {() => unknown} asking the mailbox is asked for now; what this gives comes back with the answer
 * @property {(box: any, arrived: Message[], asked: any) => void} fetched the mailbox as it is now, and which messages have come since it was last
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
  /** Whose messages these are: what was asked for somebody else is not shown. */
  #whose = "";
  /** @type {Set<string> | undefined} ids of all that were here once; nothing before the first came */
  #seen;
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
    this.#whose = "";
    this.#seen = undefined;
    this.loaded = false;
  }

  /** @param {string} address who is signed in now */
  belongTo(address) {
    if (address !== this.#whose) this.forget();
    this.#whose = address;
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
      const whose = this.#whose;
      const page = await this.#owner.ask("messages", this.#next);
      if (whose !== this.#whose) return;
      this.#meet(page.messages);
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
    const whose = this.#whose;
    const asked = this.#owner.asking();
    const [box, page] = await Promise.all([this.#owner.ask("mailbox"), this.#owner.ask("messages")]);
    if (whose !== this.#whose || !this.#owner.wanted()) return;
    const isFirst = !this.#seen;
    const unknown = this.#meet(page.messages);
    // One that comes up in the place of a deleted one was there before.
    const arrived = unknown.filter((message) => !isFirst && message.state === "new" && !older(message, this.all));
    const shown = new Set(page.messages.map((message) => message.id));
    this.all = [...page.messages, ...(page.next ? this.all.filter((message) => older(message, page.messages) && !shown.has(message.id)) : [])];
    if (this.all.length === page.messages.length) this.#next = page.next ?? "";
    this.loaded = true;
    this.#owner.fetched(box, arrived, asked);
  }

  /**
   * @param {Message[]} messages that are here
   * @returns {Message[]} those that never were before
   */
  #meet(messages) {
    const seen = this.#seen ?? new Set();
    const unknown = messages.filter(({ id }) => !seen.has(id));
    this.#seen = new Set([...seen, ...messages.map(({ id }) => id)]);
    return unknown;
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
