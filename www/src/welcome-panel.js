// What the owner of a mailbox shows to callers: the link that calls him, and his greeting.

import { CallLink } from "./call-link.js";
import { clock } from "./figures.js";
import { GreetingStudio } from "./greeting-studio.js";
import { button, say, tree } from "./tree.js";

/** What callers hear where the owner has chosen it so, whatever greeting there is. */
const CHOSEN = {
  none: "Callers hear no greeting, as you chose.",
  system: "Callers hear the standard greeting, as you chose.",
};

/**
 * What the panel asks of the inbox.
 * @typedef {object} WelcomeOwner
 * @property {(method: string, ...rest: unknown[]) => Promise<any>} ask the engine
 * @property {() => string | undefined} address of who is signed in
 * @property {(words: string) => void} changed the greeting is another one now; what to say of it
 * @property {(words: string) => void} told
 * @property {(error: Error) => void} failed
 */

/** One panel. */
export class WelcomePanel {
  #owner;
  #studio;
  #link;
  #heard = tree("p", { class: "muted" });
  #standard = button("Use standard greeting", "again", () => void this.#drop(), "quiet");
  /** It was shown since somebody signed in. */
  #shown = false;

  /** @param {WelcomeOwner} owner */
  constructor(owner) {
    this.#owner = owner;
    this.#studio = new GreetingStudio({
      ask: (method, ...rest) => owner.ask(method, ...rest),
      record: () => this.#record(),
      failed: (error) => owner.failed(error),
      told: (words) => owner.changed(words),
    });
    this.#link = new CallLink((words) => owner.told(words));
    this.element = tree(
      "details",
      { class: "welcome", part: "welcome", hidden: true },
      tree("summary", {}, "Your call link and greeting"),
      tree(
        "div",
        { class: "inside" },
        this.#link.element,
        tree("div", { class: "studio" }, tree("div", { class: "row" }, this.#heard, this.#standard), this.#studio.element),
      ),
    );
  }

  /** Whether leaving now would interrupt something. */
  get busy() {
    return this.#studio.busy;
  }

  /** @param {any} event */
  hear(event) {
    this.#studio.hear(event);
  }

  /** @param {string} link */
  link(link) {
    this.#link.show(link);
  }

  /**
   * @param {{ personal?: boolean, duration_ms?: number } | undefined} greeting
   * @param {string} choice the setting
   */
  describe(greeting, choice) {
    const own = greeting?.personal === true;
    const heard = own ? `Callers hear your own greeting, ${clock(greeting.duration_ms ?? 0)} long.` : "Callers hear a standard greeting. Record your own.";
    say(this.#heard, CHOSEN[choice] ?? heard);
    this.#standard.hidden = !own;
    this.#studio.describe(greeting);
  }

  /**
   * @param {boolean} shown
   * @param {boolean} first whether it stands open at first
   */
  show(shown, first) {
    this.element.hidden = !shown;
    if (!shown || this.#shown) return;
    this.#shown = true;
    this.element.open = first;
  }

  /** Somebody else may sign in. */
  forget() {
    this.#shown = false;
  }

  /** Releases what it holds. */
  close() {
    this.#studio.close();
  }

  async #drop() {
    try {
      await this.#owner.ask("delete_greeting");
      this.#owner.changed("Callers hear the standard greeting now.");
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  /** A greeting is recorded as a message to oneself that is never sent. */
  async #record() {
    try {
      await this.#owner.ask("record", this.#owner.address());
    } catch (error) {
      this.#owner.failed(error);
    }
  }
}
