// The sound of a recorded video as the message instead, while it is a draft: the same sound, without the picture.

import { soundAlone } from "./draft-sound.js";
import { button, tree } from "./tree.js";

/** A slice of the call element. */
export class OnlySound {
  static styles = `
.sound-only { display: flex; justify-content: center; }
`;

  #host;
  #id = "";
  #button = button("Keep only the sound", "voice", () => void this.#host.attempt((client) => this.#keep(client)), "quiet");

  /** @param {import("./call-slices.js").SliceHost} host */
  constructor(host) {
    this.#host = host;
    this.element = tree("div", { class: "sound-only", part: "sound-only", hidden: true }, this.#button);
  }

  /** @param {import("./call-slices.js").SliceSituation} situation */
  show({ state, item }) {
    this.#id = state === "review" && item?.kind === "video" ? item.deposit_id : "";
    this.element.hidden = this.#id === "";
  }

  /** @param {any} client */
  async #keep(client) {
    const id = this.#id;
    if (!id || this.#button.disabled) return;
    this.#host.complain("");
    this.#button.disabled = true;
    try {
      const sound = await client.keep_sound(id, await soundAlone(client, id));
      this.#host.undone("Only the sound will be sent.", () => this.#host.attempt((again) => again.keep_video(sound, id)));
    } finally {
      this.#button.disabled = false;
    }
  }
}
