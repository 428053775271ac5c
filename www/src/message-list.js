// The list of messages in the inbox. It paints what it is given and passes on what is pressed.

import { callerOf } from "./caller.js";
import { isWritten } from "./call-words.js";
import { moment, spoken } from "./figures.js";
import { icon } from "./icon.js";
import { forwardedLine } from "./incoming-call.js";
import { Letter } from "./letter.js";
import { Player } from "./player.js";
import { kept, playable, receivedName } from "./rendition.js";
import { receivedFiles } from "./received-files.js";
import { saveAs } from "./save-as.js";
import { button, say, tree } from "./tree.js";

/**
 * A message as the exchange lists it.
 * @typedef {object} Message
 * @property {string} id
 * @property {any} from
 * @property {boolean} from_verified
 * @property {string} received_at RFC 3339
 * @property {number} duration_ms
 * @property {number} size
 * @property {string} kind
 * @property {string | null} [session_id] of the call in which it was begun
 * @property {number} [trim_start_ms]
 * @property {number} [trim_end_ms]
 * @property {"new" | "heard" | "saved"} state
 * @property {number[]} [waveform]
 * @property {string | null} [title]
 * @property {string | null} [forwarded_from] who sent the call on to this mailbox
 * @property {import("./received-files.js").ReceivedFile[]} [attachments]
 *
 * What a list asks its owner to do.
 * @typedef {object} MessageRequests
 * @property {(id: string, format?: string) => Promise<Blob>} load in this container, or as deposited
 * @property {(id: string, part: number) => Promise<Blob>} file that came with a message
 * @property {(message: Message) => void} heard
 * @property {(message: Message) => void} delete
 * @property {(message: Message) => void} callBack
 * @property {(session: string) => string} ladder address of the page that shows the call of a session
 * @property {(error: Error) => void} failed
 */

/** Messages that came without a waveform are fetched to be drawn, unless they are larger. */
const DRAWN_BYTES = 256_000;
/** What most programs beside browsers play. */
const SAVED_AS = "ogg";
/** The exchange keeps ladders so long. */
const LADDER_KEPT_MS = 7 * 86_400_000;

/** Messages, newest first, keyed by id, so that what plays goes on playing. */
export class MessageList {
  #list = tree("ul", { class: "messages", part: "messages", "aria-label": "Messages" });
  /** @type {Map<string, MessageRow>} */
  #rows = new Map();
  #requests;

  /** @param {MessageRequests} requests */
  constructor(requests) {
    this.#requests = requests;
  }

  /** The list. */
  get element() {
    return this.#list;
  }

