// The one place that loads the engine, a WebAssembly module: everything else sees its `Client` only.

/** Where this script was served from; its server is the default one. */
export const HOME = new URL(import.meta.url).origin;

/**
 * @typedef {object} OutboxItem
 * @property {string} deposit_id
 * @property {string} to
 * @property {string} [to_name]
 * @property {string} [kind] "voice", "video" or "text"
 * @property {string} [content_type] media type of the file
 * @property {"recording" | "interrupted" | "recorded" | "queued" | "uploading" | "waiting" | "deposited" | "failed"} state
 * @property {number} created_at Unix ms
 * @property {number} duration_ms
 * @property {number} size bytes
 * @property {number[]} waveform
 * @property {number} sent bytes
 * @property {Reason} [reason]
 * @property {boolean} [discarded] deleted, and Undo is still possible
 * @property {number} [session_expires_at] Unix ms
 * @property {boolean} [second_call] whether a second call, which rings nobody, was made for it
 * @property {string} [title]
 * @property {OutboxPart[]} [parts] files that go along
 * @property {{ from_ms: number, to_ms: number }} [cut] what is kept of the whole recording
 * @property {number} [silent_start_ms] silence at its beginning, which may be left out
 * @property {number} [silent_end_ms] the same at its end
 * @property {number} [trim_start_ms] what players leave out at its beginning
 * @property {number} [trim_end_ms] the same at its end
 * @property {number} [gain_db] what players add to its level
 * @property {string} [receipt] compact JWS
 * @property {number} [deposited_at] Unix ms
 *
 * @typedef {object} OutboxPart
 * @property {string} id
 * @property {string} name
 * @property {string} content_type
 * @property {number} size bytes
 * @property {number} sent bytes
 * @property {string} [refusal] why it cannot go along
 *
 * @typedef {object} Reason
 * @property {string} code
 * @property {string} [text]
 * @property {number} [measured_bytes_per_second]
 * @property {number} [threshold_bytes_per_second]
 * @property {number} [failures]
 * @property {number} [next_try_at] Unix ms
 */

/** @type {Promise<any> | undefined} */
let loading;

/**
 * Opens an engine. Its events come to the listener as plain objects with a `type`.
 * @param {Record<string, unknown>} options
 * @param {(event: any) => void} listener
 * @returns {Promise<any>}
 */
export async function open(options, listener) {
  loading ??= load();
  const { Client } = await loading;
  return Client.open({ worker_url: asset("capture-worker.js"), worklet_url: asset("capture-worklet.js"), ...options }, listener);
}

/** Glue and module together; after a failure the next attempt asks the network again. */
async function load() {
  try {
    const binary = fetch(asset("call_bg.wasm"));
    binary.catch(() => {});
    const module = await import(asset("call.js"));
    await module.default({ module_or_path: binary });
    return module;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/**
 * Address of a file that is served beside this script.
 * @param {string} name
 */
export function asset(name) {
  return new URL(`assets/${name}`, import.meta.url).href;
}
