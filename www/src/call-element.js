// <afterbeep-call>: calls somebody, and when nobody answers, takes the message. State comes from the
// engine's events only; every press of a button is a request to the engine.

import { complete, nameOf } from "./address.js";
import { CallStage } from "./call-stage.js";
import { isWritten } from "./call-words.js";
import { nameIn, refusalOf, signIn } from "./embedding.js";
import { HOME, open } from "./engine.js";
import { size } from "./figures.js";
import { FirstNeed } from "./first-need.js";
import { GreetingPlayer } from "./greeting-player.js";
import { followUpdates, promiseSending, registerWorker } from "./offline.js";
import { adopt, mirror } from "./mirror.js";
import { OutboxList } from "./outbox-list.js";
import { sheetsOf } from "./style.js";
import { explain } from "./trouble.js";
import { tree } from "./tree.js";
import { Writing } from "./writing.js";

/** @typedef {import("./engine.js").OutboxItem} OutboxItem */

const MIRRORED = ["to", "server", "from", "kind", "max-duration", "silence-timeout", "open-on", "network-gate", "lang", "theme", "processing"];
const OPENED_WITH = new Set(["server", "max-duration", "network-gate", "processing"]);
const IN_HAND = new Set(["recording", "paused", "review", "queued", "waiting", "uploading", "deposited", "failed"]);
const LITTLE_SPACE = 5_000_000;
const DELIVERED_SHOWN_MS = 24 * 3_600_000;
const DELIVERED_SHOWN = 3;
const DRAFTING = new Set(["recording", "paused", "review"]);
const PENDING = new Set(["queued", "waiting", "uploading"]);
const AT_REST = new Set(["idle", "queued", "waiting", "uploading", "deposited", "failed"]);
const FRESH = new Set(["call", "record", "write", "again", "send"]);
const CONVERSING = new Set(["calling", "ringing", "talking", "greeting", "recording", "paused"]);
const MUTE = new Set(["microphone_refused", "microphone_missing"]);
const TICK_MS = 1000;

/** The caller's side. */
export class AfterbeepCall extends HTMLElement {
  static observedAttributes = MIRRORED;

