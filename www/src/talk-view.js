// What one sees, hears and presses while talking: both pictures, the time, the keypad, Mute, Hold, Keypad and Video.
// It serves the call element as a slice, and the inbox; the engine's events say what is so.

import { clock } from "./figures.js";
import { Keypad, KEYPAD_STYLES } from "./keypad.js";
import { button, say, tree } from "./tree.js";

const SILENT = { muted: false, held: false, held_by_peer: false, keys: false, video: false, remote: undefined, local: undefined };
/** As many keys of the other side are shown. */
const SHOWN = 20;
const TICK_MS = 1000;

/** @typedef {Pick<import("./call-slices.js").SliceHost, "attempt" | "update">} TalkHost what the view asks of its owner */

/** One conversation after another. */
export class TalkView {
  static place = /** @type {const} */ ("hero");

  static styles = `
.talk { display: grid; justify-items: center; gap: 16px; width: 100%; }
.pictures { position: relative; width: 100%; max-width: 40rem; }
.pictures video { display: block; width: 100%; border-radius: var(--radius); background: var(--line); }
.pictures .far { max-height: 60vh; object-fit: contain; }
.pictures .near { aspect-ratio: 4 / 3; object-fit: cover; transform: scaleX(-1); }
.pictures .far:not([hidden]) + .near { position: absolute; inset-block-end: 12px; inset-inline-end: 12px; width: 26%; min-width: 88px; border: 2px solid var(--paper); }
.pictures .far[hidden] + .near { width: min(100%, 20rem); margin-inline: auto; }
.controls button[aria-pressed="true"], .controls button[aria-expanded="true"] { background: var(--tint); border-color: var(--accent); }
@media (min-width: 481px) { .controls:has(> [part~="mute-button"]:not([hidden])) > .large { margin-inline: 30%; } }
${KEYPAD_STYLES}`;

  #host;
  /** Heard also while there is nothing to see. */
  #far = tree("video", { class: "far", part: "remote-video", "aria-label": "What the other side shows", playsinline: "", autoplay: true, hidden: true });
  #near = tree("video", { class: "near", part: "local-video", "aria-label": "What your camera shows", playsinline: "", autoplay: true, muted: true, hidden: true });
  #pictures = tree("div", { class: "pictures", part: "pictures", hidden: true }, this.#far, this.#near);
  #time = tree("p", { class: "time figures", part: "call-time", role: "timer", "aria-label": "Length of the call", hidden: true });
  #theirs = tree("p", { class: "small muted figures", part: "keys-heard", hidden: true });
  #keypad = new Keypad({ send: (key) => void this.#host.attempt((client) => client.send_key(key)), leave: () => this.#toggleKeypad() });
  #talk = SILENT;
  #talking = false;
  #online = true;
  #since = 0;
  #lastedMs = 0;
  #ticking = 0;

  /** Mute, Hold, Keypad and Video. */
  buttons = {
    mute: button("Mute", "mute", () => void this.#host.attempt((client) => client.mute(!this.#talk.muted))),
    hold: button("Hold", "pause", () => void this.#host.attempt((client) => client.hold(!this.#talk.held))),
    keypad: button("Keypad", "keypad", () => this.#toggleKeypad()),
    camera: button("Video", "video", () => void this.#host.attempt((client) => client.set_camera(!this.#talk.local))),
  };

  /** @param {TalkHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("div", { class: "talk", part: "talk", hidden: true }, this.#pictures, this.#time, this.#theirs, this.#keypad.element);
  }

  /** @param {any} event */
  hear(event) {
    if (event.type === "state") this.#turn(event.state);
    if (event.type === "connection") this.#online = event.online;
    if (event.type === "talk") this.#take(event);
    if (event.type === "key") say(this.#theirs, (this.#theirs.textContent || "Keys pressed over there: ").concat(event.key).slice(0, 25 + SHOWN));
    if (this.#talking && (event.type === "talk" || event.type === "connection")) this.#host.update();
  }

  /** Paints what is so. */
  show() {
    this.element.hidden = !this.#talking;
    for (const [name, on] of [["mute", this.#talk.muted], ["hold", this.#talk.held], ["camera", Boolean(this.#talk.local)]]) this.buttons[name].setAttribute("aria-pressed", String(on));
    this.buttons.keypad.setAttribute("aria-expanded", String(this.#keypad.open));
    if (!this.#talk.keys && this.#keypad.open) this.#keypad.hide();
    this.#far.hidden = !this.#talk.video;
    this.#near.hidden = !this.#talk.local;
    this.#pictures.hidden = this.#far.hidden && this.#near.hidden;
    this.#tick();
  }

  /**
   * What is to be read under the headline.
   * @param {{ name: string, state: string }} situation
   */
  note({ name, state }) {
    if (!this.#talking) return state === "idle" && this.#lastedMs > 0 ? this.lastWords(name) : "";
    const { muted, held, held_by_peer: heldByPeer } = this.#talk;
    return [
      this.#online ? "" : "The connection is interrupted and is being restored.",
      heldByPeer ? `${name} has put you on hold.` : "",
      held ? `On hold. You and ${name} do not hear each other.` : muted ? `Muted. ${name} does not hear you.` : "",
    ].filter(Boolean).join(" ");
  }

  /**
   * That a conversation is over, and how long it was.
   * @param {string} name
   */
  lastWords(name) {
    return `The call with ${name} has ended after ${clock(this.#talking ? Date.now() - this.#since : this.#lastedMs)}.`;
  }

  /** The buttons that are of use now. */
  offered() {
    if (!this.#talking) return [];
    return ["mute", "hold", ...(this.#talk.keys ? ["keypad"] : []), "camera"];
  }

  /** Nobody is seen or heard any more. */
  close() {
    this.#turn("idle");
  }

  /** @param {string} state */
  #turn(state) {
    const talking = state === "talking";
    if (!talking) this.#forget();
    if (state === "calling" || talking) this.#lastedMs = 0;
    if (talking === this.#talking) return;
    if (talking) this.#since = Date.now();
    else this.#lastedMs = Date.now() - this.#since;
    this.#talking = talking;
    clearInterval(this.#ticking);
    if (talking) this.#ticking = window.setInterval(() => this.#tick(), TICK_MS);
  }

  #forget() {
    this.#talk = SILENT;
    this.#online = true;
    for (const player of [this.#far, this.#near]) player.srcObject = null;
    say(this.#theirs, "");
    this.#keypad.hide();
  }

  /** @param {typeof SILENT} talk as the engine has it */
  #take(talk) {
    this.#talk = talk;
    for (const [player, stream] of [[this.#far, talk.remote], [this.#near, talk.local]]) {
      if (player.srcObject !== (stream ?? null)) player.srcObject = stream ?? null;
    }
  }

  #toggleKeypad() {
    if (this.#keypad.open) {
      this.#keypad.hide();
      this.buttons.keypad.focus();
    } else {
      this.#keypad.show();
    }
    this.#host.update();
  }

  #tick() {
    say(this.#time, this.#talking ? clock(Date.now() - this.#since) : "");
  }
}
