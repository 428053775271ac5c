// <afterbeep-inbox>: the callee's side. It shows what the exchange holds and what its events say; nothing
// is counted or kept here that a reload would lose.

import { complete, nameOf } from "./address.js";
import { CHIP_STYLES } from "./attachment-chip.js";
import { CallLink } from "./call-link.js";
import { callLink, callerOf } from "./caller.js";
import { CannotCall } from "./cannot-call.js";
import { refusalOf } from "./embedding.js";
import { HOME, open } from "./engine.js";
import { clock, count } from "./figures.js";
import { keepFocus } from "./focus-keeper.js";
import { GreetingStudio } from "./greeting-studio.js";
import { InboxCall } from "./inbox-call.js";
import { MessageList } from "./message-list.js";
import { adopt, mirror } from "./mirror.js";
import { followUpdates, registerWorker } from "./offline.js";
import { SignInForm } from "./sign-in-form.js";
import { sheetsOf } from "./style.js";
import { button, say, tree } from "./tree.js";
import { explain } from "./trouble.js";
import { UndoBar } from "./undo-bar.js";
import { VoicemailSettings } from "./voicemail-settings.js";

/** @typedef {import("./message-list.js").Message} Message */

const MIRRORED = ["server", "address", "theme", "processing"];

/** The inbox. */
export class AfterbeepInbox extends HTMLElement {
  static observedAttributes = MIRRORED;

