// What went wrong, as the call element tells it: one sentence at a time, and what it means for what is offered.

import { refusalOf } from "./embedding.js";
import { explain } from "./trouble.js";

const MUTE = new Set(["microphone_refused", "microphone_missing", "recorder_missing"]);

/**
 * What it asks its owner to do.
 * @typedef {object} ComplaintsOwner
 * @property {(words: string) => void} complain shows them; empty takes them away
 * @property {() => void} changed
 * @property {(detail: { type: string, code?: string, message?: string }) => void} emit
 */

/** The complaints of one element. */
export class Complaints {
  #owner;
  #refusal = "";
  #speechless = false;

  /** @param {ComplaintsOwner} owner */
  constructor(owner) {
    this.#owner = owner;
  }

  /** Whether there is no microphone, or it was refused. */
  get speechless() {
    return this.#speechless;
  }

  /** The microphone works. */
  speaks() {
    this.#speechless = false;
  }

  /** What was complained of is over, or is tried again. */
  clear() {
    this.#owner.complain("");
  }

  /** @param {{ code?: string, name?: string, message?: string }} error */
  fail(error) {
    const code = error.code ?? error.name;
    if (MUTE.has(code ?? "")) this.#speechless = true;
    this.#owner.complain(this.#refusal || explain(error));
    this.#owner.changed();
    this.#owner.emit({ type: "error", code, message: error.message });
  }

  /**
   * Asks whether this page may use its server at all.
   * @param {string} server
   * @param {AbortSignal} signal
   */
  async askPermission(server, signal) {
    const refusal = await refusalOf(server);
    if (signal.aborted || refusal === this.#refusal) return;
    this.#refusal = refusal;
    if (refusal) this.fail({ code: "origin_refused", message: refusal });
    else this.clear();
  }
}
