// A call as the rows of its ladder: messages, notes and long silences, in their order. No DOM.

/**
 * A call as the exchange tells it.
 * @typedef {object} Ladder
 * @property {string} id
 * @property {string} call_id
 * @property {string} began_at RFC 3339
 * @property {string | null} from
 * @property {string | null} from_name
 * @property {boolean} from_verified
 * @property {"received" | "made"} way
 * @property {string | null} to who was called, where the call was made
 * @property {"ringing" | "answered" | "voicemail" | "cancelled" | "failed"} outcome
 * @property {number | null} status
 * @property {string | null} session_id
 * @property {string[]} ends from left to right
 * @property {Message[]} entries
 * @property {Note[]} notes
 * @property {number} left_out
 *
 * @typedef {object} Message
 * @property {number} after_ms since the begin
 * @property {string} at RFC 3339
 * @property {string} from one of the ends
 * @property {string} to one of the ends
 * @property {string} start
 * @property {string} method
 * @property {number | null} status
 * @property {number} size bytes
 * @property {string} message its secrets masked
 *
 * @typedef {object} Note
 * @property {"greeting" | "deposited"} note
 * @property {number} after_ms
 * @property {number} behind how many of the messages come before it
 * @property {number | null} [duration_ms]
 * @property {string} from
 * @property {string} to
 *
 * @typedef {{ kind: "message", after: number, from: string, to: string, label: string, number: number, message: Message }} MessageRow
 * @typedef {{ kind: "note", after: number, from: string, to: string, label: string }} NoteRow
 * @typedef {{ kind: "gap", label: string }} GapRow
 * @typedef {MessageRow | NoteRow | GapRow} Row
 */

/** A silence that is longer is drawn as one step. */
const GAP_MS = 1500;

/**
 * @param {Ladder} ladder
 * @returns {Row[]}
 */
export function rowsOf(ladder) {
  const messages = ladder.entries.map((message, index) => ({
    kind: /** @type {const} */ ("message"),
    after: message.after_ms,
    from: message.from,
    to: message.to,
    label: labelOf(message),
    number: index + 1,
    message,
  }));
  const notes = ladder.notes.map((note) => ({ kind: /** @type {const} */ ("note"), after: note.after_ms, from: note.from, to: note.to, label: wordsOf(note) }));
  /** @type {(MessageRow | NoteRow)[]} */
  const timed = [...messages];
  const lastFirst = [...ladder.notes].sort((one, other) => other.behind - one.behind);
  for (const note of lastFirst) timed.splice(note.behind, 0, { kind: "note", after: note.after_ms, from: note.from, to: note.to, label: wordsOf(note) });
  return timed.flatMap((row, index) => {
    const silence = index > 0 ? row.after - timed[index - 1].after : 0;
    return silence > GAP_MS ? [{ kind: /** @type {const} */ ("gap"), label: `${long(silence)} later` }, row] : [row];
  });
}

/**
 * What stands on an arrow, "INVITE" or "180 Ringing".
 * @param {Message} message
 */
export function labelOf({ start, method, status, message }) {
  if (status === null) {
    const key = /^Signal=(.*)$/im.exec(message)?.[1]?.trim();
    if (method === "INFO" && key) return `INFO ${key}`;
    return method === "INVITE" && /^To:[^\r\n]*;tag=/im.test(message) ? "re-INVITE" : method;
  }
  const words = start.replace(/^SIP\/2\.0 \d+ ?/, "");
  return method === "INVITE" ? `${status} ${words}`.trim() : `${status} (${method})`;
}

/** @param {Note} note */
function wordsOf(note) {
  if (note.note === "deposited") return "message deposited";
  return note.duration_ms ? `greeting starts, ${long(note.duration_ms)} long` : "greeting starts";
}

/**
 * When a row was, "0.012 s".
 * @param {number} ms
 */
export function after(ms) {
  return `${(ms / 1000).toFixed(3)} s`;
}

/**
 * A length in few words, "4.2 s", "3 min", "2 h", "5 days".
 * @param {number} ms
 */
export function long(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/**
 * What became of a call.
 * @param {{ outcome: string, status: number | null }} call
 */
export function outcomeOf({ outcome, status }) {
  const words = { ringing: "No answer yet", answered: "Answered", voicemail: "Voicemail", cancelled: "Hung up before an answer" };
  return words[outcome] ?? `Refused${status ? ` with ${status}` : ""}`;
}

/**
 * Who was at the other end, and which way the call went: "Call from Anna", "Call to bob@example.com".
 * @param {{ way: string, to: string | null, from: string | null, from_name: string | null }} call
 */
export function titleOf(call) {
  return call.way === "made" ? `Call to ${plain(call.to ?? "")}` : `Call from ${callerName(call)}`;
}

/** @param {string} address */
function plain(address) {
  return address.replace(/^sips?:/, "");
}

/**
 * Who called, as far as is known.
 * @param {{ from: string | null, from_name: string | null }} call
 */
export function callerName({ from, from_name: name }) {
  const address = from && plain(from);
  if (name && address) return `${name} (${address})`;
  return name || address || "Unknown caller";
}