  /**
   * @param {Message[]} messages
   * @param {number} now Unix ms
   */
  show(messages, now) {
    this.#dropAllBut(new Set(messages.map((message) => message.id)));
    messages.forEach((message, index) => {
      const row = this.#rows.get(message.id) ?? this.#add(message);
      row.show(message, now);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    this.#list.hidden = messages.length === 0;
  }

  /** Releases all players. */
  close() {
    this.#dropAllBut(new Set());
  }

  /** @param {Message} message */
  #add(message) {
    const row = new MessageRow(message, this.#requests);
    this.#rows.set(message.id, row);
    return row;
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

class MessageRow {
  #facts = tree("span", { class: "small muted figures" });
  #badge = tree("span", { class: "badge" }, "New");
  #film = tree("span", { class: "film-mark small muted", hidden: true }, icon("video"), "Video");
  #content;
  #message;
  #sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#draw());

  /**
   * @param {Message} message
   * @param {MessageRequests} requests
   */
  constructor(message, requests) {
    const who = callerOf(message);
    this.#message = message;
    this.#content = isWritten(message) ? new Letter(this.#uses(requests)) : new Player(this.#uses(requests));
    this.element = tree(
      "li",
      { part: "message" },
      tree("div", { class: "top" }, tree("span", { class: "who" }, who.label, this.#film, this.#badge), this.#facts),
      message.forwarded_from ? tree("p", { class: "small muted", part: "forwarded" }, forwardedLine(message.forwarded_from)) : undefined,
      message.title ? tree("p", { class: "title", part: "title" }, message.title) : undefined,
      this.#body(),
      receivedFiles(message.attachments ?? [], { load: (part) => requests.file(message.id, part), failed: requests.failed }),
      ...this.#actions(who, requests),
    );
    if (this.#content instanceof Player && !message.waveform?.length && message.size <= DRAWN_BYTES) this.#sight.observe(this.element);
  }

  /**
   * @param {Message} message
   * @param {number} now
   */
  show(message, now) {
    const fresh = message.state === "new";
    const when = moment(Date.parse(message.received_at), now);
    const label = `${callerOf(message).label}, ${when.toLowerCase()}, ${isWritten(message) ? "written message" : spoken(kept(message).durationMs)}${fresh ? ", new" : ""}`;
    this.#message = message;
    this.element.classList.toggle("new", fresh);
    if (this.element.getAttribute("aria-label") !== label) this.element.setAttribute("aria-label", label);
    this.#badge.hidden = !fresh;
    this.#film.hidden = message.kind !== "video";
    say(this.#facts, when);
  }

  close() {
    this.#sight.disconnect();
    this.#content.close();
    this.element.remove();
  }

  #draw() {
    this.#sight.disconnect();
    if (navigator.onLine && this.#content instanceof Player) void this.#content.draw();
  }

  /** @param {MessageRequests} requests */
  #uses(requests) {
    const formats = this.#message.kind === "voice" ? playable() : [];
    return {
      load: (way = 0) => this.#load(requests, formats[way]),
      ways: formats.length || 1,
      heard: () => requests.heard(this.#message),
      failed: requests.failed,
    };
  }

  /**
   * A rendition; where none can be made, as deposited.
   * @param {MessageRequests} requests
   * @param {string | undefined} format
   */
  async #load(requests, format) {
    try {
      return await requests.load(this.#message.id, format);
    } catch (error) {
      if (!["format_unavailable", "format_too_large"].includes(error.name)) throw error;
      return requests.load(this.#message.id);
    }
  }

  /** @param {MessageRequests} requests */
  async #save(requests) {
    try {
      const sound = await this.#load(requests, this.#message.kind === "voice" ? SAVED_AS : undefined);
      saveAs(sound, receivedName(this.#message, sound.type));
    } catch (error) {
      requests.failed(error);
    }
  }

  /**
   * The way to the call in which the message was begun, while it is kept.
   * @param {MessageRequests} requests
   */
  #ladder(requests) {
    const { session_id: session, received_at: received } = this.#message;
    if (!session || Date.now() - Date.parse(received) > LADDER_KEPT_MS) return undefined;
    return tree("a", { class: "button quiet", part: "button show-call-button", href: requests.ladder(session) }, icon("ladder"), tree("span", {}, "Show call"));
  }

  /** A player, or the words of what was written. */
  #body() {
    const content = this.#content;
    if (content instanceof Letter) return tree("div", { class: "letter" }, content.button, content.words);
    const { peaks, durationMs } = kept(this.#message);
    content.show(peaks, durationMs, this.#message.kind);
    return tree("div", { class: "film" }, content.screen, tree("div", { class: "play" }, content.button, content.slider, content.time), content.tools);
  }

  /**
   * @param {import("./caller.js").Who} who
   * @param {MessageRequests} requests
   */
  #actions(who, requests) {
    const back = button("Call back", "call", () => requests.callBack(this.#message), "quiet");
    const reason = tree("p", { class: "small muted", hidden: !who.reason, id: `reason-${this.#message.id}` }, who.reason);
    back.disabled = who.address === "";
    if (who.reason) back.setAttribute("aria-describedby", reason.id);
    const save = button("Save", "save", () => void this.#save(requests), "quiet");
    const remove = button("Delete", "delete", () => requests.delete(this.#message), "quiet");
    return [tree("div", { class: "row" }, back, save, this.#ladder(requests), remove), reason];
  }
}
