// <afterbeep-inbox>: the callee's side. It shows what the exchange holds and what its events say; nothing
// is counted or kept here that a reload would lose.

import { complete, nameOf } from "./address.js";
import { CHIP_STYLES } from "./attachment-chip.js";
import { AwayNotice } from "./away-notice.js";
import { callLink, callerOf } from "./caller.js";
import { refusalOf } from "./embedding.js";
import { HOME, open } from "./engine.js";
import { count } from "./figures.js";
import { keepFocus } from "./focus-keeper.js";
import { InboxCall } from "./inbox-call.js";
import { InboxMessages } from "./inbox-messages.js";
import { MessageList } from "./message-list.js";
import { adopt, mirror } from "./mirror.js";
import { followUpdates, registerWorker } from "./offline.js";
import { Reachability } from "./reachability.js";
import { SignInForm } from "./sign-in-form.js";
import { sheetsOf } from "./style.js";
import { button, say, tree } from "./tree.js";
import { explain } from "./trouble.js";
import { UndoBar } from "./undo-bar.js";
import { VoicemailSettings } from "./voicemail-settings.js";
import { WelcomePanel } from "./welcome-panel.js";

const MIRRORED = ["server", "address", "theme", "processing"];

/** The inbox. */
export class AfterbeepInbox extends HTMLElement {
  static observedAttributes = MIRRORED;

