// Files that go along with a draft: chosen, dropped or pasted, shown as chips, removed with Undo.

import { AttachmentChip, CHIP_STYLES } from "./attachment-chip.js";
import { button, tree } from "./tree.js";

const LIMITS = "Up to 9 files of 20 MB: pictures, PDF, text, office documents, sound, video, ZIP.";
const EARLY = "Record or write a message first; files go along with it.";
/** States in which a message is in its user's hands. */
const OPEN = new Set(["review", "writing"]);

/** A slice of the call element. */
export class Attachments {
  static styles = `${CHIP_STYLES}
.attachments { display: grid; justify-items: center; gap: 8px; width: 100%; max-width: 32rem; }
.stage.dropping { outline: 3px dashed var(--accent); outline-offset: -3px; border-radius: var(--radius); }
`;

  #host;
  #list = tree("ul", { class: "chips", part: "attachments", "aria-label": "Attached files" });
  #input = tree("input", { type: "file", hidden: true, multiple: true, tabindex: "-1", "aria-hidden": "true" });
  #limits = tree("p", { class: "small muted", id: "attachment-limits" }, LIMITS);
  #attach = button("Attach", "attach", () => void this.#choose(), "quiet");
  /** @type {Map<string, AttachmentChip>} */
  #chips = new Map();
  #id = "";
  #shown = "";
  #ends = new AbortController();
  #listening = false;
  /** @type {Promise<void>} */
  #copying = Promise.resolve();
  #copies = 0;

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.#attach.setAttribute("aria-describedby", "attachment-limits");
    this.#input.addEventListener("change", () => {
      this.#add([...this.#input.files]);
      this.#input.value = "";
    });
    this.element = tree(
      "div",
      { class: "attachments", part: "attachments-panel", hidden: true },
      this.#list,
      this.#attach,
      this.#limits,
      this.#input,
    );
  }

  /** Whether leaving the page now would interrupt the copying of a file. */
  get busy() {
    return this.#copies > 0;
  }

  /** Until every file that was chosen is on the device. */
  settle() {
    return this.#copying;
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    this.#listen();
    this.#id = OPEN.has(state) && item ? item.deposit_id : "";
    this.element.hidden = this.#id === "";
    this.#paint(this.#id ? (item.parts ?? []) : []);
  }

  close() {
    this.#ends.abort();
    this.#listening = false;
  }

  /** @param {import("./engine.js").OutboxPart[]} parts */
  #paint(parts) {
    const id = this.#id;
    const key = JSON.stringify([id, parts.map((part) => [part.id, part.refusal])]);
    if (this.#shown === key) return;
    this.#shown = key;
    const known = this.#chips;
    this.#chips = new Map(parts.map((part) => [part.id, known.get(part.id) ?? this.#chip(id, part)]));
    for (const part of parts) this.#chips.get(part.id).show(part);
    this.#list.replaceChildren(...[...this.#chips.values()].map((chip) => chip.element));
    this.#list.hidden = parts.length === 0;
    // Who attaches nothing need not read it.
    this.#limits.className = parts.length === 0 ? "sr" : "small muted";
  }

  /**
   * @param {string} id
   * @param {import("./engine.js").OutboxPart} part
   */
  #chip(id, part) {
    return new AttachmentChip(part, {
      word: "Remove",
      symbol: "close",
      press: () => void this.#remove(id, part),
      load: () => this.#host.ask((client) => client.attachment(id, part.id)),
    });
  }

  async #remove(id, part) {
    await this.#host.attempt(async (client) => {
      await client.detach(id, part.id);
      this.#host.undone(`${part.name} removed.`, () => this.#host.attempt((again) => again.reattach(id, part.id)));
    });
  }

  #choose() {
    return this.#host.attempt((client) => {
      this.#input.accept = client.attachment_endings();
      this.#input.click();
    });
  }

  /** Copies one file after the other; each is there or complained of. @param {File[]} files */
  #add(files) {
    const id = this.#id;
    if (files.length === 0) return;
    if (!id) return this.#host.complain(EARLY);
    this.#host.complain("");
    this.#copies += 1;
    this.#copying = this.#copying.then(() => this.#copy(id, files)).finally(() => {
      this.#copies -= 1;
    });
  }

  /**
   * @param {string} id
   * @param {File[]} files
   */
  async #copy(id, files) {
    const refusals = [];
    for (const file of files) {
      try {
        await this.#host.ask((client) => client.attach(id, file, file.name));
      } catch (error) {
        refusals.push(error);
      }
    }
    if (refusals.length === 1) this.#host.fail(refusals[0]);
    else if (refusals.length > 1) this.#host.fail(Object.assign(new Error(refusals.map(({ message }) => message).join(" ")), { name: refusals[0].name }));
  }

  /** Files may be dropped anywhere on the element; a page that is not ready for them must not turn into them. */
  #listen() {
    if (this.#listening || !this.#host.element.isConnected) return;
    this.#listening = true;
    this.#ends = new AbortController();
    const { signal } = this.#ends;
    const { element } = this.#host;
    const stage = () => this.element.closest(".stage");
    const mark = (on) => stage()?.classList.toggle("dropping", on);
    element.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = this.#id ? "copy" : "none";
      mark(this.#id !== "");
    }, { signal });
    element.addEventListener("dragleave", (event) => element.contains(event.relatedTarget) || mark(false), { signal });
    element.addEventListener("drop", (event) => {
      mark(false);
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.#add([...event.dataTransfer.files]);
    }, { signal });
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      const here = event.composedPath().includes(element) || event.target === document.body;
      if (!here || files.length === 0 || !this.#id) return;
      event.preventDefault();
      this.#add(files);
    }, { signal });
  }
}
