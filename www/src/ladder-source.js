// Where ladders come from: the mailbox of whoever is signed in, by the engine; or any mailbox, for the operator. The
// operator's token stays in this object and is gone with the page.

import { complete } from "./address.js";
import { HOME, open } from "./engine.js";

/** The calls of whoever is signed in. */
export class OwnCalls {
  /** @type {Promise<any> | undefined} */
  #opening;

  /** The account, or nothing. */
  async owner() {
    return (await this.#client()).signed_in();
  }

  /**
   * @param {string} address
   * @param {string} password
   */
  async signIn(address, password) {
    await (await this.#client()).sign_in(complete(address, HOME), password);
  }

  async signOut() {
    await (await this.#client()).sign_out();
  }

  /** @param {string} [session] only the calls in which this session was given */
  async list(session) {
    return (await (await this.#client()).calls(session)).calls;
  }

  /** @param {string} id */
  async ladder(id) {
    return (await made(await this.list(), id)) ?? (await this.#client()).ladder(id);
  }

  close() {
    void this.#opening?.then((client) => client.close(), () => {});
  }

  #client() {
    this.#opening ??= open({ server: HOME }, () => {});
    this.#opening.catch(() => (this.#opening = undefined));
    return this.#opening;
  }
}

/** Anybody's calls. */
export class OperatorCalls {
  #address;
  #token;

  /**
   * @param {string} address
   * @param {string} token
   */
  constructor(address, token) {
    this.#address = complete(address, HOME);
    this.#token = token;
  }

  async list() {
    return (await this.#ask("")).calls;
  }

  /** @param {string} id */
  async ladder(id) {
    return (await made(await this.list(), id)) ?? this.#ask(`/${encodeURIComponent(id)}`);
  }

  /** @param {string} rest */
  async #ask(rest) {
    const url = `${HOME}/admin/calls${rest}?address=${encodeURIComponent(this.#address)}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${this.#token}` }, signal: AbortSignal.timeout(20_000) });
    if (answer.status === 401) throw new Error("This admin token is not the right one. The command that deployed Afterbeep printed it.");
    return content(answer);
  }
}

/**
 * A call that was made: the callee's mailbox keeps it, at an address that the list says.
 * @param {import("./ladder-list.js").Call[]} calls
 * @param {string} id
 */
async function made(calls, id) {
  const url = calls.find((call) => call.id === id)?.ladder_url;
  return url ? content(await fetch(url, { signal: AbortSignal.timeout(20_000) })) : undefined;
}

/** @param {Response} answer */
async function content(answer) {
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || problem.title || `The server refused this (status ${answer.status}).`);
}
