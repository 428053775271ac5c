// How the owner's voicemail meets callers: each choice is saved as it is made, and shown only as the exchange has it.
// Taking one back is choosing the other one again.

import { FIELDS, LONGEST_RING_S, savedWords } from "./settings-fields.js";
import { say, tree } from "./tree.js";

/**
 * What the panel asks of the inbox.
 * @typedef {object} SettingsOwner
 * @property {(changes: Record<string, unknown>) => Promise<Record<string, unknown>>} change saves, and gives all settings
 * @property {(words: string) => void} told what was done
 * @property {(error: Error) => void} failed
 */

/** One panel. */
export class VoicemailSettings {
  static styles = `
.settings .inside { gap: 32px; }
.settings fieldset { display: grid; gap: 4px; min-width: 0; }
.settings legend { padding: 0; margin-bottom: 4px; font-weight: 600; }
.choice { display: grid; grid-template-columns: auto 1fr; gap: 0 12px; padding: 8px 0; color: var(--ink); font-size: 1rem; cursor: pointer; }
.choice input { width: 20px; min-height: 20px; height: 20px; margin: 2px 0; accent-color: var(--accent); }
.choice .small { grid-column: 2; }
.ring { display: grid; gap: 8px; justify-items: start; }
.ring label { color: var(--ink); font-size: 1rem; font-weight: 600; gap: 8px; }
.ring input { width: 8rem; font-weight: 400; }
.saved { color: var(--accent); font-weight: 560; }
`;

  #owner;
  /** @type {Record<string, unknown>} */
  #settings = {};
  /** Rises with every choice, and when it is saved. */
  #moment = 0;
  #unsaved = 0;
  /** @type {Promise<unknown>} one choice is saved after the other */
  #queue = Promise.resolve();
  #fields = FIELDS.map((field) => ({ field, group: this.#group(field) }));
  #seconds = tree("input", { type: "number", name: "ring_timeout_s", part: "input", min: 0, max: LONGEST_RING_S, step: 1, inputmode: "numeric", "aria-describedby": "ring-means", change: () => this.#ringFor() });
  #saved = tree("p", { class: "saved", part: "saved", hidden: true });

  /** @param {SettingsOwner} owner */
  constructor(owner) {
    this.#owner = owner;
    const ring = tree(
      "div",
      { class: "ring" },
      tree("label", {}, "Seconds your phone rings", this.#seconds),
      tree("p", { class: "small muted", id: "ring-means" }, `Then your voicemail takes the call; with 0, at once. From 0 to ${LONGEST_RING_S}; empty: as your server has it.`),
    );
    this.element = tree(
      "details",
      { class: "welcome settings", part: "settings", hidden: true },
      tree("summary", {}, "Voicemail settings"),
      tree("div", { class: "inside" }, tree("p", { class: "muted" }, "Every choice is saved as you make it."), ring, ...this.#fields.map(({ group }) => group), this.#saved),
    );
  }

  /** The settings as the exchange has them. */
  get all() {
    return this.#settings;
  }

  /** Settings that were asked for at another moment may be older than what was chosen since. */
  get moment() {
    return this.#moment;
  }

  /** @param {Record<string, unknown>} settings as the exchange has them */
  show(settings) {
    this.#settings = settings;
    for (const { field, group } of this.#fields) {
      const present = settings[field.name] ?? field.choices[0].value;
      for (const input of group.querySelectorAll("input")) input.checked = input.value === present;
      group.hidden = field.matters?.(settings) === false;
    }
    if (this.#seconds.getRootNode().activeElement !== this.#seconds) this.#seconds.value = String(settings.ring_timeout_s ?? "");
  }

  /** Forgets the settings, and what was saved last. */
  close() {
    this.#settings = {};
    say(this.#saved, "");
  }

  /** @param {import("./settings-fields.js").Field} field */
  #group({ name, legend, choices }) {
    const options = choices.map(({ value, word, means }) =>
      tree(
        "label",
        { class: "choice" },
        tree("input", { type: "radio", name, value, part: "choice", "aria-describedby": `${name}-${value}`, change: () => void this.#save(name, value) }),
        tree("span", {}, word),
        tree("span", { class: "small muted", id: `${name}-${value}`, "aria-hidden": "true" }, means),
      ),
    );
    return tree("fieldset", { part: "setting" }, tree("legend", {}, legend), ...options);
  }

  #ringFor() {
    if (!this.#seconds.checkValidity()) return this.#seconds.reportValidity();
    void this.#save("ring_timeout_s", this.#seconds.value === "" ? null : Number(this.#seconds.value));
  }

  /**
   * @param {string} name
   * @param {string | number | null} value
   */
  async #save(name, value) {
    say(this.#saved, "");
    this.#moment += 1;
    this.#unsaved += 1;
    const saving = this.#queue.then(() => this.#owner.change({ [name]: value }));
    this.#queue = saving.catch(() => {});
    try {
      this.#settle(await saving);
      const words = savedWords(name, value);
      this.#saved.remove();
      this.#place(name).append(this.#saved);
      say(this.#saved, words);
      this.#owner.told(words);
    } catch (error) {
      this.#settle(this.#settings);
      this.#owner.failed(error);
    }
  }

  /** @param {Record<string, unknown>} settings as they are after a choice; while another one is being saved, that is shown */
  #settle(settings) {
    this.#moment += 1;
    this.#unsaved -= 1;
    this.#settings = settings;
    if (this.#unsaved === 0) this.show(settings);
  }

  /** @param {string} name the part of the panel where this setting stands */
  #place(name) {
    return this.#fields.find(({ field }) => field.name === name)?.group ?? this.#seconds.closest(".ring");
  }
}