  #stage = new CallStage({
    press: (control) => this.#press(control),
    type: (text) => this.#writing.type(text) ?? this.update(),
    load: () => this.#ask((client) => client.play_url(this.#inHand)),
    failed: (error) => this.#fail(error),
  });
  #outbox = new OutboxList({
    send: (id) => this.#send(id, "send"),
    sendAnyway: (id) => this.#send(id, "send_anyway"),
    edit: (item) => void this.#edit(item),
    delete: (item) => this.#discard(item),
    text: (id) => this.#ask((client) => client.text(id)),
    load: (id) => this.#ask((client) => client.play_url(id)),
    failed: (error) => this.#fail(error),
  });
  #greeting = new GreetingPlayer({
    waveform: this.#stage.waveform,
    time: this.#stage.time,
    ended: () => this.#greeted(),
    blocked: () => this.#block(true),
  });
  #writing = new Writing({
    ask: (request) => this.#ask(request),
    saved: (id) => (this.#inHand = id),
    opened: (text) => this.update() ?? this.#stage.beginWriting(text),
    failed: (error) => this.#fail(error),
  });
  #remote = tree("audio", { autoplay: true, hidden: true });

  /** @type {FirstNeed | undefined} */
  #need;
  /** @type {Promise<any> | undefined} */
  #opening;
  /** @type {any} */
  #client;
  #state = "idle";
  #name = "";
  #inHand = "";
  /** @type {OutboxItem[]} */
  #items = [];
  /** @type {{ address: string, display_name?: string } | undefined} */
  #account;
  /** @type {import("./embedding.js").Credentials | undefined} */
  #credentials;
  /** @type {Promise<unknown> | undefined} */
  #signing;
  #session = false;
  #refusal = "";
  #speechless = false;
  #promised = false;
  #blocked = false;
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
    root.adoptedStyleSheets = sheetsOf("call");
    root.append(this.#stage.element, this.#outbox.element, this.#remote, tree("slot"));
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
    const signal = this.#ends.signal;
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.#network(), { signal });
    for (const [place, name] of [[document, "visibilitychange"], [window, "pagehide"]]) place.addEventListener(name, () => void this.#writing.save(), { signal });
    this.#ticking = window.setInterval(() => this.#tick(), TICK_MS);
    this.#need = new FirstNeed(this);
    this.#opening = this.#open();
    this.#signing = this.#signIn();
    this.update();
    void this.#askPermission();
    followUpdates(this.#server, () => this.busy, signal);
    void registerWorker(this.#server);
  }

  #end() {
    this.#ends.abort();
    void this.#writing.save();
    clearInterval(this.#ticking);
    this.#greeting.stop();
    this.#stage.close();
    this.#outbox.close();
    this.#client?.close();
    this.#client = undefined;
    this.#opening = undefined;
    this.#need?.close();
    this.#state = "idle";
    this.#inHand = "";
  }

  attributeChangedCallback(/** @type {string} */ name, /** @type {string | null} */ before, /** @type {string | null} */ value) {
    if (!this.#opening) return;
    if (OPENED_WITH.has(name) && before !== value && !this.busy) this.#begin();
    this.update();
  }

  /** The state word, one of interface section 4. */
  get state() {
    return this.#state;
  }

  /** Whether leaving the page now would interrupt somebody. */
  get busy() {
    return !AT_REST.has(this.#state) || this.#writing.open || this.#stage.dialled !== "";
  }

  /** The caller's own account: address and password, or a login token; `null` signs out. Never an attribute. */
  set credentials(/** @type {import("./embedding.js").Credentials} */ credentials) {
    this.#credentials = credentials;
    if (this.#opening) this.#signing = this.#signIn();
  }

  /** Calls `to`. */
  async call() {
    const to = this.to || complete(this.#stage.dialled, this.#server);
    if (!to) return this.#stage.focusDial();
    this.to = to;
    await this.#signing;
    await this.#do(async (client) => {
      await this.#introduce(client);
      await client.call(complete(to, this.#server));
    });
  }

  /** Ends the call. */
  hangUp() {
    this.#greeting.stop();
    return this.#do((client) => client.hang_up());
  }

  /** Goes on without hearing the greeting. */
  skipGreeting() {
    this.#greeting.stop();
    return this.#do((client) => client.skip_greeting());
  }

  /** Begins a message. */
  record() {
    this.#greeting.stop();
    const to = this.to ? complete(this.to, this.#server) : undefined;
    return this.#do((client) => client.record(to));
  }

  /** Begins a written message instead. */
  write() {
    if (!CONVERSING.has(this.#state) && !this.#writing.open) this.#writing.begin(this.to ? complete(this.to, this.#server) : undefined);
  }

  /** Holds the recording. */
  pause() {
    return this.#do((client) => client.pause());
  }

  /** Goes on with a held recording. */
  resume() {
    return this.#do((client) => client.resume());
  }

  /** Ends the recording; it is a draft then. */
  stop() {
    return this.#do((client) => client.stop());
  }

  /** Plays the draft, or pauses it. */
  play() {
    return this.#stage.playReview();
  }

  /** Deletes the draft; Undo brings it back. */
  async discard() {
    await this.#writing.save();
    const { id } = this.#writing;
    const item = this.#item() ?? (id && { deposit_id: id, to: this.to ?? "", to_name: this.#name });
    if (item) await this.#discard(item);
  }

  /** Sends the draft. */
  async send() {
    if (await this.#writing.save()) await this.#send(this.#writing.id || this.#inHand, "send");
  }

  /** Paints everything from what is known. */
  update() {
    const situation = this.#situation();
    this.#stage.paint({
      state: this.#isWriting ? "writing" : this.#state,
      situation,
      writing: this.#writing,
      askAddress: !this.to,
      askName: !this.#account && !this.from,
      early: this.openOn === "info" && this.#session,
      caller: this.#account ? this.#account.display_name || nameOf(this.#account.address) : "",
      blocked: this.#blocked && this.#state === "greeting",
    });
    this.#outbox.show(this.#listed(), situation, IN_HAND.has(this.#state) ? this.#inHand : undefined);
  }

  get #isWriting() {
    const item = this.#item();
    return this.#writing.open || (this.#state === "review" && item !== undefined && isWritten(item));
  }

  get #server() {
    return this.getAttribute("server") || HOME;
  }

  /** @returns {import("./call-words.js").Situation} */
  #situation() {
    const unfinished = this.#items.filter((item) => item.state === "interrupted");
    return {
      name: this.#name || nameOf(this.to ?? ""),
      online: this.#online,
      promised: this.#promised,
      speechless: this.#speechless,
      text: this.#state === "deposited" ? "" : this.#writing.wordsOf(this.#inHand),
      item: IN_HAND.has(this.#state) ? this.#item() : undefined,
      unfinished: unfinished.length,
      unfinishedName: unfinished.length > 0 ? unfinished[0].to_name || nameOf(unfinished[0].to) : "",
      now: Date.now(),
    };
  }

  #item() {
    return this.#items.find((item) => item.deposit_id === this.#inHand);
  }

  /** What the outbox lists: not the draft that the stage holds, and of what was delivered only the last ones. */
  #listed() {
    const drafting = DRAFTING.has(this.#state);
    const oldest = Date.now() - DELIVERED_SHOWN_MS;
    const delivered = this.#items.filter((item) => item.state === "deposited" && item.created_at > oldest).slice(0, DELIVERED_SHOWN);
    return this.#items.filter((item) =>
      item.state === "deposited" ? delivered.includes(item) : !(drafting && (item.state === "recording" || item.deposit_id === this.#inHand)),
    );
  }

  async #open() {
    try {
      const { signal } = this.#ends;
      await this.#need?.arises;
      const client = await open(this.#options(), (event) => signal.aborted || this.#hear(event));
      if (signal.aborted) return client.close();
      this.#client = client;
      this.#account = client.signed_in();
      if (this.from) await this.#introduce(client);
      this.#stage.callerName ||= client.name();
      this.#hear({ type: "outbox", items: await client.outbox() });
      return client;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #options() {
    const read = (name) => this.getAttribute(name) ?? undefined;
    const longest = Math.floor(Number(this.maxDuration));
    return {
      server: this.#server,
      processing: read("processing"),
      network_gate: read("network-gate"),
      max_duration_s: longest > 0 ? longest : undefined,
    };
  }

  async #signIn() {
    const given = this.#credentials;
    if (given === undefined) return;
    this.#credentials = undefined;
    await this.#do(async (client) => {
      await signIn(client, given, this.from ?? "", this.#server);
      this.#account = client.signed_in();
      this.update();
    });
  }

  /** Callees see the name that the page or the caller gave. */
  async #introduce(client) {
    const name = this.from ? nameIn(this.from) : this.#stage.callerName;
    if (!this.#account && name !== client.name()) await client.set_name(name);
  }

  /** Asks whether this page may use its server at all. */
  async #askPermission() {
    const { signal } = this.#ends;
    const refusal = await refusalOf(this.#server);
    if (signal.aborted || refusal === this.#refusal) return;
    this.#refusal = refusal;
    if (refusal) this.#fail({ code: "origin_refused", message: refusal });
    else this.#stage.complain("");
  }

  /** The greeting is over: the recorder waits for the voicemail's hang-up, unless the page wants it now. */
  #greeted() {
    return this.#do((client) => (this.openOn === "greeting" && this.#session ? client.hang_up() : client.greeting_ended()));
  }

  /** @param {any} event */
  #hear(event) {
    switch (event.type) {
      case "state": return this.#turn(event);
      case "session": this.#session = true; this.update(); return this.#emit("session", event);
      case "greeting": return void this.#greeting.play(event.url, event.duration_ms);
      case "remote_audio": this.#remote.srcObject = event.stream; return;
      case "level": return this.#state === "recording" ? this.#stage.level(event.peak, event.elapsed_ms) : undefined;
      case "recorded": return this.#recorded(event);
      case "outbox": return this.#list(event.items);
      case "progress": return this.#progress(event);
      case "deposited": return this.#emit("deposited", event);
      case "storage": return this.#weigh(event);
      case "error": return this.#fail(event);
      default: return undefined;
    }
  }

  #turn({ state, to, display_name: name }) {
    if (state === "calling" || (state === "recording" && this.#state !== "paused")) this.#inHand = "";
    if (state === "calling") this.#session = false;
    if (name || to) this.#name = name || nameOf(to);
    if (state === "recording" || state === "deposited") this.#stage.complain("");
    if (state === "recording") this.#speechless = false;
    if (CONVERSING.has(state) || (this.#writing.id && state !== "review")) this.#writing.leave();
    if (state !== "greeting") this.#blocked = false;
    if (state !== "talking") this.#remote.srcObject = null;
    this.#state = state;
    this.update();
    this.#reopen();
    this.#emit("state", { state, to });
  }

  #recorded(event) {
    this.#inHand = event.deposit_id;
    const known = this.#item();
    const facts = { waveform: event.waveform, duration_ms: event.duration_ms };
    if (known) Object.assign(known, facts);
    else this.#items = [{ deposit_id: event.deposit_id, to: this.to ?? "", state: "recorded", created_at: Date.now(), size: 0, sent: 0, ...facts }, ...this.#items];
    this.update();
    this.#emit("recorded", event);
  }

  /** @param {OutboxItem[]} items */
  #list(items) {
    this.#items = items.filter((item) => !item.discarded);
    this.update();
    this.#reopen();
    if (!this.#promised && this.#items.some((item) => PENDING.has(item.state))) void this.#promise();
  }

  #progress(event) {
    const item = this.#items.find(({ deposit_id: id }) => id === event.deposit_id);
    if (item) item.sent = event.sent;
    this.update();
    this.#emit("progress", event);
  }

  #weigh({ free_bytes: free }) {
    if (free === undefined || free > LITTLE_SPACE) return;
    this.#stage.complain(`Only ${size(free)} are left on this device. What you recorded is safe, but a long message may not fit; free some space first.`);
  }

  async #promise() {
    const promised = await promiseSending(this.#server);
    if (promised === this.#promised) return;
    this.#promised = promised;
    this.update();
  }

  #network() {
    this.#online = navigator.onLine;
    if (this.#online) void this.#askPermission();
    this.update();
  }

  #tick() {
    if (document.visibilityState === "visible" && this.#listed().length > 0) this.update();
  }

  /** @param {boolean} blocked */
  #block(blocked) {
    this.#blocked = blocked;
    this.update();
  }

  /** @param {string} control */
  #press(control) {
    const actions = {
      call: () => this.call(),
      hangUp: () => this.hangUp(),
      skip: () => this.skipGreeting(),
      listen: () => this.#block(false) ?? this.#greeting.resume(),
      record: () => this.record(),
      write: () => this.write(),
      cancel: () => this.#writing.leave() ?? this.update(),
      pause: () => this.pause(),
      resume: () => this.resume(),
      stop: () => this.stop(),
      send: () => this.send(),
      again: () => this.#again(),
      delete: () => this.discard(),
    };
    if (FRESH.has(control)) this.#stage.complain("");
    return actions[control]?.();
  }

  async #again() {
    const item = this.#item();
    if (item) await this.#discard(item);
    await this.record();
  }

  /** @param {OutboxItem} item */
  async #discard({ deposit_id: id, to, to_name: name }) {
    await this.#writing.drop(id);
    await this.#do((client) => client.discard(id));
    const restore = () => {
      if (this.#state === "ready") this.#inHand = id;
      return this.#do((client) => client.restore(id));
    };
    this.#stage.undo.offer(`Message to ${name || nameOf(to)} deleted.`, restore);
  }

  /**
   * @param {string} id
   * @param {"send" | "send_anyway"} how
   */
  async #send(id, how) {
    const before = this.#inHand;
    try {
      await this.#promise();
      const item = this.#items.find(({ deposit_id: known }) => known === id);
      if (item && isWritten(item)) await this.#writing.keep(id);
      this.#inHand = id;
      await this.#ask((client) => client[how](id));
      this.#stage.undo.hide();
    } catch (error) {
      this.#inHand = before;
      this.#fail(error);
    }
  }

  /** @param {OutboxItem} item a written draft */
  async #edit({ deposit_id: id }) {
    if (CONVERSING.has(this.#state)) return this.#stage.complain("Finish the call or the recording first. The draft stays here.");
    this.#writing.leave();
    this.#inHand = id;
    await this.#do(async (client) => client.rewrite(id, await client.text(id)));
  }

  /** The engine shows a written draft that is not in the text field: it was opened, or brought back by Undo. */
  #reopen() {
    const id = this.#inHand;
    const item = this.#item();
    if (item?.state === "recorded" && isWritten(item)) void this.#writing.reopen(id, () => this.#state === "review" && this.#inHand === id);
  }

  /** @param {(client: any) => unknown} request */
  async #do(request) {
    try {
      await this.#ask(request);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {(client: any) => any} request */
  async #ask(request) {
    this.#need?.now();
    const client = this.#client ?? (await this.#opening) ?? (await (this.#opening = this.#open()));
    if (!client) throw new Error("This page could not start its engine. Reload it; what you recorded is safe.");
    return request(client);
  }

  /** @param {{ code?: string, name?: string, message?: string }} error */
  #fail(error) {
    if (MUTE.has(error.code ?? error.name)) this.#speechless = true;
    this.#stage.complain(this.#refusal || explain(error));
    this.update();
    this.#emit("error", { code: error.code ?? error.name, message: error.message });
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #emit(name, { type: _, ...detail }) {
    this.dispatchEvent(new CustomEvent(`afterbeep-${name}`, { bubbles: true, composed: true, detail }));
  }
}

mirror(AfterbeepCall, MIRRORED);
