// Which form of a message suits this browser, and what it is called when it is saved. No engine, no state.

import { callerOf } from "./caller.js";

/** Containers in which the exchange hands out sound. WebM first: some count the beginning of Ogg twice, or play it badly. */
const CONTAINERS = { webm: "audio/webm; codecs=opus", ogg: "audio/ogg; codecs=opus", mp4: "audio/mp4; codecs=opus" };
const SURELY = "probably";
const ENDINGS = { "text/plain": "txt", "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "m4a", "audio/wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac", "video/webm": "webm", "video/mp4": "mp4" };

/**
 * Containers that this browser says it plays, the surest first.
 * @returns {string[]}
 */
export function playable() {
  const audio = document.createElement("audio");
  const answers = Object.entries(CONTAINERS).map(([name, type]) => ({ name, answer: audio.canPlayType(type) }));
  const able = answers.filter(({ answer }) => answer !== "");
  return [...able.filter(({ answer }) => answer === SURELY), ...able.filter(({ answer }) => answer !== SURELY)].map(({ name }) => name);
}

/**
 * How long a message plays and how it looks without what its sender trimmed; renditions come without that.
 * @param {{ kind: string, duration_ms: number, waveform?: number[], trim_start_ms?: number, trim_end_ms?: number }} message
 * @returns {{ durationMs: number, peaks: number[], startMs: number }}
 */
export function kept({ kind, duration_ms: durationMs, waveform: peaks = [], trim_start_ms: start, trim_end_ms: end }) {
  const [before, after] = [start ?? 0, end ?? 0];
  if (kind !== "voice" || before + after === 0 || before + after >= durationMs) return { durationMs, peaks, startMs: 0 };
  const bar = (ms) => Math.round((ms / durationMs) * peaks.length);
  return { durationMs: durationMs - before - after, peaks: peaks.slice(bar(before), peaks.length - bar(after)), startMs: before };
}

/**
 * The name of a received message as a file, "message-from-anna-2026-11-22-0701.ogg".
 * @param {{ from: any, from_verified: boolean, received_at: string }} message
 * @param {string} type media type of the file
 */
export function receivedName(message, type) {
  return `message-from-${plain(callerOf(message).name)}-${stamp(new Date(message.received_at))}.${ENDINGS[bare(type)] ?? "bin"}`;
}

/** @param {string} type */
function bare(type) {
  return type.split(";")[0].trim().toLowerCase();
}

/** @param {string} text */
function plain(text) {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "") || "somebody";
}

/** @param {Date} when */
function stamp(when) {
  const two = (number) => String(number).padStart(2, "0");
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}-${two(when.getHours())}${two(when.getMinutes())}`;
}
