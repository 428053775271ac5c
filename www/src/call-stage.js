// The stage of the call element: headline, waveform, time, controls. It paints what it is given and knows
// no engine.

import { clock } from "./figures.js";
import { controlsOf, isWritten, VIEWS } from "./call-words.js";
import { LONGEST } from "./draft.js";
import { pressOnce } from "./focus-keeper.js";
import { Player } from "./player.js";
import { kept } from "./rendition.js";
import { button, say, tree } from "./tree.js";
import { UndoBar } from "./undo-bar.js";
import { Waveform } from "./waveform.js";

/**
 * What the stage asks its owner to do.
 * @typedef {object} StageRequests
 * @property {(control: string) => void} press
 * @property {(text: string) => void} type what stands in the text field now
 * @property {() => Promise<string>} load sound of the message in hand
 * @property {(error: Error) => void} failed
 */

/** Controls that step back. */
const QUIET = new Set(["write", "check"]);
/** From so many characters left on, the number is shown. */
const NEARLY_FULL = 500;
/** States in which somebody may still be reading what the greeting says. */
const CAPTIONED = new Set(["greeting", "ended", "ready"]);

/** One stage. */
export class CallStage {
  #headline = tree("h2", { class: "headline", part: "headline" });
  #note = tree("p", { class: "note figures", part: "note" });
  #status = tree("div", { class: "status", part: "status", role: "status", "aria-live": "polite" });
  #trouble = tree("p", { class: "trouble", part: "trouble", hidden: true });
  #hero = tree("div", { class: "hero", part: "hero" });
  #controls = tree("div", { class: "controls", part: "controls" });
  #number = tree("input", { part: "input address-input", autocapitalize: "none", autocomplete: "off", spellcheck: "false", enterkeyhint: "go", placeholder: "bob" });
  #dial = tree("div", { class: "field dial", hidden: true }, tree("label", {}, "Name, address or number", this.#number));
  #name = tree("input", { part: "input name-input", autocomplete: "name", maxlength: "60" });
  #naming = tree("div", { class: "field", hidden: true }, tree("label", {}, "Your name (optional)", this.#name));
  #caller = tree("p", { class: "small muted", hidden: true });
  #text = tree("textarea", { id: "message", part: "input text-input", maxlength: LONGEST, rows: 5, "aria-describedby": "room" });
  #textLabel = tree("label", { for: "message" });
  #room = tree("p", { class: "small muted figures", id: "room", part: "room", hidden: true });
  #writing = tree("div", { class: "field writing", part: "writing", hidden: true }, this.#textLabel, this.#text, this.#room);
  #words = tree("blockquote", { class: "words", part: "words", hidden: true });
  #time = tree("p", { class: "time figures", part: "time", hidden: true });
  #caption = tree("p", { class: "caption", part: "caption", hidden: true });
  #captioned = tree("div", { class: "captioned", hidden: true }, this.#caption);
  #press;
  #player;
  #watch;
  #buttons;
  #borrowed;
  #first = "";
  #shown = "";
  #reviewed = "";