  #messages = new InboxMessages({
    ask: (method, ...rest) => this.#ask(method, ...rest),
    wanted: () => Boolean(this.#owner) && navigator.onLine,
    asking: () => this.#settings.moment,
    fetched: (box, arrived, moment) => this.#take(box, arrived, moment),
    changed: () => this.update(),
    undone: (words, undo) => this.#undo.offer(words, undo),
    failed: (error) => this.#fail(error),
  });
  #list = new MessageList({
    load: (id, format) => this.#ask("message_media", id, format),
    file: (id, part) => this.#ask("message_attachment", id, part),
    heard: (message) => void this.#messages.heard(message),
    delete: (message) => void this.#messages.remove(message),
    callBack: (message) => this.#call.call(callerOf(message).address, callerOf(message).name),
    ladder: (session) => `${this.#home}/ladder?session=${encodeURIComponent(session)}`,
    failed: (error) => this.#fail(error),
  });
  #welcome = new WelcomePanel({
    ask: (method, ...rest) => this.#ask(method, ...rest),
    address: () => this.#owner?.address,
    changed: (words) => void this.#refreshAndTell(words),
    told: (words) => this.#tell(words),
    failed: (error) => this.#fail(error),
  });
  #call = new InboxCall({
    attempt: (request) => this.#attempt(request),
    update: () => this.update(),
    told: (words) => this.#tell(words),
    write: (address) => location.assign(callLink(address, this.#home)),
    emit: (type, detail) => this.#emit(type, detail),
  });
  #reach = new Reachability();
  #away = new AwayNotice(this);
  #settings = new VoicemailSettings({
    change: (changes) => this.#ask("change_settings", changes),
    told: (words) => void this.#refreshAndTell(words),
    failed: (error) => this.#fail(error),
  });
  #undo = new UndoBar();
  #headline = tree("h2", { class: "headline", part: "headline" }, "Inbox");
  #status = tree("p", { class: "muted", part: "status" });
  #trouble = tree("p", { class: "trouble", part: "trouble", hidden: true });
  #account = tree("span", { class: "small muted" });
  #leave = button("Sign out", "skip", () => void this.#signOut(), "quiet");
  #form = new SignInForm((address, password) => this.#signIn(address, password));
  #empty = tree(
    "div",
    { class: "empty", part: "empty", hidden: true },
    tree("p", {}, "No messages yet."),
    tree("p", { class: "muted" }, "When somebody calls you and you are away, what they say appears here at once."),
  );
  #older = tree("button", { type: "button", part: "button older-button", hidden: true, click: () => void this.#messages.showOlder() }, "Show older");

  /** @type {any} */
  #client;
  /** @type {Promise<any> | undefined} */
  #opening;
  /** @type {{ address: string, display_name?: string } | undefined} */
  #owner;
  #new = 0;
  #total = 0;
  #recording = false;
  #said = "";
  #ends = new AbortController();

  /**
   * Registers the element.
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = "afterbeep-inbox", registry = customElements) {
    if (!registry.get(tag)) registry.define(tag, this);
    return this;
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = sheetsOf("inbox", CHIP_STYLES + InboxCall.styles + AwayNotice.styles + VoicemailSettings.styles);
    this.#leave.lastElementChild.previousElementSibling?.remove();
    root.append(
      tree("div", { class: "bar" }, this.#headline, tree("div", { class: "row" }, this.#account, this.#leave)),
      tree("div", { class: "news", role: "status", "aria-live": "polite" }, this.#call.headline, this.#call.note, this.#status, this.#reach.element, this.#trouble),
      this.#call.element,
      this.#form.element,
      this.#away.element,
      this.#welcome.element,
      this.#settings.element,
      this.#undo.element,
      this.#empty,
      this.#list.element,
      this.#older,
    );
  }

  connectedCallback() {
    adopt(this, MIRRORED);
    this.#ends = new AbortController();
    const signal = this.#ends.signal;
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.#look(), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#look(), { signal });
    followUpdates(this.#server, () => this.#recording || this.#call.busy || this.#welcome.busy || this.#form.busy, signal);
    this.#opening = this.#open();
    this.#form.suggest(this.getAttribute("address") ?? "");
    this.update();
    void registerWorker(this.#server);
    void this.#askPermission();
  }

  disconnectedCallback() {
    this.#ends.abort();
    this.#list.close();
    this.#welcome.close();
    this.#call.close();
    this.#client?.close();
    this.#client = undefined;
  }

  attributeChangedCallback() {
    if (this.isConnected) this.update();
  }

  /** How many messages nobody listened to yet. */
  get new() {
    return this.#new;
  }

  /** How many messages there are. */
  get total() {
    return this.#total;
  }

  /** Paints everything from what is known. */
  update() {
    keepFocus(this.shadowRoot, () => this.#paint(), () => this.#call.first ?? this.#list.element.querySelector("button"));
  }

  #paint() {
    const inside = Boolean(this.#owner);
    this.#form.element.hidden = inside || !this.#client;
    this.#leave.hidden = !inside;
    say(this.#account, inside ? this.#owner.display_name || nameOf(this.#owner.address) : "");
    say(this.#headline, inside ? "Inbox" : "Your inbox");
    this.#call.show();
    say(this.#status, this.#said || (inside && !this.#call.busy ? this.#summary() : ""));
    this.#reach.show(inside && !this.#call.busy ? { recording: this.#recording, settings: this.#settings.all } : undefined);
    this.#away.show(inside && !this.#call.busy);
    const { all, loaded, more } = this.#messages;
    this.#list.show(inside ? all : [], Date.now());
    this.#empty.hidden = !(inside && loaded && all.length === 0);
    this.#older.hidden = !(inside && more);
    this.#welcome.show(inside && loaded, this.#total === 0);
    this.#settings.element.hidden = !(inside && loaded);
  }

  get #server() {
    return this.getAttribute("server") || HOME;
  }

  get #home() {
    return this.#server.replace(/^ws/, "http").replace(/\/+$/, "");
  }

  #summary() {
    if (!navigator.onLine) return "You are offline. New messages come with the network.";
    if (!this.#messages.loaded || this.#total === 0) return "";
    const fresh = this.#new > 0 ? count(this.#new, "new message") : "Nothing new";
    return `${fresh}, ${this.#total} in all`;
  }

  async #open() {
    try {
      const processing = this.getAttribute("processing") ?? undefined;
      const client = await open({ server: this.#server, processing }, (event) => this.#hear(event));
      if (this.#ends.signal.aborted) return client.close();
      this.#client = client;
      if (client.signed_in()) await this.#begin();
      this.update();
      return client;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** @param {any} event */
  #hear(event) {
    if (event.type === "state") this.#recording = event.state === "recording" || event.state === "paused";
    if (event.type === "mailbox") this.#look();
    if (event.type === "connection" && event.online) this.#look();
    if (event.type === "error") this.#fail(event);
    this.#reach.hear(event);
    const before = this.#call.busy;
    this.#call.hear(event);
    if (this.#call.busy && !before) this.#tell("");
    this.#welcome.hear(event);
    if (event.type === "reachable" || event.type === "state") this.update();
  }

  /** Says where this page may not use its server at all. */
  async #askPermission() {
    const refusal = await refusalOf(this.#server);
    if (refusal && this.isConnected) this.#fail({ code: "origin_refused", message: refusal });
  }

  async #begin() {
    this.#owner = this.#client.signed_in();
    this.#messages.belongTo(this.#owner.address);
    this.#welcome.link(callLink(this.#owner.address, this.#home));
    this.update();
    await this.#messages.refresh();
    await this.#client.listen();
  }

  /**
   * @param {string} address
   * @param {string} password
   */
  async #signIn(address, password) {
    try {
      await this.#ask("sign_in", complete(address, this.#home), password);
      this.#form.forget();
      say(this.#trouble, "");
      await this.#begin();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #signOut() {
    try {
      await this.#ask("sign_out");
    } catch (error) {
      this.#fail(error);
    }
    this.#owner = this.#client?.signed_in();
    this.#forget();
    this.update();
    this.#form.focus();
  }

  #forget() {
    this.#messages.forget();
    this.#away.forget();
    this.#welcome.forget();
    this.#said = "";
    this.#undo.hide();
    this.#call.close();
    this.#settings.close();
    this.#count(0, 0);
  }

  /** What the exchange holds may be something else than what is shown, and the network may have come or gone. */
  #look() {
    void this.#messages.refresh();
    this.update();
  }

  /** @param {string} words what was done; the exchange is asked first what is so now */
  async #refreshAndTell(words) {
    await this.#messages.refresh();
    this.#tell(words);
  }

  /**
   * @param {any} box the mailbox as the exchange has it
   * @param {import("./message-list.js").Message[]} arrived newest first
   * @param {number} moment of the settings, when they were asked for
   */
  #take(box, [newest], moment) {
    say(this.#trouble, "");
    this.#welcome.describe(box.greeting, box.settings.greeting);
    if (moment === this.#settings.moment) this.#settings.show(box.settings);
    if (newest) this.#away.arrived(callerOf(newest).label, box.counts.new);
    this.#count(box.counts.new, box.counts.total);
  }

  /**
   * @param {number} fresh
   * @param {number} total
   */
  #count(fresh, total) {
    if (fresh !== this.#new || total !== this.#total) this.#said = "";
    this.#new = fresh;
    this.#total = total;
    this.update();
    this.#emit("afterbeep-inbox", { new: fresh, total });
  }

  /** @param {string} words */
  #tell(words) {
    this.#said = words;
    say(this.#trouble, "");
    this.update();
  }

  /**
   * @param {string} method
   * @param {...unknown} rest
   */
  async #ask(method, ...rest) {
    const client = this.#client ?? (await this.#opening);
    if (!client) throw new Error("This page could not start its engine. Reload it; your messages are safe.");
    return client[method](...rest);
  }

  /** @param {(client: any) => unknown} request asked of the engine; a failure is explained */
  async #attempt(request) {
    try {
      await request(this.#client ?? (await this.#opening));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {{ code?: string, name?: string, message?: string }} error */
  #fail(error) {
    say(this.#trouble, explain(error));
    this.#said = "";
    this.#owner = this.#client?.signed_in();
    this.update();
    this.#emit("afterbeep-error", { code: error.code ?? error.name, message: error.message });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
  }
}

mirror(AfterbeepInbox, MIRRORED);
