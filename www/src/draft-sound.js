// A recording of this device as its callee will hear it: with its gain, without what is trimmed. The same code that
// makes renditions at the edge does it here, in the voice module, which is loaded only where there is something to do.

import { asset } from "./engine.js";

/** Containers by media type, as the voice module names them. */
const CONTAINERS = { "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "mp4" };

/** @type {Promise<any> | undefined} */
let loading;

/**
 * The sound of a draft; as it was recorded where this browser cannot load the module now.
 * @param {any} client
 * @param {string} id
 * @param {import("./engine.js").OutboxItem | undefined} item
 * @returns {Promise<Blob>}
 */
export async function soundOf(client, id, item) {
  const recorded = await client.sound(id);
  const type = recorded.type.split(";")[0];
  const { trim_start_ms: start = 0, trim_end_ms: end = 0, gain_db: gain } = item ?? {};
  if (!CONTAINERS[type] || !(start + end > 0 || gain)) return recorded;
  try {
    const voice = await module();
    const made = voice.rendition(new Uint8Array(await recorded.arrayBuffer()), CONTAINERS[type], gain ?? undefined, start, end);
    return made ? new Blob([made], { type }) : recorded;
  } catch {
    return recorded;
  }
}

/**
 * The sound of a recorded video as Ogg, packet for packet; empty where it holds none that can be taken out.
 * @param {any} client
 * @param {string} id
 * @returns {Promise<Uint8Array>}
 */
export async function soundAlone(client, id) {
  const recorded = await client.sound(id);
  const voice = await module().catch(() => {
    throw new Error("This needs a part that is not on this device yet. Your video stays as it is; try again when you are online.");
  });
  return voice.rendition(new Uint8Array(await recorded.arrayBuffer()), "ogg", undefined, 0, 0) ?? new Uint8Array();
}

/** After a failure the next one tries again. */
function module() {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load() {
  const module = await import(asset("voice.js"));
  await module.default({ module_or_path: asset("voice_bg.wasm") });
  return module;
}