  /**
   * @param {import("./call-slices.js").Slices} slices whose panels and buttons stand here
   * @param {StageRequests} requests
   */
  constructor(slices, requests) {
    const press = (control) => () => requests.press(control);
    this.#press = requests.press;
    this.waveform = new Waveform();
    this.undo = new UndoBar();
    this.#player = new Player({ load: requests.load, failed: requests.failed });
    this.#player.time.className = "time figures";
    this.#watch = tree("div", { hidden: true }, this.#player.screen);
    this.#buttons = {
      call: button("Call", "call", press("call")),
      record: button("Record", "record", press("record")),
      stop: button("Stop", "stop", press("stop")),
      resume: button("Resume", "record", press("resume")),
      send: button("Send", "send", press("send")),
      skip: button("Skip greeting", "skip", press("skip")),
      listen: button("Play greeting", "play", press("listen")),
      write: button("Write instead", "write", press("write")),
      cancel: button("Cancel", "close", press("cancel")),
      pause: button("Pause", "pause", press("pause")),
      play: this.#player.button,
      again: button("Re-record", "again", press("again")),
      delete: button("Delete", "delete", press("delete")),
      hangUp: button("Hang up", "hangUp", press("hangUp")),
      ...slices.buttons,
    };
    this.#borrowed = new Set(Object.keys(slices.buttons));
    this.#status.append(this.#headline, this.#note, this.#trouble);
    this.#controls.append(...Object.values(this.#buttons));
    pressOnce(this.#controls);
    this.#number.addEventListener("keydown", (event) => event.key === "Enter" && this.#enter(event));
    this.#number.addEventListener("input", () => this.#dialAnew());
    this.#text.addEventListener("input", () => {
      this.#count();
      requests.type(this.#text.value);
    });
    this.element = this.#assemble(slices);
  }

  /** Where greeting and recording show their time. */
  get time() {
    return this.#time;
  }

  /** Where the words of the greeting are shown. */
  get caption() {
    return this.#caption;
  }

  /** What stands in the dial field. */
  get dialled() {
    return this.#number.value;
  }

  /** The name the caller gives. */
  get callerName() {
    return this.#name.value.trim();
  }

  set callerName(name) {
    this.#name.value = name;
  }

  /**
   * Says what went wrong; an empty text takes it away.
   * @param {string} words
   */
  complain(words) {
    say(this.#trouble, words === this.#note.textContent ? "" : words);
  }

  /**
   * Puts words into the text field, and the cursor behind them.
   * @param {string} text
   */
  beginWriting(text) {
    this.#text.value = text;
    this.#count();
    this.#text.focus();
  }

  /**
   * Says why what was dialled cannot be called, and puts the cursor there.
   * @param {string} words
   */
  refuseDial(words) {
    this.complain(words);
    this.#number.setAttribute("aria-invalid", "true");
    this.#number.focus();
  }

  /**
   * Paints one state.
   * @param {{ state: string, situation: import("./call-words.js").Situation, note: string, offered: string[], writing: { open: boolean, id: string, blank: boolean }, askAddress: boolean, askName: boolean, early: boolean, caller: string, blocked: boolean }} view
   */
  paint({ state, situation, note, offered, writing, askAddress, askName, early, caller, blocked }) {
    const view = VIEWS[state] ?? VIEWS.idle;
    say(this.#headline, view.headline(situation));
    this.#tell(note || view.note(situation));
    this.#dial.hidden = !(state === "idle" && askAddress);
    this.#naming.hidden = !(state === "idle" && askName);
    say(this.#caller, state === "idle" && caller ? `Calling as ${caller}` : "");
    this.#writing.hidden = view.hero !== "writing";
    this.#textLabel.textContent = `Your message to ${situation.name}`;
    const wordless = view.hero !== "sending" || !situation.item || !isWritten(situation.item);
    say(this.#words, wordless ? "" : (situation.text ?? ""));
    this.#hero.hidden = !this.#dial.hidden || !this.#writing.hidden || !wordless || view.hero === "talk";
    this.#text.readOnly = !writing.open;
    this.#buttons.send.disabled = state === "writing" && writing.blank;
    const controls = this.#dial.hidden ? this.#offered(state, view, situation, writing, early) : ["call"];
    this.#paintControls(controls.filter((name) => !this.#borrowed.has(name) || offered.includes(name)), blocked, view.calm === true);
    this.#paintHero(view.hero, situation.item, state);
    this.#captioned.hidden = !CAPTIONED.has(state);
    this.#shown = state;
  }

  /**
   * One level of the running recording.
   * @param {number} peak
   * @param {number} elapsedMs
   */
  level(peak, elapsedMs) {
    this.waveform.push(peak);
    say(this.#time, clock(elapsedMs));
  }

  /** Where the message in hand plays, in ms. */
  get position() {
    return this.#player.position;
  }

  /** The control that is of most use now. */
  get first() {
    return this.#buttons[this.#first];
  }

  /** Plays the message in hand, or pauses it. */
  playReview() {
    return this.#player.toggle();
  }

  /** Releases the sound. */
  close() {
    this.#player.close();
    this.#reviewed = "";
  }

  /**
   * Before its first word a written message is nothing that could be deleted; where the page wants it, one may
   * record while the greeting goes on.
   */
  #offered(state, view, situation, { open, id, blank }, early) {
    if (state === "greeting" && early) return ["record", ...view.controls];
    return state === "writing" && open && !id && blank ? ["send", "cancel"] : controlsOf(view, situation);
  }

  /**
   * What is read under the headline. A new figure alone is seen, and not read aloud once more; what the note says is
   * no trouble on top of it.
   * @param {string} words
   */
  #tell(words) {
    if (figureless(words) === figureless(this.#note.textContent)) this.#note.setAttribute("aria-live", "off");
    else this.#note.removeAttribute("aria-live");
    say(this.#note, words);
    this.complain(this.#trouble.textContent);
  }

  /**
   * Calls by the keyboard. The focus moves on meanwhile, and the same key shall not press what it comes to.
   * @param {KeyboardEvent} event
   */
  #enter(event) {
    event.preventDefault();
    this.#press("call");
  }

  /** What was refused is being corrected. */
  #dialAnew() {
    if (!this.#number.hasAttribute("aria-invalid")) return;
    this.#number.removeAttribute("aria-invalid");
    this.complain("");
  }

  #count() {
    const room = LONGEST - this.#text.value.length;
    say(this.#room, room > NEARLY_FULL ? "" : room === 1 ? "1 character left" : `${room} characters left`);
  }

  /** @param {import("./call-slices.js").Slices} slices */
  #assemble(slices) {
    this.#hero.append(this.#watch, this.waveform.element, this.#player.slider);
    return tree(
      "section",
      { class: "stage", part: "stage", "aria-label": "Call", lang: "en" },
      tree("slot", { name: "title" }),
      this.#status,
      this.#dial,
      ...slices.panels("hero"),
      this.#hero,
      this.#writing,
      this.#words,
      this.#time,
      this.#captioned,
      this.#player.time,
      this.#controls,
      ...slices.panels("panel"),
      this.#naming,
      this.#caller,
      tree("slot", { name: "hint" }),
      this.undo.element,
    );
  }

  /**
   * @param {string[]} names
   * @param {boolean} blocked
   * @param {boolean} calm
   */
  #paintControls(names, blocked, calm) {
    const offered = blocked ? ["listen", ...names] : names;
    for (const [name, element] of Object.entries(this.#buttons)) {
      const first = name === offered[0] && !calm;
      element.hidden = !offered.includes(name);
      element.className = first ? `large ${name === "hangUp" ? "firm" : "primary"}` : QUIET.has(name) ? "quiet" : "";
      if (name === offered[0] && element !== this.#controls.firstElementChild) this.#controls.prepend(element);
    }
    this.#first = offered[0];
  }

  /**
   * @param {string} hero
   * @param {import("./engine.js").OutboxItem | undefined} item
   * @param {string} state
   */
  #paintHero(hero, item, state) {
    const review = hero === "review";
    this.#player.slider.hidden = !review;
    this.#player.time.hidden = !review;
    this.#watch.hidden = !review;
    this.waveform.element.toggleAttribute("hidden", review);
    if (!review) this.#player.pause();
    if (review && item) this.#review(item);
    if (hero === "line" || hero === "writing") this.#quiet();
    if (hero === "sending") this.#paintSending(item, state);
    if (hero === "live" && this.#shown !== "recording" && this.#shown !== "paused") this.#beginLive();
    if (review) say(this.#time, "");
  }

  /** @param {import("./engine.js").OutboxItem} item */
  #review(item) {
    const { deposit_id: id, duration_ms: recordedMs, waveform, kind } = item;
    const { durationMs, peaks, startMs } = kept(item);
    const key = [id, recordedMs, waveform.length, kind, durationMs, startMs].join(" ");
    if (this.#reviewed === key) return;
    this.#reviewed = key;
    this.#player.show(peaks, durationMs, kind, startMs);
    if (kind === "video") void this.#player.draw();
  }

  #quiet() {
    this.waveform.show();
    this.waveform.progress = 0;
    say(this.#time, "");
  }

  #beginLive() {
    this.waveform.begin();
    this.waveform.progress = 1;
    say(this.#time, clock(0));
  }

  /**
   * @param {import("./engine.js").OutboxItem | undefined} item
   * @param {string} state
   */
  #paintSending(item, state) {
    if (this.#shown !== state || !item) this.waveform.show(item?.waveform);
    this.waveform.progress = state === "deposited" ? 1 : item && item.size > 0 ? item.sent / item.size : 0;
    say(this.#time, item && !isWritten(item) ? clock(item.duration_ms) : "");
  }
}

/** @param {string} words */
function figureless(words) {
  return words.replaceAll(/\d+/g, "");
}
