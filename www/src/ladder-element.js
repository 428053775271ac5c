// <afterbeep-ladder>: the calls of whoever is signed in, each as a ladder; for the operator, anybody's. It shows what
// the exchange kept and nothing else.

import { callItems } from "./ladder-list.js";
import { OperatorCalls, OwnCalls } from "./ladder-source.js";
import { LADDER_STYLES } from "./ladder-style.js";
import { LadderView } from "./ladder-view.js";
import { OperatorForm } from "./operator-form.js";
import { SignInForm } from "./sign-in-form.js";
import { sheetsOf } from "./style.js";
import { button, say, tree } from "./tree.js";
import { explain } from "./trouble.js";

const INTRODUCTION = "See every call to you, and every call you made, as a picture: who said what to whom, and when.";

/** The page's only element. */
export class AfterbeepLadder extends HTMLElement {
  #own = new OwnCalls();
  /** @type {OwnCalls | OperatorCalls | undefined} where the shown calls come from */
  #source;
  /** @type {import("./ladder-list.js").Call[] | undefined} */
  #calls;
  /** @type {import("./ladder-rows.js").Ladder | undefined} */
  #ladder;
  #asked = 0;
  #heading = tree("h2", { class: "headline" }, "Calls");
  #note = tree("p", { class: "muted", role: "status", "aria-live": "polite" });
  #trouble = tree("p", { class: "trouble", role: "alert", hidden: true });
  #leave = button("Sign out", "skip", () => void this.#signOut(), "quiet");
  #back = button("All calls", "list", () => void this.#go(""), "quiet back");
  #list = tree("ul", { class: "calls", "aria-label": "Calls", hidden: true });
  #view = new LadderView();
  #signIn = new SignInForm((address, password) => this.#enter(address, password), INTRODUCTION);
  #operator = new OperatorForm((address, token) => this.#operate(address, token));
  #empty = tree(
    "div",
    { class: "empty", hidden: true },
    tree("p", {}, "No calls in the last seven days."),
    tree("p", { class: "muted" }, "When you call or are called, the call appears here, message by message."),
  );

  /**
   * Registers the element.
   * @param {string} [tag]
   * @param {CustomElementRegistry} [registry]
   */
  static define(tag = "afterbeep-ladder", registry = customElements) {
    if (!registry.get(tag)) registry.define(tag, this);
    return this;
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = sheetsOf("inbox", LADDER_STYLES);
    root.append(
      tree("div", { class: "bar" }, this.#heading, this.#back, tree("div", { class: "row" }, this.#leave)),
      tree("div", { class: "news" }, this.#note, this.#trouble),
      this.#signIn.element,
      this.#empty,
      this.#list,
      this.#view.element,
      this.#operator.element,
    );
    this.#paint();
  }

  connectedCallback() {
    window.addEventListener("popstate", this.#follow);
    void this.#start();
  }

  disconnectedCallback() {
    window.removeEventListener("popstate", this.#follow);
    this.#own.close();
  }

  #follow = () => void this.#load();

  async #start() {
    say(this.#note, "Loading…");
    try {
      if (await this.#own.owner()) this.#source = this.#own;
    } catch (error) {
      this.#fail(error);
    }
    await this.#load();
  }

  /** Shows what the page's address says. */
  async #load() {
    const query = new URLSearchParams(location.search);
    const mine = (this.#asked += 1);
    this.#ladder = undefined;
    if (!this.#source) {
      say(this.#note, "");
      return this.#paint();
    }
    say(this.#note, "Loading…");
    try {
      const id = query.get("call") ?? (await this.#callOf(query.get("session")));
      const found = id ? await this.#source.ladder(id) : await this.#source.list();
      if (mine !== this.#asked) return;
      if (id) this.#ladder = found;
      else this.#calls = found;
      say(this.#trouble, "");
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#fail(error);
    }
    say(this.#note, "");
    this.#paint();
    if (this.#ladder) this.#view.focus();
  }

  /**
   * The call in which a session was given; sessions live longer than ladders.
   * @param {string | null} session
   */
  async #callOf(session) {
    if (!session || !(this.#source instanceof OwnCalls)) return undefined;
    const [call] = await this.#source.list(session);
    if (!call) throw new Error("This call is not kept here. Calls can be looked at for seven days, unless the operator has turned that off.");
    return call.id;
  }

  #paint() {
    const inside = Boolean(this.#source);
    this.#signIn.element.hidden = inside;
    this.#operator.element.hidden = inside && this.#source === this.#own;
    this.#leave.hidden = !inside;
    this.#view.show(this.#ladder);
    this.#heading.hidden = Boolean(this.#ladder);
    this.#back.hidden = !(inside && location.search !== "");
    const listed = inside && !this.#ladder && this.#calls !== undefined && location.search === "";
    this.#list.hidden = !(listed && this.#calls.length > 0);
    this.#empty.hidden = !(listed && this.#calls.length === 0);
    if (listed) this.#list.replaceChildren(...callItems(this.#calls, (id) => void this.#go(`?call=${encodeURIComponent(id)}`)));
  }

  /** @param {string} query */
  async #go(query) {
    history.pushState(null, "", `/ladder${query}`);
    await this.#load();
  }

  /**
   * @param {string} address
   * @param {string} password
   */
  async #enter(address, password) {
    try {
      await this.#own.signIn(address, password);
      this.#signIn.forget();
      this.#source = this.#own;
      await this.#load();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {string} address
   * @param {string} token
   */
  async #operate(address, token) {
    const source = new OperatorCalls(address, token);
    try {
      await source.list();
      this.#source = source;
      await this.#load();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #signOut() {
    try {
      if (this.#source === this.#own) await this.#own.signOut();
      this.#source = undefined;
      this.#calls = undefined;
      this.#operator.forget();
      history.replaceState(null, "", "/ladder");
      await this.#load();
      this.#signIn.focus();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {any} error */
  #fail(error) {
    say(this.#note, "");
    say(this.#trouble, explain(error));
  }
}
