// The written message in the text field: opening, saving, leaving it, and what was sent last. It talks to the
// engine through its owner and touches no DOM.

import { Draft } from "./draft.js";

/**
 * What it asks its owner to do.
 * @typedef {object} WritingRequests
 * @property {(request: (client: any) => any) => Promise<any>} ask the engine
 * @property {(id: string) => void} saved the first words are on the device under this id
 * @property {(text: string) => void} opened the text field is to show these words
 * @property {(error: Error) => void} failed
 */

/** The text field's engine side. */
export class Writing {
  #requests;
  /** @type {Draft | undefined} */
  #draft;
  #sent = { id: "", text: "" };
  #reopening = false;

  /** @param {WritingRequests} requests */
  constructor(requests) {
    this.#requests = requests;
  }

  /** Whether somebody is writing. */
  get open() {
    return this.#draft !== undefined;
  }

  /** The deposit id of what is being written; empty before its first words are saved. */
  get id() {
    return this.#draft?.id ?? "";
  }

  /** Whether there is nothing to send. */
  get blank() {
    return this.#draft?.blank ?? true;
  }

  /**
   * Opens a fresh message, or a draft.
   * @param {string | undefined} to whom a fresh one is for
   * @param {string} [id] of a draft that is on this device already
   * @param {string} [text] its words
   */
  begin(to, id = "", text = "") {
    const { ask, saved, failed } = this.#requests;
    const write = async (words) => {
      const made = await ask((client) => client.write(words, to));
      saved(made);
      return made;
    };
    const rewrite = (known, words) => ask((client) => client.rewrite(known, words));
    this.#draft = new Draft({ write, rewrite, failed }, id, text);
    this.#requests.opened(text);
  }

  /**
   * Opens a draft that the engine shows, unless something else is open by then.
   * @param {string} id
   * @param {() => boolean} wanted whether it still is to be opened
   */
  async reopen(id, wanted) {
    if (this.#reopening || this.#draft || !wanted()) return;
    this.#reopening = true;
    try {
      const text = await this.#requests.ask((client) => client.text(id));
      if (!this.#draft && wanted()) this.begin(undefined, id, text);
    } catch (error) {
      this.#requests.failed(error);
    } finally {
      this.#reopening = false;
    }
  }

  /** @param {string} text what stands in the text field */
  type(text) {
    this.#draft?.type(text);
  }

  /** Saves what is typed. Whether that went well, or there was nothing to save. */
  async save() {
    try {
      await this.#draft?.flush();
      return true;
    } catch (error) {
      this.#requests.failed(error);
      return false;
    }
  }

  /** Puts the text field away; a draft without a word goes with it. */
  leave() {
    const draft = this.#draft;
    this.#draft = undefined;
    const done = draft?.id && draft.blank ? this.#requests.ask((client) => client.discard(draft.id)) : draft?.flush();
    done?.catch(this.#requests.failed);
  }

  /**
   * This message is deleted: if it is the open one, its words are saved for Undo and it closes.
   * @param {string} id
   */
  async drop(id) {
    const draft = this.#draft;
    if (draft?.id !== id) return;
    await this.save();
    draft.close();
    if (this.#draft === draft) this.#draft = undefined;
  }

  /**
   * Keeps the words of a message that is being sent.
   * @param {string} id
   */
  async keep(id) {
    this.#sent = { id, text: await this.#requests.ask((client) => client.text(id)) };
  }

  /** @param {string} id the words of this message, if it was sent last */
  wordsOf(id) {
    return this.#sent.id === id ? this.#sent.text : "";
  }
}
