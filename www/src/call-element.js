// <afterbeep-call>: calls somebody, and when nobody answers, takes the message. State comes from the
// engine's events only (hearing.js); every press of a button is a request to the engine.
//
// What it can do beyond that are slices: a module with a class that has `element`, `show(situation)` and perhaps
// `hear(event)` and `close()`; one line in call-slices.js, which describes all a slice may have and ask.

import { complete, nameOf, nonsense } from "./address.js";
import { engineOptions, MIRRORED, OPENED_WITH } from "./call-attributes.js";
import { Slices } from "./call-slices.js";
import { CallStage } from "./call-stage.js";
import { AT_REST, CONVERSING, IN_HAND } from "./call-states.js";
import { CallerAccount } from "./caller-account.js";
import { Complaints } from "./complaints.js";
import { soundOf } from "./draft-sound.js";
import { Drafts } from "./drafts.js";
import { EngineLink } from "./engine-link.js";
import { HOME } from "./engine.js";
import { keepFocus } from "./focus-keeper.js";
import { GreetingPlayer } from "./greeting-player.js";
import { Hearing } from "./hearing.js";
import { adopt, mirror } from "./mirror.js";
import { followUpdates, promiseSending, registerWorker } from "./offline.js";
import { OutboxList } from "./outbox-list.js";
import { sheetsOf } from "./style.js";
import { tree } from "./tree.js";

/** Controls that begin something: what was complained of before is over. */
const FRESH = new Set(["call", "record", "write", "again", "send"]);
const TICK_MS = 1000;

/** The caller's side. */
export class AfterbeepCall extends HTMLElement {
  static observedAttributes = MIRRORED;

