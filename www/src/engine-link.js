// The call element's line to its engine: opened at the first need, asked for everything, closed with the element.

import { open } from "./engine.js";
import { FirstNeed } from "./first-need.js";

/**
 * What the link asks its owner.
 * @typedef {object} LinkOwner
 * @property {() => Record<string, unknown>} options what an engine is opened with
 * @property {(client: any) => Promise<void>} opened an engine is there; nothing else was asked of it yet
 * @property {(event: any) => unknown} hear an event of the engine
 * @property {(error: Error) => void} failed
 */

/** At most one engine. */
export class EngineLink {
  #owner;
  /** @type {FirstNeed | undefined} */
  #need;
  /** @type {Promise<any> | undefined} */
  #opening;
  /** @type {any} */
  #client;
  /** One that is to be closed once what was typed last is saved. @type {any} */
  #leaving;
  #ends = new AbortController();
  /** @type {unknown} why the last opening failed */
  #refusal;

  /** @param {LinkOwner} owner */
  constructor(owner) {
    this.#owner = owner;
  }

  /** Whether the element is on a page. */
  get begun() {
    return this.#opening !== undefined;
  }

  /**
   * Waits for the first need.
   * @param {HTMLElement} element
   * @returns {AbortSignal} until the link ends
   */
  begin(element) {
    this.#ends = new AbortController();
    this.#need = new FirstNeed(element);
    this.#opening = this.#open();
    return this.#ends.signal;
  }

  /**
   * Closes the engine; it says nothing any more.
   * @param {Promise<unknown>} last what it is still asked for
   */
  end(last) {
    const leaving = this.#client;
    this.#ends.abort();
    this.#need?.close();
    this.#client = undefined;
    this.#opening = undefined;
    if (leaving) void this.#leave(leaving, last);
  }

  /**
   * Asks the engine, which is opened now if it was not.
   * @param {(client: any) => any} request
   * @returns {Promise<any>}
   */
  async ask(request) {
    this.#need?.now();
    const client = this.#client ?? this.#leaving ?? (await this.#opening) ?? (await (this.#opening = this.#open()));
    if (!client) throw this.#refusal ?? new Error("This page could not start its engine. Reload it; what you recorded is safe.");
    return request(client);
  }

  /**
   * Asks the engine; a failure goes to the owner.
   * @param {(client: any) => unknown} request
   */
  async attempt(request) {
    try {
      await this.ask(request);
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  /**
   * @param {any} client
   * @param {Promise<unknown>} last
   */
  async #leave(client, last) {
    this.#leaving = client;
    await last;
    client.close();
    if (this.#leaving === client) this.#leaving = undefined;
  }

  async #open() {
    const { signal } = this.#ends;
    try {
      await this.#need?.arises;
      const client = await open(this.#owner.options(), (event) => signal.aborted || this.#owner.hear(event));
      if (signal.aborted) return client.close();
      this.#client = client;
      await this.#owner.opened(client);
      return client;
    } catch (error) {
      this.#refusal = error;
      this.#owner.failed(error);
      return undefined;
    }
  }
}
