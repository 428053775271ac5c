// What the call element can do beyond calling, recording, writing and sending: one line each.
//
// To add a slice: 1. write a module that exports a class as `Slice` describes; 2. add it to `SLICES` below;
// 3. if its buttons stand among the stage's own, name them in `VIEWS` of call-words.js too.

import { Attachments } from "./attachments.js";
import { DraftTitle } from "./draft-title.js";
import { Forwarding } from "./forwarding.js";
import { HandCut } from "./hand-cut.js";
import { CannotCall } from "./cannot-call.js";
import { CaptureHints } from "./capture-hints.js";
import { Keeping } from "./keeping.js";
import { NoiseSwitch } from "./noise-switch.js";
import { OnlySound } from "./only-sound.js";
import { OtherServer } from "./other-server.js";
import { ProxyAccount } from "./proxy-account.js";
import { Silence } from "./silence.js";
import { SoundCheck } from "./sound-check.js";
import { TalkView } from "./talk-view.js";
import { VideoSwitch } from "./video-switch.js";

/** @typedef {import("./call-words.js").Situation & { state: string, items: import("./engine.js").OutboxItem[], account: string, absent: string }} SliceSituation */

/**
 * What a slice may ask of its element; it is handed to the slice's constructor.
 * @typedef {object} SliceHost
 * @property {(request: (client: any) => any) => Promise<any>} ask the engine
 * @property {(request: (client: any) => unknown) => Promise<void>} attempt the same; a failure is complained of
 * @property {(words: string) => void} complain says what went wrong, in the live region; empty takes it away
 * @property {(error: Error) => void} fail explains an error, and emits it
 * @property {(words: string, undo: () => void) => void} undone says what was done, with Undo
 * @property {() => void} update paints everything anew
 * @property {(name: string) => string | null} attribute of the element
 * @property {() => number} position where the message in hand plays, in ms
 * @property {HTMLElement} element the call element itself, for drops, pastes and events
 *
 * A slice.
 * @typedef {object} Slice
 * @property {HTMLElement} element its panel; hidden while it has nothing to show
 * @property {(situation: SliceSituation) => void} show paints the panel; called at every change
 * @property {(event: any) => void} [hear] every event of the engine, after the element has taken it
 * @property {(situation: SliceSituation) => string} [note] what is to be read under the headline instead of the
 *   state's own words; it is announced, so it changes only when there is something new to say
 * @property {Record<string, HTMLButtonElement>} [buttons] controls that stand among the stage's own, by name
 * @property {(situation: SliceSituation) => string[]} [offered] those of them that a view names and that are of use now
 * @property {boolean} [busy] whether leaving the page now would interrupt somebody
 * @property {() => Promise<unknown>} [settle] stores what it still has to store of the message in hand, before that is sent
 * @property {() => void} [close] releases what it holds; the element left the page, or starts its engine anew
 *
 * Its class; `styles` are its style rules, `place` is where its panel stands: "hero" above the controls, "panel" below them.
 * @typedef {(new (host: SliceHost) => Slice) & { styles?: string, place?: "hero" | "panel" }} SliceClass
 */

/** @type {SliceClass[]} in the order in which their panels stand */
export const SLICES = [TalkView, Forwarding, OtherServer, VideoSwitch, Silence, SoundCheck, CaptureHints, NoiseSwitch, OnlySound, HandCut, DraftTitle, Attachments, CannotCall, ProxyAccount, Keeping];

/** The slices of one element. */
export class Slices {
  #slices;

  /** @param {SliceHost} host */
  constructor(host) {
    this.#slices = SLICES.map((made) => new made(host));
  }

  /** Style rules of all slices. */
  static styles = SLICES.map(({ styles = "" }) => styles).join("");

  /** Buttons by name, of all slices. */
  get buttons() {
    return Object.assign({}, ...this.#slices.map((slice) => slice.buttons));
  }

  /** Whether leaving the page now would interrupt somebody. */
  get busy() {
    return this.#slices.some((slice) => slice.busy);
  }

  /**
   * Panels that stand in this place.
   * @param {"hero" | "panel"} place
   */
  panels(place) {
    return this.#slices.filter((slice) => (slice.constructor.place ?? "panel") === place).map(({ element }) => element);
  }

  /** @param {any} event */
  hear(event) {
    for (const slice of this.#slices) slice.hear?.(event);
  }

  /**
   * Paints all, and says what the stage needs of them.
   * @param {SliceSituation} situation
   */
  show(situation) {
    for (const slice of this.#slices) slice.show(situation);
    return {
      note: this.#slices.map((slice) => slice.note?.(situation) ?? "").find(Boolean) ?? "",
      offered: this.#slices.flatMap((slice) => slice.offered?.(situation) ?? []),
    };
  }

  /** Until all have stored what belongs to the message in hand. */
  settle() {
    return Promise.all(this.#slices.map((slice) => slice.settle?.()));
  }

  /** Releases what they hold. */
  close() {
    for (const slice of this.#slices) slice.close?.();
  }
}
