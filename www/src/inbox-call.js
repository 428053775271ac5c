// Calls in the inbox: somebody rings, or the owner calls back; then both talk. The engine's events say what is so.
// Where the other side's voicemail answers, its greeting is played here, and the call page takes the message.

import { nameOf } from "./address.js";
import { VIEWS } from "./call-words.js";
import { pressOnce } from "./focus-keeper.js";
import { GreetingPlayer } from "./greeting-player.js";
import { icon } from "./icon.js";
import { incomingNote, overWords, whoCalls } from "./incoming-call.js";
import { RingTone } from "./ring-tone.js";
import { TalkView } from "./talk-view.js";
import { button, say, tree } from "./tree.js";
import { Waveform } from "./waveform.js";

/**
 * What it asks of the inbox.
 * @typedef {object} CallOwner
 * @property {(request: (client: any) => unknown) => Promise<void>} attempt asks the engine; a failure is explained
 * @property {() => void} update paints everything anew
 * @property {(words: string) => void} told what has happened
 * @property {(address: string) => void} write opens the page where a message for this address is made
 * @property {(type: string, detail: object) => void} emit
 */

/** States of the engine that are a call's; it is in others while a greeting is recorded. */
const CALLING = new Set(["calling", "ringing", "talking", "greeting"]);
/** After a voicemail's greeting. */
const LEFT = new Set(["ended", "ready"]);

/** The calls of one inbox, one at a time. */
export class InboxCall {
  static styles = `
.news:has(+ .calling:not([hidden])) { justify-items: center; padding: 32px 24px 0; border-radius: var(--radius) var(--radius) 0 0; background: var(--tint); text-align: center; }
.calling { display: grid; grid-template-columns: minmax(0, 1fr); justify-items: center; gap: 24px; padding: 24px 16px 32px; border-radius: 0 0 var(--radius) var(--radius); background: var(--tint); text-align: center; }
.calling .controls { width: 100%; display: flex; flex-wrap: wrap; justify-content: center; gap: 8px; }
.calling .controls button { max-width: 100%; white-space: normal; }
.calling .controls button:not(.large) { padding: 0 16px; }
.calling .time { font-size: 1.25rem; font-weight: 560; line-height: 1; }
.calling .caption { padding: 16px 20px; border-radius: 12px; background: var(--paper); white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
.calling .hero { width: 100%; max-width: 32rem; }
.caller { font-size: clamp(1.5rem, 1.2rem + 1.5vw, 2rem); font-weight: 640; line-height: 1.2; overflow-wrap: anywhere; }
.bell { display: grid; place-items: center; width: 72px; height: 72px; border-radius: 50%; background: var(--accent); color: var(--on-accent); animation: bell 1.3s ease-in-out infinite; }
.bell svg { width: 32px; height: 32px; }
@keyframes bell { 50% { box-shadow: 0 0 0 16px color-mix(in srgb, var(--accent) 25%, transparent); } }
@media (prefers-reduced-motion: reduce) { .bell { animation: none; box-shadow: 0 0 0 8px color-mix(in srgb, var(--accent) 25%, transparent); } }
@media (min-width: 481px) { .calling .controls button.large { margin-inline: 30%; } }
@media (max-width: 480px) { .calling .controls { width: 100%; } .calling .controls button { flex: 1 1 max-content; min-width: 40%; } .calling .controls button.large { flex-basis: 100%; } }
${TalkView.styles}`;

  /** What the live region reads of a call. */
  headline = tree("h3", { class: "caller", part: "caller", hidden: true });
  note = tree("p", { class: "muted", part: "caller-note", hidden: true });

  #owner;
  #talk;
  #greeting;
  #ring = new RingTone(() => this.#owner.update());
  #bell = tree("div", { class: "bell", part: "bell", hidden: true }, icon("call"));
  #quiet = tree("p", { class: "small muted", hidden: true });
  #waveform = new Waveform();
  #time = tree("p", { class: "time figures", hidden: true });
  #caption = tree("p", { class: "caption", part: "caption", hidden: true });
  #hero = tree("div", { class: "hero", hidden: true }, this.#waveform.element);
  #controls = tree("div", { class: "controls", part: "controls" });
  #buttons;
  /** "", "incoming", "answering", or a state of the engine */
  #phase = "";
  /** @type {import("./incoming-call.js").Incoming | undefined} */
  #incoming;
  #name = "";
  #address = "";
  /** The address that the engine was given, as it writes it. */
  #dialled = "";
  #blocked = false;
  /** There is a camera. */
  #films = false;
  /** Something failed, and was told. */
  #failed = false;

