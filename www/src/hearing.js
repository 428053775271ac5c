// What the call element makes of its engine's events: the state word, who is called, and which part each event is for.

import { nameOf } from "./address.js";
import { CONVERSING } from "./call-states.js";

/**
 * The parts that events are for.
 * @typedef {object} Hearers
 * @property {import("./drafts.js").Drafts} drafts
 * @property {import("./complaints.js").Complaints} complaints
 * @property {import("./call-stage.js").CallStage} stage
 * @property {import("./greeting-player.js").GreetingPlayer} greeting
 * @property {() => string} to the attribute
 * @property {() => void} changed
 * @property {(event: any) => void} emit
 */

/** What one engine said so far. */
export class Hearing {
  #parts;
  #state = "idle";
  #name = "";
  #to = "";
  #session = false;
  #blocked = false;

  /** @param {Hearers} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** The state word, one of interface section 4. */
  get state() {
    return this.#state;
  }

  /** Who is called, or who answered there, as the engine knows; empty before it does. */
  get name() {
    return this.#name;
  }

  /** His address. */
  get to() {
    return this.#to || this.#parts.to();
  }

  /** Whether the callee's voicemail allowed a message in this call. */
  get session() {
    return this.#session;
  }

  /** Whether the greeting waits for the user's hand. */
  get blocked() {
    return this.#blocked && this.#state === "greeting";
  }

  /** @param {boolean} blocked */
  block(blocked) {
    this.#blocked = blocked;
    this.#parts.changed();
  }

  /** The engine is gone. */
  reset() {
    this.#state = "idle";
    this.#parts.drafts.release();
  }

  /** @param {any} event */
  hear(event) {
    const { drafts, complaints, stage, greeting, changed, emit } = this.#parts;
    switch (event.type) {
      case "state": return this.#turn(event);
      case "session": this.#session = true; this.#meet(event.called_party); changed(); return emit(event);
      case "greeting": return void greeting.play(event.url, event.duration_ms);
      case "level": return this.#state === "recording" ? stage.level(event.peak, event.elapsed_ms) : undefined;
      case "recorded": drafts.recorded(event, this.to); return emit(event);
      case "outbox": return drafts.list(event.items);
      case "progress": drafts.progress(event); return emit(event);
      case "deposited": return emit(event);
      case "error": return complaints.fail(event);
      default: return undefined;
    }
  }

  /**
   * @param {string} to
   * @param {string | null} [name]
   */
  #meet(to, name) {
    if (name || to !== this.#to) this.#name = name || nameOf(to);
    this.#to = to;
  }

  #turn({ type, state, to, display_name: name }) {
    const { drafts, complaints, changed, emit } = this.#parts;
    if (state === "calling" || (state === "recording" && this.#state !== "paused")) drafts.release();
    if (state === "calling") this.#session = false;
    if (name || to) this.#meet(to, name);
    if (state === "recording" || state === "deposited") complaints.clear();
    if (state === "recording") complaints.speaks();
    if (CONVERSING.has(state) || (drafts.writing.id && state !== "review")) drafts.writing.leave();
    if (state !== "greeting") this.#blocked = false;
    this.#state = state;
    changed();
    drafts.reopen();
    emit({ type, state, to });
  }
}