  #list = new MessageList({
    load: (id, format) => this.#ask("message_media", id, format),
    file: (id, part) => this.#ask("message_attachment", id, part),
    heard: (message) => void this.#heard(message),
    delete: (message) => void this.#delete(message),
    callBack: (message) => this.#call.call(callerOf(message).address, callerOf(message).name),
    ladder: (session) => `${this.#home}/ladder?session=${encodeURIComponent(session)}`,
    failed: (error) => this.#fail(error),
  });
  #studio = new GreetingStudio({
    ask: (method, ...rest) => this.#ask(method, ...rest),
    record: () => this.#record(),
    failed: (error) => this.#fail(error),
    told: (words) => void this.#refresh().then(() => this.#tell(words)),
  });
  #call = new InboxCall({
    attempt: (request) => this.#attempt(request),
    update: () => this.update(),
    told: (words) => this.#tell(words),
    write: (address) => location.assign(callLink(address, this.#home)),
    emit: (type, detail) => this.#emit(type, detail),
  });
  #cannot = new CannotCall({ update: () => this.update() });
  #settings = new VoicemailSettings({
    change: (changes) => this.#ask("change_settings", changes),
    told: (words) => void this.#refresh().then(() => this.#tell(words)),
    failed: (error) => this.#fail(error),
  });
  #undo = new UndoBar();
  #headline = tree("h2", { class: "headline", part: "headline" }, "Inbox");
  #status = tree("p", { class: "muted", part: "status" });
  #trouble = tree("p", { class: "trouble", part: "trouble", hidden: true });
  #account = tree("span", { class: "small muted" });
  #leave = button("Sign out", "skip", () => void this.#signOut(), "quiet");
  #form = new SignInForm((address, password) => this.#signIn(address, password));
  #link = new CallLink((words) => this.#tell(words));
  #welcome = tree("details", { class: "welcome", part: "welcome", hidden: true });
  #empty = tree(
    "div",
    { class: "empty", part: "empty", hidden: true },
    tree("p", {}, "No messages yet."),
    tree("p", { class: "muted" }, "When somebody calls you and you are away, what they say appears here at once."),
  );
  #heardGreeting = tree("p", { class: "muted" });
  #standard = button("Use standard greeting", "again", () => void this.#dropGreeting(), "quiet");
  #older = tree("button", { type: "button", part: "button older-button", hidden: true, click: () => void this.#more() }, "Show older");

  /** @type {any} */
  #client;
  /** @type {Promise<any> | undefined} */
  #opening;
  /** @type {{ address: string, display_name?: string } | undefined} */
  #owner;
  /** @type {Message[]} */
  #messages = [];
  #next = "";
  #new = 0;
  #total = 0;
  #loaded = false;
  #welcomed = false;
  #recording = false;
  #said = "";
  /** @type {Promise<void> | undefined} */
  #refreshing;
  #stale = false;
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
    root.adoptedStyleSheets = sheetsOf("inbox", CHIP_STYLES + InboxCall.styles + VoicemailSettings.styles);
    this.#leave.lastElementChild.previousElementSibling?.remove();
    this.#fillWelcome();
    root.append(
      tree("div", { class: "bar" }, this.#headline, tree("div", { class: "row" }, this.#account, this.#leave)),
      tree("div", { class: "news", role: "status", "aria-live": "polite" }, this.#call.headline, this.#call.note, this.#status, this.#trouble),
      this.#call.element,
      this.#cannot.element,
      this.#form.element,
      this.#welcome,
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
    for (const name of ["online", "offline"]) window.addEventListener(name, () => void this.#refresh(), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void this.#refresh(), { signal });
    followUpdates(this.#server, () => this.#recording || this.#call.busy || this.#studio.busy || this.#form.busy, signal);
    this.#opening = this.#open();
    this.#form.suggest(this.getAttribute("address") ?? "");
    this.update();
    void registerWorker(this.#server);
    void this.#askPermission();
  }

  disconnectedCallback() {
    this.#ends.abort();
    this.#list.close();
    this.#studio.close();
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
    this.#cannot.show({ state: inside ? "idle" : "" });
    say(this.#status, this.#said || (inside && !this.#call.busy ? this.#summary() : ""));
    this.#list.show(inside ? this.#messages : [], Date.now());
    this.#empty.hidden = !(inside && this.#loaded && this.#messages.length === 0);
    this.#older.hidden = !(inside && this.#next);
    this.#paintWelcome(inside && this.#loaded);
  }

  get #server() {
    return this.getAttribute("server") || HOME;
  }

  get #home() {
    return this.#server.replace(/^ws/, "http").replace(/\/+$/, "");
  }

  #summary() {
    if (!navigator.onLine) return "You are offline. New messages come with the network.";
    if (!this.#loaded || this.#total === 0) return "";
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
    if (event.type === "mailbox") void this.#refresh();
    if (event.type === "connection" && event.online) void this.#refresh();
    if (event.type === "error") this.#fail(event);
    this.#cannot.hear(event);
    const before = this.#call.busy;
    this.#call.hear(event);
    if (this.#call.busy && !before) this.#tell("");
    this.#studio.hear(event);
  }

  /** Says where this page may not use its server at all. */
  async #askPermission() {
    const refusal = await refusalOf(this.#server);
    if (refusal && this.isConnected) this.#fail({ code: "origin_refused", message: refusal });
  }

  async #begin() {
    this.#owner = this.#client.signed_in();
    this.#link.show(callLink(this.#owner.address, this.#home));
    this.update();
    await this.#refresh();
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
    this.#messages = [];
    this.#next = "";
    this.#loaded = false;
    this.#welcomed = false;
    this.#said = "";
    this.#undo.hide();
    this.#call.close();
    this.#settings.close();
    this.#count(0, 0);
  }

  /** Fetches the newest messages; while that goes on, further calls wait for one more fetch. */
  async #refresh() {
    if (!this.#owner) return;
    if (!navigator.onLine) return this.update();
    if (this.#refreshing) {
      this.#stale = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#fetch();
    await this.#refreshing;
    this.#refreshing = undefined;
    if (!this.#stale) return;
    this.#stale = false;
    await this.#refresh();
  }

  async #fetch() {
    try {
      const [box, page] = await Promise.all([this.#ask("mailbox"), this.#ask("messages")]);
      if (!this.#owner) return;
      const shown = new Set(page.messages.map((message) => message.id));
      this.#messages = [...page.messages, ...(page.next ? this.#messages.filter((message) => older(message, page.messages) && !shown.has(message.id)) : [])];
      if (this.#messages.length === page.messages.length) this.#next = page.next ?? "";
      this.#loaded = true;
      say(this.#trouble, "");
      this.#describeGreeting(box.greeting, box.settings.greeting);
      this.#settings.show(box.settings);
      this.#count(box.counts.new, box.counts.total);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #more() {
    try {
      const page = await this.#ask("messages", this.#next);
      this.#messages = [...this.#messages, ...page.messages];
      this.#next = page.next ?? "";
      this.update();
    } catch (error) {
      this.#fail(error);
    }
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

  /** @param {Message} message */
  async #heard(message) {
    if (message.state !== "new") return;
    try {
      await this.#ask("set_message_state", message.id, "heard");
      await this.#refresh();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Message} message */
  async #delete(message) {
    try {
      await this.#ask("delete_message", message.id);
      this.#undo.offer(`Message from ${callerOf(message).label} deleted.`, () => void this.#restore(message.id));
      await this.#refresh();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {string} id */
  async #restore(id) {
    try {
      await this.#ask("restore_message", id);
      await this.#refresh();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {{ personal?: boolean, duration_ms?: number } | undefined} greeting
   * @param {string} choice the setting
   */
  #describeGreeting(greeting, choice) {
    const own = greeting?.personal === true;
    const heard = own ? `Callers hear your own greeting, ${clock(greeting.duration_ms ?? 0)} long.` : "Callers hear a standard greeting. Record your own.";
    say(this.#heardGreeting, { none: "Callers hear no greeting, as you chose.", system: "Callers hear the standard greeting, as you chose." }[choice] ?? heard);
    this.#standard.hidden = !own;
    this.#studio.describe(greeting);
  }

  async #dropGreeting() {
    try {
      await this.#ask("delete_greeting");
      await this.#refresh();
      this.#tell("Callers hear the standard greeting now.");
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A greeting is recorded as a message to oneself that is never sent. */
  async #record() {
    try {
      await this.#ask("record", this.#owner?.address);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fillWelcome() {
    this.#welcome.append(
      tree("summary", {}, "Your call link and greeting"),
      tree(
        "div",
        { class: "inside" },
        this.#link.element,
        tree("div", { class: "studio" }, tree("div", { class: "row" }, this.#heardGreeting, this.#standard), this.#studio.element),
      ),
    );
  }

  /** @param {boolean} shown */
  #paintWelcome(shown) {
    this.#welcome.hidden = !shown;
    this.#settings.element.hidden = !shown;
    if (!shown || this.#welcomed) return;
    this.#welcomed = true;
    this.#welcome.open = this.#total === 0;
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

/**
 * Whether a message is older than all of these.
 * @param {Message} message
 * @param {Message[]} others
 */
function older(message, others) {
  const last = others.at(-1);
  return last !== undefined && message.received_at < last.received_at;
}

mirror(AfterbeepInbox, MIRRORED);
