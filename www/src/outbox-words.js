// What the outbox says of a message beside where it is: its session, its files, its receipt. No DOM.

import { nameOf } from "./address.js";
import { isWritten, OUTBOX_CONTROLS } from "./call-words.js";
import { clock, count, until } from "./figures.js";

/** @typedef {import("./engine.js").OutboxItem} OutboxItem */

/** The gate's reasons, against which only the user's own word helps. */
const GATED = new Set(["slow", "failing", "unmeasured", "metered"]);
const UNSENT = new Set(["interrupted", "recorded", "queued", "waiting"]);

/**
 * Buttons of one message, the primary one first. Without any network nothing can be sent now.
 * @param {OutboxItem} item
 * @param {boolean} online
 */
export function offeredFor({ state, kind, reason }, online) {
  const known = OUTBOX_CONTROLS[state] ?? [];
  const sends = state === "waiting" && !GATED.has(reason?.code ?? "") ? known.map((control) => (control === "sendAnyway" ? "send" : control)) : known;
  const controls = isWritten({ kind }) ? sends.filter((control) => control !== "play") : sends;
  return online || state !== "waiting" ? controls : controls.filter((control) => !control.startsWith("send"));
}

/**
 * What becomes of a message when the call that allowed it is over, and that another one was made for it.
 * @param {OutboxItem} item
 * @param {number} now Unix ms
 */
export function sessionLine({ state, session_expires_at: expires, second_call: second }, now) {
  if (second && state === "deposited") return "Sent by a second call.";
  if (second && state === "uploading") return "Goes up by a second call.";
  if (!UNSENT.has(state) || expires === undefined) return "";
  if (expires <= now) return "Its call has expired; it goes up by a new call that rings nobody.";
  return `Its call expires ${until(expires, now)}; after that it still goes up, by a new call.`;
}

/**
 * The files that go along.
 * @param {OutboxItem} item
 */
export function filesLine({ parts = [] }) {
  return parts.length > 0 ? `With ${count(parts.length, "file")}: ${parts.map(({ name }) => name).join(", ")}` : "";
}

/**
 * What is lost with everything on this device.
 * @param {OutboxItem[]} items
 */
export function lossLine(items) {
  const unsent = items.filter(({ state }) => state !== "deposited");
  const named = unsent.map((item) => `to ${item.to_name || nameOf(item.to)} (${isWritten(item) ? "written" : clock(item.duration_ms)})`);
  const lost = unsent.length > 0 ? `${count(unsent.length, "message")} that nobody has yet: ${named.join(", ")}. Also ` : "";
  return `This deletes ${lost}your receipts, your name and your sign-in from this device. Messages that were delivered stay delivered.`;
}

/**
 * A name for a file about a message.
 * @param {OutboxItem} item
 * @param {string} what
 * @param {string} ending
 */
export function fileNameOf({ to, to_name: name, created_at: time }, what, ending) {
  const stamp = new Date(time).toISOString().slice(0, 16).replace("T", "-").replace(":", "");
  const whom = (name || nameOf(to)).toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "");
  return `${what}-to-${whom || "somebody"}-${stamp}.${ending}`;
}
