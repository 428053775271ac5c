// The outbox: everything said on this device that its callee does not have yet.

import { nameOf } from "./address.js";
import { isWritten, outboxLines } from "./call-words.js";
import { ClearDevice } from "./clear-device.js";
import { age, clock, size } from "./figures.js";
import { fileNameOf, filesLine, offeredFor, sessionLine } from "./outbox-words.js";
import { Player } from "./player.js";
import { kept } from "./rendition.js";
import { saveAs } from "./save-as.js";
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
 * @property {(id: string) => Promise<Blob>} load what its callee will hear
 * @property {(id: string, part: string) => Promise<Blob>} file one that goes along
 * @property {() => Promise<unknown>} clear forgets everything on this device
 * @property {(error: Error) => void} failed
 */

/** Kinds that are named; a voice message goes without saying. */
const NAMED = { text: "Written", video: "Video" };
const ENDINGS = { "text/plain": "txt", "audio/ogg": "ogg", "audio/webm": "webm", "video/webm": "webm", "audio/mp4": "m4a", "video/mp4": "mp4" };

/** The list named Outbox, keyed by deposit, so that what plays goes on playing. */
export class OutboxList {
  #list = tree("ul", { "aria-label": "Outbox", part: "outbox-list" });
  #empty = tree("p", { class: "muted", part: "outbox-empty", hidden: true }, "Nothing waits here. What you record stays on this device, in this list, until its callee has it.");
  #clear;
  #section;
  /** @type {Map<string, OutboxRow>} */
  #rows = new Map();
  #requests;

  /** @param {OutboxRequests} requests */
  constructor(requests) {
    this.#requests = requests;
    this.#clear = new ClearDevice(requests.clear);
    this.#section = tree("section", { class: "outbox", part: "outbox", lang: "en", hidden: true }, tree("h3", {}, "Outbox"), this.#list, this.#empty, this.#clear.element);
  }

  /** Heading, list, and what clears the device. */
  get element() {
    return this.#section;
  }

  /**
   * Shows these items, in this order.
   * @param {OutboxItem[]} items
   * @param {import("./call-words.js").Situation} situation
   * @param {string} [inHand] the deposit the stage speaks of
   * @param {OutboxItem[]} [all] also what is not listed
   */
  show(items, situation, inHand, all = items) {
    this.#dropAllBut(new Set(items.map((item) => item.deposit_id)));
    items.forEach((item, index) => {
      const row = this.#row(item);
      row.show(item, situation, item.deposit_id === inHand);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    // Once there was something, the place where it was explains itself.
    if (items.length > 0) this.#section.hidden = false;
    this.#list.hidden = items.length === 0;
    this.#empty.hidden = items.length > 0;
    this.#clear.show(all);
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
  #heading = tree("p", { class: "title", part: "outbox-title", hidden: true });
  #files = tree("p", { class: "small", part: "outbox-files", hidden: true });
  #session = tree("p", { class: "small muted", part: "outbox-session", hidden: true });
  #words = tree("blockquote", { class: "words", part: "outbox-words", hidden: true });
  #read = "";
  #place = tree("p", { class: "small", part: "outbox-place" });
  #next = tree("p", { class: "small muted figures", part: "outbox-reason" });
  #controls = tree("div", { class: "row" });
  #player;
  #buttons;
  /** @type {OutboxItem | undefined} */
  #item;
  #drawn = "";
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
      receipt: button("Save receipt", "receipt", () => this.#saveReceipt(), "quiet"),
    };
    this.#controls.append(...Object.values(this.#buttons));
    this.element = tree(
      "li",
      { part: "outbox-item" },
      tree("div", { class: "top" }, this.#title, this.#facts),
      this.#heading,
      this.#files,
      this.#player.screen,
      this.#player.slider,
      this.#words,
      tree("div", {}, this.#place, this.#next, this.#session),
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
    const { durationMs, peaks, startMs } = kept(item);
    const shown = [item.duration_ms, durationMs, startMs].join(" ");
    if (this.#drawn !== shown) this.#player.show(peaks, durationMs, item.kind);
    this.#drawn = shown;
    this.#item = item;
    say(this.#title, `To ${name}`);
    say(this.#facts, [NAMED[item.kind], isWritten(item) ? "" : clock(durationMs), size(item.size), age(item.created_at, situation.now)].filter(Boolean).join(" · "));
    const [place, next] = outboxLines(item, { ...situation, name, item });
    say(this.#place, place);
    say(this.#next, next);
    say(this.#heading, item.title ?? "");
    say(this.#files, filesLine(item));
    say(this.#session, sessionLine(item, situation.now));
    const offered = offeredFor(item, situation.online);
    if (isWritten(item)) void this.#readWords(item);
    this.#words.hidden = inHand || this.#words.textContent === "";
    this.#player.slider.hidden = isWritten(item) || (inHand && !this.#player.started) || item.state === "deposited";
    if (this.#player.slider.hidden) this.#player.screen.hidden = true;
    this.#controls.classList.toggle("flush", !["send", "sendAnyway"].includes(offered[0]));
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

  /** The message, and the files that go along with it, each as a file of its own. */
  async #save() {
    const item = this.#item;
    if (!item) return;
    const { deposit_id: id, parts = [] } = item;
    try {
      // Nothing is saved before everything is read: half a message looks like a whole one.
      const [message, ...files] = await Promise.all([this.#requests.load(id), ...parts.map((part) => this.#requests.file(id, part.id))]);
      saveAs(message, fileName(item));
      files.forEach((file, index) => saveAs(file, parts[index].name));
    } catch (error) {
      this.#requests.failed(error);
    }
  }

  /** The proof that the callee's mailbox has it, as it was signed. */
  #saveReceipt() {
    const item = this.#item;
    if (item?.receipt) saveAs(new Blob([item.receipt], { type: "application/jose" }), fileNameOf(item, "receipt", "jws"));
  }
}

/** @param {OutboxItem} item */
function fileName(item) {
  return fileNameOf(item, "message", ENDINGS[(item.content_type ?? "").split(";")[0]] ?? "ogg");
}
