// What is on this device as the engine told it, and which message is in hand: sending, deleting, editing. No DOM.

import { nameOf } from "./address.js";
import { isWritten } from "./call-words.js";
import { CONVERSING, DRAFTING, PENDING } from "./call-states.js";
import { Writing } from "./writing.js";

/** @typedef {import("./engine.js").OutboxItem} OutboxItem */

const DELIVERED_SHOWN_MS = 24 * 3_600_000;
const DELIVERED_SHOWN = 3;

/**
 * What it asks its owner.
 * @typedef {object} DraftsOwner
 * @property {(request: (client: any) => any) => Promise<any>} ask the engine
 * @property {(request: (client: any) => unknown) => Promise<void>} attempt the same; a failure is complained of
 * @property {() => string} state the engine's state word
 * @property {() => Promise<boolean>} promise asks the browser to send by itself; whether it will
 * @property {() => void} changed
 * @property {(text: string) => void} opened the text field is to show these words
 * @property {(name: string, undo: () => void) => void} deleted a message to somebody, who can have it back
 * @property {() => void} sent nothing can be undone any more
 * @property {(words: string) => void} complain
 * @property {(error: Error) => void} failed
 */

/** All messages of this device. */
export class Drafts {
  #owner;
  /** @type {OutboxItem[]} */
  #items = [];
  #inHand = "";
  #promised = false;
  #replaced = "";

  /** The written one in the text field. */
  writing;

  /** @param {DraftsOwner} owner */
  constructor(owner) {
    this.#owner = owner;
    this.writing = new Writing({
      ask: owner.ask,
      saved: (id) => (this.#inHand = id),
      opened: (text) => owner.changed() ?? owner.opened(text),
      failed: owner.failed,
    });
  }

  /** Every message, newest first. */
  get items() {
    return this.#items;
  }

  /** The deposit id of the message that the stage speaks of; empty without one. */
  get inHand() {
    return this.#inHand;
  }

  /** The message that the stage speaks of. */
  get item() {
    return this.#find(this.#inHand);
  }

  /** Whether the browser sends by itself. */
  get promised() {
    return this.#promised;
  }

  /** Whether the stage shows a text field. */
  get showsWriting() {
    const { item } = this;
    return this.writing.open || (this.#owner.state() === "review" && item !== undefined && isWritten(item));
  }

  /** What the outbox lists: not the draft that the stage holds, and of what was delivered only the last ones. */
  get listed() {
    const drafting = DRAFTING.has(this.#owner.state());
    const oldest = Date.now() - DELIVERED_SHOWN_MS;
    const delivered = this.#items.filter((item) => item.state === "deposited" && item.created_at > oldest).slice(0, DELIVERED_SHOWN);
    return this.#items.filter((item) =>
      item.state === "deposited" ? delivered.includes(item) : !(drafting && (item.state === "recording" || item.deposit_id === this.#inHand)),
    );
  }

  /**
   * Deletes a draft that is being recorded anew; its title and files go along with the new one.
   * @param {OutboxItem} item
   */
  async replace(item) {
    this.#replaced = item.title || item.parts?.length ? item.deposit_id : "";
    await this.discard(item);
  }

  /** What is recorded next replaces nothing. */
  beginAfresh() {
    this.#replaced = "";
  }

  /** Nothing is in hand. */
  release() {
    this.#inHand = "";
  }

  /** @param {OutboxItem[]} items what the engine keeps now */
  list(items) {
    this.#items = items.filter((item) => !item.discarded);
    this.#owner.changed();
    this.reopen();
    if (!this.#promised && this.#items.some((item) => PENDING.has(item.state))) void this.#promise();
  }

  /**
   * A recording ended and is a draft.
   * @param {{ deposit_id: string, duration_ms: number, waveform: number[] }} event
   * @param {string} to
   */
  recorded({ deposit_id: id, duration_ms, waveform }, to) {
    this.#inHand = id;
    const replaced = this.#replaced;
    this.#replaced = "";
    if (replaced) void this.#owner.attempt((client) => client.carry_over(replaced, id));
    const known = this.item;
    const facts = { waveform, duration_ms };
    if (known) Object.assign(known, facts);
    else this.#items = [{ deposit_id: id, to, state: "recorded", created_at: Date.now(), size: 0, sent: 0, ...facts }, ...this.#items];
    this.#owner.changed();
  }

  /** @param {{ deposit_id: string, sent: number }} event */
  progress({ deposit_id: id, sent }) {
    const item = this.#find(id);
    if (item) item.sent = sent;
    this.#owner.changed();
  }

  /** The engine shows a written draft that is not in the text field: it was opened, or brought back by Undo. */
  reopen() {
    const id = this.#inHand;
    const { item } = this;
    if (item?.state === "recorded" && isWritten(item)) void this.writing.reopen(id, () => this.#owner.state() === "review" && this.#inHand === id);
  }

  /**
   * Deletes what is in hand.
   * @param {string} to
   * @param {string} name
   */
  async discardInHand(to, name) {
    await this.writing.save();
    const { id } = this.writing;
    const item = this.item ?? (id ? { deposit_id: id, to, to_name: name } : undefined);
    if (item) await this.discard(item);
  }

  /** @param {{ deposit_id: string, to: string, to_name?: string }} item Undo brings it back */
  async discard({ deposit_id: id, to, to_name: name }) {
    await this.writing.drop(id);
    await this.#owner.attempt((client) => client.discard(id));
    this.#owner.deleted(name || nameOf(to), () => {
      if (this.#owner.state() === "ready") this.#inHand = id;
      return this.#owner.attempt((client) => client.restore(id));
    });
  }

  /** Sends what is in hand. */
  async sendInHand() {
    if (await this.writing.save()) await this.send(this.writing.id || this.#inHand, "send");
  }

  /**
   * @param {string} id
   * @param {"send" | "send_anyway"} how
   */
  async send(id, how) {
    const before = this.#inHand;
    try {
      await this.#promise();
      const item = this.#find(id);
      if (item && isWritten(item)) await this.writing.keep(id);
      this.#inHand = id;
      await this.#owner.ask((client) => client[how](id));
      this.#owner.sent();
    } catch (error) {
      this.#inHand = before;
      this.#owner.failed(error);
    }
  }

  /** @param {OutboxItem} item that nobody has yet; it is a draft in hand again */
  async edit({ deposit_id: id }) {
    if (CONVERSING.has(this.#owner.state())) return this.#owner.complain("Finish the call or the recording first. The message stays here.");
    this.writing.leave();
    const before = this.#inHand;
    this.#inHand = id;
    try {
      await this.#owner.ask((client) => client.edit(id));
    } catch (error) {
      this.#inHand = before;
      this.#owner.failed(error);
    }
  }

  async #promise() {
    const promised = await this.#owner.promise();
    if (promised === this.#promised) return;
    this.#promised = promised;
    this.#owner.changed();
  }

  /** @param {string} id */
  #find(id) {
    return this.#items.find((item) => item.deposit_id === id);
  }
}
