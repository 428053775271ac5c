// One file as a chip: a picture of it or a sign, its name, its size, and a button. Pictures are drawn, not shown as
// documents: nothing in a file ever runs.

import { size } from "./figures.js";
import { icon } from "./icon.js";
import { button, say, tree } from "./tree.js";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
const SIDE = 40;
/** A larger picture is drawn only when it is saved. */
const DRAWN_BYTES = 4_000_000;

/** Style rules of titles and chips, for both elements. */
export const CHIP_STYLES = `
p.title { font-weight: 560; overflow-wrap: anywhere; }
.chips { display: grid; gap: 8px; width: 100%; text-align: start; }
.chips li, .messages .chips li, .outbox .chips li { display: grid; grid-template-columns: auto 1fr auto; align-items: center; gap: 12px; padding: 8px; border: 1px solid var(--line); border-radius: 12px; }
.chips .face { display: grid; place-items: center; width: ${SIDE}px; height: ${SIDE}px; border-radius: 8px; background: var(--wash); color: var(--soft); overflow: hidden; }
.chips .face svg { width: 20px; height: 20px; }
.chips canvas { width: ${SIDE}px; height: ${SIDE}px; }
.chips .name { overflow-wrap: anywhere; line-height: 1.3; }
.chips .bad { border-color: var(--ink); }
.chips p { grid-column: 1 / -1; padding-inline: 4px; }
`;

/**
 * What a chip shows.
 * @typedef {object} FileFacts
 * @property {string} name
 * @property {string} content_type
 * @property {number} size
 * @property {string} [refusal] why it cannot go along
 */

/** One chip. */
export class AttachmentChip {
  #face = tree("span", { class: "face" }, icon("file"));
  #refusal = tree("p", { class: "small", hidden: true });

  /**
   * @param {FileFacts} file
   * @param {{ word: string, symbol: string, press: () => void, load: () => Promise<Blob> }} actions
   */
  constructor(file, { word, symbol, press, load }) {
    const act = button(word, symbol, press, "quiet");
    act.setAttribute("aria-label", `${word} ${file.name}`);
    this.element = tree(
      "li",
      { part: "attachment" },
      this.#face,
      tree("span", {}, tree("span", { class: "name" }, file.name), tree("br"), tree("span", { class: "small muted figures" }, size(file.size))),
      act,
      this.#refusal,
    );
    this.show(file);
    if (PICTURES.has(file.content_type) && file.size <= DRAWN_BYTES) void this.#draw(load);
  }

  /** @param {FileFacts} file */
  show({ refusal = "" }) {
    this.element.classList.toggle("bad", refusal !== "");
    say(this.#refusal, refusal);
  }

  /** A picture that cannot be drawn keeps its sign. @param {() => Promise<Blob>} load */
  async #draw(load) {
    try {
      const picture = await createImageBitmap(await load());
      const canvas = tree("canvas", { width: SIDE * 2, height: SIDE * 2, "aria-hidden": "true" });
      const scale = (SIDE * 2) / Math.min(picture.width, picture.height);
      const [width, height] = [picture.width * scale, picture.height * scale];
      canvas.getContext("2d").drawImage(picture, SIDE - width / 2, SIDE - height / 2, width, height);
      picture.close();
      this.#face.replaceChildren(canvas);
    } catch {
      // The sign stays.
    }
  }
}
