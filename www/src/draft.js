// A written message under way: what is typed is saved within half a second, save after save, in order. No DOM.

/** As many UTF-16 units as surely fit into the 16 KiB of UTF-8 that a mailbox takes. */
export const LONGEST = 5000;
const SAVE_AFTER_MS = 400;

/**
 * What a draft asks its owner to do.
 * @typedef {object} DraftRequests
 * @property {(text: string) => Promise<string>} write the first words; returns the deposit id
 * @property {(id: string, text: string) => Promise<void>} rewrite
 * @property {(error: Error) => void} failed
 */

/** One draft; it exists on the device from its first word on. */
export class Draft {
  #id;
  #text;
  #saved;
  #requests;
  #timer = 0;
  #closed = false;
  /** @type {Promise<void>} */
  #saving = Promise.resolve();

  /**
   * @param {DraftRequests} requests
   * @param {string} [id] of a draft that is on the device already
   * @param {string} [text] its words
   */
  constructor(requests, id = "", text = "") {
    this.#requests = requests;
    this.#id = id;
    this.#text = text;
    this.#saved = text;
  }

  /** The deposit id; empty before the first words are saved. */
  get id() {
    return this.#id;
  }

  /** What stands in it now. */
  get text() {
    return this.#text;
  }

  /** Whether there is nothing to send. */
  get blank() {
    return this.#text.trim() === "";
  }

  /**
   * Takes what was typed. Going on typing does not put the save off.
   * @param {string} text
   */
  type(text) {
    this.#text = text;
    this.#timer ||= setTimeout(() => void this.flush().catch(this.#requests.failed), SAVE_AFTER_MS);
  }

  /** Saves now what is not saved yet; after a failure the next one tries again. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#saving = this.#saving.catch(() => {}).then(() => this.#save());
    return this.#saving;
  }

  /** Saves nothing any more: the draft is being deleted. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #save() {
    const text = this.#text;
    if (this.#closed || text === this.#saved || (!this.#id && this.blank)) return;
    if (this.#id) await this.#requests.rewrite(this.#id, text);
    else this.#id = await this.#requests.write(text);
    this.#saved = text;
  }
}
