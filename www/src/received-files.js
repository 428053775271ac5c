// Files that came with a message, as chips with Save.

import { AttachmentChip } from "./attachment-chip.js";
import { saveAs } from "./save-as.js";
import { tree } from "./tree.js";

/**
 * A file as the exchange lists it.
 * @typedef {object} ReceivedFile
 * @property {number} part
 * @property {string | null} file_name
 * @property {string} content_type
 * @property {number} size
 */

/**
 * The list of files of one message; nothing where there are none.
 * @param {ReceivedFile[]} files
 * @param {{ load: (part: number) => Promise<Blob>, failed: (error: Error) => void }} requests
 * @returns {HTMLElement | undefined}
 */
export function receivedFiles(files, { load, failed }) {
  if (files.length === 0) return undefined;
  const chips = files.map((file) => {
    const name = file.file_name ?? `file-${file.part}`;
    const save = async () => {
      try {
        saveAs(await load(file.part), name);
      } catch (error) {
        failed(error);
      }
    };
    return new AttachmentChip({ ...file, name }, { word: "Save", symbol: "save", press: () => void save(), load: () => load(file.part) });
  });
  return tree("ul", { class: "chips", part: "attachments", "aria-label": "Files" }, ...chips.map((chip) => chip.element));
}
