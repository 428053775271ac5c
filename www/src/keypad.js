// The keys of a telephone, for menus that ask for them during a call. It knows no engine.

import { say, tree } from "./tree.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
/** As many of the keys pressed last are shown. */
const SHOWN = 20;

export const KEYPAD_STYLES = `
.keypad { display: grid; justify-items: center; gap: 12px; }
.keys { display: grid; grid-template-columns: repeat(3, 72px); gap: 12px; }
.keys button { min-height: 64px; padding: 0; font-size: 1.375rem; font-variant-numeric: tabular-nums; }
.pressed { min-height: 2rem; font-size: 1.25rem; letter-spacing: 0.12em; overflow-wrap: anywhere; }
`;

/** One keypad; keys of the keyboard count as its own while the focus is in it. */
export class Keypad {
  #pressed = tree("p", { class: "pressed figures", part: "keys-pressed", hidden: true });
  #keys = KEYS.map((key) => tree("button", { type: "button", part: "button key-button", click: () => this.#press(key) }, key));
  #press;

  /** @param {{ send: (key: string) => void, leave: () => void }} owner `leave` when Escape closes it */
  constructor({ send, leave }) {
    this.#press = (key) => {
      say(this.#pressed, (this.#pressed.textContent + key).slice(-SHOWN));
      send(key);
    };
    const keys = tree("div", { class: "keys", part: "keys", role: "group", "aria-label": "Keys" }, ...this.#keys);
    this.element = tree("div", { class: "keypad", part: "keypad", hidden: true }, this.#pressed, keys);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
      else if (!event.ctrlKey && !event.metaKey && !event.altKey && KEYS.includes(event.key)) this.#press(event.key);
    });
  }

  /** Whether it is open. */
  get open() {
    return !this.element.hidden;
  }

  /** Opens it, with the focus on its first key. */
  show() {
    this.element.hidden = false;
    this.#keys[0].focus();
  }

  /** Closes it, and forgets what was pressed. */
  hide() {
    this.element.hidden = true;
    say(this.#pressed, "");
  }
}
