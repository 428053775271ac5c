// Cutting a draft by hand: what lies before or after the play position goes. What plays is what will be sent.

import { button, tree } from "./tree.js";

/** Less than this is no message. */
const SHORTEST_MS = 200;

/** A slice of the call element. */
export class HandCut {
  static styles = `
.cutting { display: flex; flex-wrap: wrap; justify-content: center; gap: 0 8px; }
.cutting button.quiet { padding: 0 8px; }
`;

  #host;
  /** @type {import("./engine.js").OutboxItem | undefined} */
  #item;
  #before = button("Cut before here", "cutBefore", () => void this.#cut("before"), "quiet");
  #after = button("Cut after here", "cutAfter", () => void this.#cut("after"), "quiet");
  #whole = button("Restore all of it", "again", () => void this.#restore(), "quiet");

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("div", { class: "cutting", part: "cutting", role: "group", "aria-label": "Cut", hidden: true }, this.#before, this.#after, this.#whole);
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    const cuttable = state === "review" && item?.kind === "voice" && (item.content_type ?? "").startsWith("audio/ogg");
    this.#item = cuttable ? item : undefined;
    this.element.hidden = !cuttable;
    this.#whole.hidden = !item?.cut;
  }

  /** @param {"before" | "after"} side of the play position */
  async #cut(side) {
    const item = this.#item;
    if (!item) return;
    const { deposit_id: id, duration_ms: length, cut } = item;
    const position = Math.round(this.#host.position());
    const kept = side === "before" ? length - position : position;
    const gone = length - kept;
    if (gone <= 0) return this.#host.complain("Play to the place where you want to cut, or move there on the waveform.");
    if (kept < SHORTEST_MS) return this.#host.complain("That would leave nothing. To begin again, press Re-record.");
    const from = cut?.from_ms ?? 0;
    const wanted = side === "before" ? { from_ms: from + position, to_ms: from + length } : { from_ms: from, to_ms: from + position };
    this.#host.complain("");
    await this.#set(id, wanted);
    const where = side === "before" ? "beginning" : "end";
    this.#host.undone(`${(gone / 1000).toFixed(1)} s cut from the ${where}. It will not be sent.`, () => this.#set(id, cut));
  }

  async #restore() {
    const item = this.#item;
    if (!item) return;
    await this.#set(item.deposit_id, undefined);
    this.#host.undone("The whole recording is back.", () => this.#set(item.deposit_id, item.cut));
  }

  /**
   * @param {string} id
   * @param {{ from_ms: number, to_ms: number } | undefined} cut
   */
  #set(id, cut) {
    return this.#host.attempt((client) => (cut ? client.cut(id, cut.from_ms, cut.to_ms) : client.uncut(id)));
  }
}
