// The outbox: everything said on this device that its callee does not have yet.

import { nameOf } from "./address.js";
import { isWritten, OUTBOX_CONTROLS, outboxLines } from "./call-words.js";
import { age, clock, size } from "./figures.js";
import { Player } from "./player.js";
import { button, say, tree } from "./tree.js";

/** @typedef {import("./engine.js").OutboxItem} OutboxItem */

/**
 * What a list asks its owner to do.
 * @typedef {object} OutboxRequests
 * @property {(id: string) => void} send
 * @property {(id: string) => void} sendAnyway
 * @property {(item: OutboxItem) => void} edit
 * @property {(item: OutboxItem) => void} delete
 * @property {(id: string) => Promise<string>} text words of a written message
 * @property {(id: string) => Promise<string>} load
 * @property {(error: Error) => void} failed
 */

/** Kinds that are named; a voice message goes without saying. */
const NAMED = { text: "Written", video: "Video" };
const ENDINGS = { "text/plain": "txt", "audio/ogg": "ogg", "audio/webm": "webm", "video/webm": "webm", "audio/mp4": "m4a", "video/mp4": "mp4" };

/** The list named Outbox, keyed by deposit, so that what plays goes on playing. */
export class OutboxList {
  #list = tree("ul", { "aria-label": "Outbox", part: "outbox-list" });
  #section = tree("section", { class: "outbox", part: "outbox", lang: "en", hidden: true }, tree("h3", {}, "Outbox"), this.#list);
  /** @type {Map<string, OutboxRow>} */
  #rows = new Map();
  #requests;

  /** @param {OutboxRequests} requests */
  constructor(requests) {
    this.#requests = requests;
  }

  /** Heading and list. */
  get element() {
    return this.#section;
  }

  /**
   * Shows these items, in this order.
   * @param {OutboxItem[]} items
   * @param {import("./call-words.js").Situation} situation
   * @param {string} [inHand] the deposit the stage speaks of
   */
  show(items, situation, inHand) {
    this.#dropAllBut(new Set(items.map((item) => item.deposit_id)));
    items.forEach((item, index) => {
      const row = this.#row(item);
      row.show(item, situation, item.deposit_id === inHand);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    this.#section.hidden = items.length === 0;
  }

  /** Releases all players. */
  close() {
    this.#dropAllBut(new Set());
  }

  /** @param {OutboxItem} item */
  #row(item) {
    const known = this.#rows.get(item.deposit_id);
    if (known) return known;
    const made = new OutboxRow(item.deposit_id, this.#requests);
    this.#rows.set(item.deposit_id, made);
    return made;
  }

  /** @param {Set<string>} kept */
  #dropAllBut(kept) {
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.close();
      this.#rows.delete(id);
    }
  }
}

class OutboxRow {
  #title = tree("span", { class: "who" });
  #facts = tree("span", { class: "small muted figures" });
  #words = tree("blockquote", { class: "words", part: "outbox-words", hidden: true });
  #read = "";
  #place = tree("p", { class: "small", part: "outbox-place" });
  #next = tree("p", { class: "small muted figures", part: "outbox-reason" });
  #controls = tree("div", { class: "row" });
  #player;
  #buttons;
  /** @type {OutboxItem | undefined} */
  #item;
  #requests;

  /**
   * @param {string} id
   * @param {OutboxRequests} requests
   */
  constructor(id, requests) {
    this.#requests = requests;
    this.#player = new Player({ load: () => requests.load(id), failed: requests.failed, look: "quiet" });
    this.#buttons = {
      send: button("Send", "send", () => requests.send(id)),
      sendAnyway: button("Send anyway", "send", () => requests.sendAnyway(id)),
      edit: button("Edit", "write", () => this.#item && requests.edit(this.#item), "quiet"),
      play: this.#player.button,
      save: button("Save as file", "save", () => void this.#save(), "quiet"),
      delete: button("Delete", "delete", () => this.#item && requests.delete(this.#item), "quiet"),
    };
    this.#controls.append(...Object.values(this.#buttons));
    this.element = tree(
      "li",
      { part: "outbox-item" },
      tree("div", { class: "top" }, this.#title, this.#facts),
      this.#player.screen,
      this.#player.slider,
      this.#words,
      tree("div", {}, this.#place, this.#next),
      this.#controls,
    );
  }

  /**
   * @param {OutboxItem} item
   * @param {import("./call-words.js").Situation} situation
   * @param {boolean} inHand
   */
  show(item, situation, inHand) {
    const name = item.to_name || nameOf(item.to);
    if (this.#item?.duration_ms !== item.duration_ms) this.#player.show(item.waveform ?? [], item.duration_ms, item.kind);
    this.#item = item;
    say(this.#title, `To ${name}`);
    say(this.#facts, [NAMED[item.kind], isWritten(item) ? "" : clock(item.duration_ms), size(item.size), age(item.created_at, situation.now)].filter(Boolean).join(" · "));
    const [place, next] = outboxLines(item, { ...situation, name, item });
    say(this.#place, place);
    say(this.#next, next);
    const offered = controlsOf(item, situation.online);
    if (isWritten(item)) void this.#readWords(item);
    this.#words.hidden = inHand || this.#words.textContent === "";
    this.#player.slider.hidden = isWritten(item) || (inHand && !this.#player.started) || item.state === "deposited";
    if (this.#player.slider.hidden) this.#player.screen.hidden = true;
    this.#controls.classList.toggle("flush", ["play", "save"].includes(offered[0]));
    for (const [control, element] of Object.entries(this.#buttons)) element.hidden = !offered.includes(control);
  }

  close() {
    this.#player.close();
    this.element.remove();
  }

  /**
   * Words are read again after they changed.
   * @param {OutboxItem} item
   */
  async #readWords({ deposit_id: id, size: bytes, state }) {
    const key = `${bytes} ${state}`;
    if (this.#read === key) return;
    this.#read = key;
    try {
      const text = await this.#requests.text(id);
      if (this.#read === key) say(this.#words, text);
    } catch (error) {
      this.#requests.failed(error);
    }
  }

  async #save() {
    const item = this.#item;
    if (!item) return;
    try {
      const url = await this.#requests.load(item.deposit_id);
      tree("a", { href: url, download: fileName(item) }).click();
    } catch (error) {
      this.#requests.failed(error);
    }
  }
}

/**
 * Without any network there is nothing to send anyway.
 * @param {OutboxItem} item
 * @param {boolean} online
 */
function controlsOf({ state, kind }, online) {
  const spoken = OUTBOX_CONTROLS[state] ?? [];
  const controls = isWritten({ kind }) ? spoken.flatMap((control) => (control !== "play" ? control : state === "recorded" ? "edit" : [])) : spoken;
  return online ? controls : controls.filter((control) => control !== "sendAnyway");
}

/** @param {OutboxItem} item */
function fileName({ content_type: type = "", to, to_name: name, created_at: time }) {
  const stamp = new Date(time).toISOString().slice(0, 16).replace("T", "-").replace(":", "");
  return `message-to-${(name || nameOf(to)).toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-")}-${stamp}.${ENDINGS[type.split(";")[0]] ?? "ogg"}`;
}