  #engine = new EngineLink({
    options: () => engineOptions(this.#server, (name) => this.getAttribute(name)),
    opened: (client) => this.#opened(client),
    hear: (event) => this.#hear(event),
    failed: (error) => this.#complaints.fail(error),
  });
  #slices = new Slices({
    ask: (request) => this.#engine.ask(request),
    attempt: (request) => this.#engine.attempt(request),
    complain: (words) => this.#stage.complain(words),
    fail: (error) => this.#complaints.fail(error),
    undone: (words, undo) => this.#stage.undo.offer(words, undo),
    update: () => this.update(),
    position: () => this.#stage.position,
    attribute: (name) => this.getAttribute(name),
    element: this,
  });
  #stage = new CallStage(this.#slices, {
    press: (control) => this.#press(control),
    type: (text) => this.#drafts.writing.type(text) ?? this.update(),
    load: () => this.#sound(this.#drafts.inHand),
    failed: (error) => this.#complaints.fail(error),
  });
  #complaints = new Complaints({
    complain: (words) => this.#stage.complain(words),
    changed: () => this.update(),
    emit: (event) => this.#emit(event),
  });
  #drafts = new Drafts({
    ask: (request) => this.#engine.ask(request),
    attempt: (request) => this.#engine.attempt(request),
    state: () => this.state,
    promise: () => promiseSending(this.#server),
    changed: () => this.update(),
    opened: (text) => this.#stage.beginWriting(text),
    deleted: (name, undo) => this.#stage.undo.offer(`Message to ${name} deleted.`, undo),
    sent: () => this.#stage.undo.hide(),
    complain: (words) => this.#stage.complain(words),
    failed: (error) => this.#complaints.fail(error),
  });
  #account = new CallerAccount({
    from: () => this.from,
    server: () => this.#server,
    typed: () => this.#stage.callerName,
    attempt: (request) => this.#engine.attempt(request),
    changed: () => this.update(),
  });
  #greeting = new GreetingPlayer({
    waveform: this.#stage.waveform,
    time: this.#stage.time,
    caption: this.#stage.caption,
    ended: () => this.#greeted(),
    blocked: () => this.#hearing.block(true),
  });
  #outbox = new OutboxList({
    send: (id) => this.#drafts.send(id, "send"),
    sendAnyway: (id) => this.#drafts.send(id, "send_anyway"),
    edit: (item) => void this.#drafts.edit(item),
    delete: (item) => this.#drafts.discard(item),
    text: (id) => this.#engine.ask((client) => client.text(id)),
    load: (id) => this.#sound(id),
    file: (id, part) => this.#engine.ask((client) => client.attachment(id, part)),
    clear: () => this.#engine.attempt((client) => client.clear_device()),
    failed: (error) => this.#complaints.fail(error),
  });
  #hearing = new Hearing({
    drafts: this.#drafts,
    complaints: this.#complaints,
    stage: this.#stage,
    greeting: this.#greeting,
    to: () => this.to ?? "",
    changed: () => this.update(),
    emit: (event) => this.#emit(event),
  });

  #online = navigator.onLine;
  #ends = new AbortController();
  #ticking = 0;

  /**
   * Registers the element.
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = "afterbeep-call", registry = customElements) {
    if (!registry.get(tag)) registry.define(tag, this);
    return this;
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: false });
    root.adoptedStyleSheets = sheetsOf("call", Slices.styles);
    root.append(this.#stage.element, this.#outbox.element, tree("slot"));
  }

  connectedCallback() {
    adopt(this, [...MIRRORED, "credentials"]);
    this.#begin();
  }

  disconnectedCallback() {
    this.#end();
  }

  #begin() {
    this.#end();
    this.#ends = new AbortController();
    const { signal } = this.#ends;
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.#network(), { signal });
    for (const [place, name] of [[document, "visibilitychange"], [window, "pagehide"]]) place.addEventListener(name, () => void this.#drafts.writing.save(), { signal });
    this.#ticking = window.setInterval(() => this.#tick(), TICK_MS);
    this.#engine.begin(this);
    this.#account.signIn();
    this.update();
    void this.#complaints.askPermission(this.#server, signal);
    followUpdates(this.#server, () => this.busy, signal);
    void registerWorker(this.#server);
  }

  #end() {
    this.#ends.abort();
    clearInterval(this.#ticking);
    this.#greeting.stop();
    this.#stage.close();
    this.#outbox.close();
    this.#slices.close();
    this.#engine.end(this.#drafts.writing.save());
    this.#hearing.reset();
  }

  attributeChangedCallback(/** @type {string} */ name, /** @type {string | null} */ before, /** @type {string | null} */ value) {
    if (!this.#engine.begun) return;
    if (OPENED_WITH.has(name) && before !== value && !this.busy) this.#begin();
    this.update();
  }

  /** The state word, one of interface section 4. */
  get state() {
    return this.#hearing.state;
  }

  /** Whether leaving the page now would interrupt somebody. */
  get busy() {
    return !AT_REST.has(this.state) || this.#drafts.writing.open || this.#stage.dialled !== "" || this.#slices.busy;
  }

  /** The caller's own account: address and password, or a login token; `null` signs out. Never an attribute. */
  set credentials(/** @type {import("./embedding.js").Credentials} */ credentials) {
    this.#account.bring(credentials);
    if (this.#engine.begun) this.#account.signIn();
  }

  /** Calls `to`. */
  async call() {
    const refusal = this.to ? "" : nonsense(this.#stage.dialled);
    if (refusal) return this.#stage.refuseDial(refusal);
    const to = this.to || complete(this.#stage.dialled, this.#server);
    this.to = to;
    await this.#account.settled;
    await this.#engine.attempt(async (client) => {
      await this.#account.introduce(client);
      await client.call(complete(to, this.#server));
    });
  }

  /** Ends the call. */
  hangUp() {
    this.#greeting.stop();
    return this.#engine.attempt((client) => client.hang_up());
  }

  /** Goes on without hearing the greeting. */
  skipGreeting() {
    this.#greeting.stop();
    return this.#engine.attempt((client) => client.skip_greeting());
  }

  /** Begins a message. */
  record() {
    this.#greeting.stop();
    this.#drafts.beginAfresh();
    return this.#engine.attempt((client) => client.record(this.#callee));
  }

  /** Begins a written message instead. */
  write() {
    const { writing } = this.#drafts;
    if (!CONVERSING.has(this.state) && !writing.open) writing.begin(this.#callee);
  }

  /** Holds the recording. */
  pause() {
    return this.#engine.attempt((client) => client.pause());
  }

  /** Goes on with a held recording. */
  resume() {
    return this.#engine.attempt((client) => client.resume());
  }

  /** Ends the recording; it is a draft then. */
  stop() {
    return this.#engine.attempt((client) => client.stop());
  }

  /** Plays the draft, or pauses it. */
  play() {
    return this.#stage.playReview();
  }

  /** Deletes the draft; Undo brings it back. */
  discard() {
    return this.#drafts.discardInHand(this.#hearing.to, this.#hearing.name);
  }

  /** Sends the draft. */
  async send() {
    await this.#slices.settle();
    await this.#drafts.sendInHand();
  }

  /** Paints everything from what is known. */
  update() {
    keepFocus(this.shadowRoot, () => this.#paint(), () => this.#stage.first);
  }

  #paint() {
    const situation = this.#situation();
    const { note, offered } = this.#slices.show(situation);
    this.#stage.paint({
      state: situation.state,
      situation,
      note,
      offered,
      writing: this.#drafts.writing,
      askAddress: !this.to,
      askName: !this.#account.known && !this.from,
      early: this.openOn === "info" && this.#hearing.session,
      caller: this.#account.name,
      blocked: this.#hearing.blocked,
    });
    this.#outbox.show(this.#drafts.listed, situation, IN_HAND.has(this.state) ? this.#drafts.inHand : undefined, this.#drafts.items);
  }

  get #server() {
    return this.getAttribute("server") || HOME;
  }

  /** The whole address of `to`, if the page named one. */
  get #callee() {
    return this.to ? complete(this.to, this.#server) : undefined;
  }

  /** @returns {import("./call-slices.js").SliceSituation} */
  #situation() {
    const { items, item, inHand, promised, showsWriting, writing } = this.#drafts;
    const unfinished = items.filter(({ state }) => state === "interrupted");
    const held = IN_HAND.has(this.state) ? item : undefined;
    return {
      state: showsWriting ? "writing" : this.state,
      name: (held && (held.to_name || nameOf(held.to))) || this.#hearing.name || nameOf(this.to ?? ""),
      online: this.#online,
      promised,
      speechless: this.#complaints.speechless,
      text: this.state === "deposited" ? "" : writing.wordsOf(inHand),
      item: held,
      items,
      account: this.#account.address,
      absent: this.#account.absent,
      unfinished: unfinished.length,
      unfinishedName: unfinished.length > 0 ? unfinished[0].to_name || nameOf(unfinished[0].to) : "",
      now: Date.now(),
    };
  }

  /** @param {any} client a fresh engine */
  async #opened(client) {
    await this.#account.opened(client);
    this.#stage.callerName ||= client.name();
    this.#hear({ type: "outbox", items: await client.outbox() });
  }

  /** @param {any} event */
  #hear(event) {
    this.#hearing.hear(event);
    this.#slices.hear(event);
  }

  /** The greeting is over: the recorder waits for the voicemail's hang-up, unless the page wants it now. */
  #greeted() {
    const early = this.openOn === "greeting" && this.#hearing.session;
    return this.#engine.attempt((client) => (early ? client.hang_up() : client.greeting_ended()));
  }

  #network() {
    this.#online = navigator.onLine;
    if (this.#online) void this.#complaints.askPermission(this.#server, this.#ends.signal);
    this.update();
  }

  #tick() {
    if (document.visibilityState === "visible" && this.#drafts.listed.length > 0) this.update();
  }

  /** @param {string} control */
  #press(control) {
    const actions = {
      call: () => this.call(),
      hangUp: () => this.hangUp(),
      skip: () => this.skipGreeting(),
      listen: () => this.#hearing.block(false) ?? this.#greeting.resume(),
      record: () => this.record(),
      write: () => this.write(),
      cancel: () => this.#drafts.writing.leave() ?? this.update(),
      pause: () => this.pause(),
      resume: () => this.resume(),
      stop: () => this.stop(),
      send: () => this.send(),
      again: () => this.#again(),
      delete: () => this.discard(),
    };
    if (FRESH.has(control)) this.#complaints.clear();
    return actions[control]?.();
  }

  /** @param {string} id of a recording of this device */
  #sound(id) {
    const item = this.#drafts.items.find(({ deposit_id: known }) => known === id);
    return this.#engine.ask((client) => soundOf(client, id, item));
  }

  /** The draft goes only when there is something in its place. */
  #again() {
    const { item } = this.#drafts;
    return this.#engine.attempt(async (client) => {
      await (item ? client.record_again(item.deposit_id) : client.record(this.#callee));
      if (item) await this.#drafts.replace(item);
    });
  }

  /** @param {any} event of the engine, or made like one */
  #emit({ type, ...detail }) {
    this.dispatchEvent(new CustomEvent(`afterbeep-${type}`, { bubbles: true, composed: true, detail }));
  }
}

mirror(AfterbeepCall, MIRRORED);