  /** @param {CallOwner} owner */
  constructor(owner) {
    this.#owner = owner;
    this.#talk = new TalkView(owner);
    this.#greeting = new GreetingPlayer({
      waveform: this.#waveform,
      time: this.#time,
      caption: this.#caption,
      ended: () => this.#ask((client) => client.greeting_ended()),
      blocked: () => this.#block(true),
    });
    this.#buttons = {
      answer: button("Answer", "call", () => this.#answer(false)),
      answerVideo: button("Answer with video", "video", () => this.#answer(true)),
      decline: button("Decline", "hangUp", () => this.#ask((client) => client.decline())),
      voicemail: button("Send to voicemail", "voicemail", () => this.#ask((client) => client.send_to_voicemail())),
      hangUp: button("Hang up", "hangUp", () => this.#hangUp()),
      ...this.#talk.buttons,
      listen: button("Play greeting", "play", () => void this.#greeting.resume().then(() => this.#block(false))),
      skip: button("Skip greeting", "skip", () => this.#skip()),
      message: button("Leave a message", "record", () => owner.write(this.#address)),
      close: button("Close", "close", () => this.#end("")),
    };
    this.#controls.append(...Object.values(this.#buttons));
    pressOnce(this.#controls);
    this.element = tree("section", { class: "calling", part: "call", "aria-label": "Call", hidden: true }, this.#bell, this.#talk.element, this.#hero, this.#time, this.#caption, this.#controls, this.#quiet);
  }

  /** Whether a call is on, or rings. */
  get busy() {
    return this.#phase !== "";
  }

  /** The control that is of most use now. */
  get first() {
    return this.#buttons[this.#offered()[0]];
  }

  /**
   * Calls somebody.
   * @param {string} address
   * @param {string} name
   */
  call(address, name) {
    this.#ask((client) => {
      client.call(address);
      this.#address = address;
      this.#name = name;
    });
  }

  /** @param {any} event */
  hear(event) {
    if (event.type === "incoming") this.#rings(event);
    if (event.type === "incoming_over") this.#ringsNoMore(event.reason);
    if (event.type === "state") this.#turn(event);
    if (event.type === "error") this.#fail(event.code);
    if (event.type === "greeting" && this.busy) void this.#greeting.play(event.url, event.duration_ms);
    if (this.busy) this.#talk.hear(event);
  }

  /** Paints what is so. */
  show() {
    const { headline, note } = this.#words();
    say(this.headline, headline);
    say(this.note, note);
    this.element.hidden = !this.busy;
    this.#bell.hidden = this.#phase !== "incoming";
    this.#hero.hidden = this.#phase !== "greeting";
    if (this.#hero.hidden) say(this.#time, "");
    say(this.#quiet, this.#phase === "incoming" && !this.#ring.sounds ? "This browser rings aloud once you have pressed something on this page." : "");
    this.#talk.show();
    const offered = this.#offered();
    const first = this.#buttons[offered[0]];
    if (first && first !== this.#controls.firstElementChild) this.#controls.prepend(first);
    for (const [name, one] of Object.entries(this.#buttons)) {
      one.hidden = !offered.includes(name);
      one.className = name !== offered[0] ? "" : `large ${name === "hangUp" || name === "decline" ? "firm" : "primary"}`;
    }
  }

  /** Silence; the element left its page, or its owner signed out. */
  close() {
    this.#end("");
  }

  #words() {
    if (!this.busy) return { headline: "", note: "" };
    if (this.#incoming) {
      const { name } = whoCalls(this.#incoming);
      const answering = this.#phase === "answering";
      return { headline: answering ? `Answering ${name}` : `${name} is calling`, note: answering ? "Your browser may ask for the microphone." : incomingNote(this.#incoming) };
    }
    if (LEFT.has(this.#phase)) return { headline: `${this.#name} did not answer`, note: `Leave a message: ${this.#name} gets it also when you are gone.` };
    const situation = /** @type {any} */ ({ name: this.#name, online: navigator.onLine });
    return { headline: VIEWS[this.#phase].headline(situation), note: (this.#phase === "talking" && this.#talk.note(situation)) || VIEWS[this.#phase].note(situation) };
  }

  #offered() {
    switch (this.#phase) {
      case "incoming": return ["answer", ...(this.#films ? ["answerVideo"] : []), "decline", "voicemail"];
      case "answering": return ["decline"];
      case "calling": case "ringing": return ["hangUp"];
      case "talking": return ["hangUp", ...this.#talk.offered()];
      case "greeting": return this.#blocked ? ["listen", "skip", "hangUp"] : ["skip", "hangUp"];
      case "ended": case "ready": return ["message", "close"];
      default: return [];
    }
  }

  /** @param {import("./incoming-call.js").Incoming} event */
  #rings({ from, display_name: given, verified = false, video = false }) {
    this.#incoming = { from, display_name: given, verified, video };
    const { name, address } = whoCalls(this.#incoming);
    this.#name = name;
    this.#address = address;
    this.#phase = "incoming";
    this.#ring.start();
    void this.#lookForCamera();
    this.#owner.emit("afterbeep-incoming", { from, name, verified, video });
    this.#owner.update();
  }

  async #lookForCamera() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.#films = devices.some(({ kind }) => kind === "videoinput");
    this.#owner.update();
  }

  /** @param {string} reason */
  #ringsNoMore(reason) {
    if (!this.#incoming) return;
    this.#silence(reason);
    this.#end(overWords(reason, this.#name));
  }

  /** @param {string} reason */
  #silence(reason) {
    if (!this.#incoming) return;
    this.#incoming = undefined;
    this.#ring.stop();
    this.#owner.emit("afterbeep-incoming-over", { reason });
  }

  /** @param {boolean} video */
  #answer(video) {
    this.#phase = "answering";
    this.#ring.stop();
    this.#ask((client) => client.answer(video));
    this.#owner.update();
  }

  /** @param {{ state: string, to?: string, display_name?: string }} event */
  #turn({ state, to, display_name: name }) {
    const before = this.#phase;
    if (CALLING.has(state)) {
      this.#silence("answered");
      this.#failed = this.#failed && state === before;
      this.#phase = state;
      this.#blocked = this.#blocked && state === "greeting";
      this.#meet(to ?? "", name ?? "");
      return this.#owner.update();
    }
    if (LEFT.has(state) && (before === "greeting" || LEFT.has(before))) {
      this.#phase = state;
      this.#greeting.stop();
      return this.#owner.update();
    }
    if (CALLING.has(before) || LEFT.has(before)) this.#end(before === "talking" && !this.#failed ? this.#talk.lastWords(this.#name) : "");
  }

  /**
   * Somebody else may have answered than was called: a message is for him.
   * @param {string} to
   * @param {string} name as the server calls him
   */
  #meet(to, name) {
    if (this.#phase === "calling") this.#dialled = to;
    const elsewhere = this.#dialled !== "" && to !== this.#dialled;
    this.#name = name || (elsewhere ? nameOf(to) : this.#name) || nameOf(to);
    if (elsewhere) this.#address = to;
  }

  /** @param {string} code */
  #fail(code) {
    this.#failed = true;
    if (code === "busy" && this.#phase === "answering") this.#phase = "incoming";
  }

  #hangUp() {
    this.#greeting.stop();
    this.#ask((client) => client.hang_up());
  }

  #skip() {
    this.#greeting.stop();
    this.#ask((client) => client.skip_greeting());
  }

  /** @param {boolean} blocked the greeting waits for the user's hand */
  #block(blocked) {
    this.#blocked = blocked;
    this.#owner.update();
  }

  /** @param {string} words what has happened */
  #end(words) {
    this.#silence("cancelled");
    this.#phase = "";
    this.#name = "";
    this.#dialled = "";
    this.#ring.stop();
    this.#greeting.stop();
    this.#talk.close();
    if (words) this.#owner.told(words);
    else this.#owner.update();
  }

  /** @param {(client: any) => unknown} request */
  #ask(request) {
    void this.#owner.attempt(request);
  }
}
