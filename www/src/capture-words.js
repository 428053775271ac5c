// What the call element says about the microphone, the room on the device and what was lost. No DOM.

import { clock } from "./figures.js";

/** What a microphone that is being recorded is told for; nothing is said while all is well. */
const HEARING = {
  nothing: "We hear nothing. Is the microphone muted, or is another one in use?",
  clipping: "Too loud: your words are distorted. Move back a little, or speak more softly.",
  noise: "There is much noise around you. Move closer to the microphone, or to a quieter place.",
};

/** What the sound check says. */
const VERDICTS = {
  listening: "Say a few words, as you would in a message.",
  fine: "Good: we hear you clearly.",
  quiet: "Too quiet: move closer, or choose another microphone.",
  clipping: "Too loud: move back a little, or speak more softly.",
  noise: "Noisy: move closer to the microphone, or to a quieter place.",
  nothing: "We hear nothing. Is the microphone muted? Choose another one if there is one.",
};

/** @param {string} code of a `hearing` event */
export function hearingHint(code) {
  return HEARING[code] ?? "";
}

/** @param {string} code of a `sound_check` event */
export function checkVerdict(code) {
  return VERDICTS[code] ?? VERDICTS.listening;
}

/**
 * What is missing in a recording; gaps that nobody hears are not told.
 * @param {{ at_ms: number, length_ms: number }[]} gaps
 */
export function lostWords(gaps) {
  const heard = gaps.filter(({ length_ms: length }) => length >= 100);
  if (heard.length === 0) return "";
  const seconds = (heard.reduce((sum, { length_ms: length }) => sum + length, 0) / 1000).toFixed(1);
  const places = heard.length === 1 ? `at ${clock(heard[0].at_ms)}` : `in ${heard.length} places, the last at ${clock(heard[heard.length - 1].at_ms)}`;
  return `${seconds} s were lost ${places}: the browser was too busy, or the microphone stopped for a moment.`;
}

/** @param {number} fitsMs how much sound fits on this device */
export function roomWords(fitsMs) {
  const seconds = Math.floor(fitsMs / 1000);
  const length = seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`;
  return `Room for about ${length} on this device.`;
}

/**
 * @param {string} missing the microphone that was chosen
 * @param {string} label the one that is used instead
 */
export function insteadWords(missing, label) {
  return `${quoted(missing, "The microphone you chose")} is not connected. ${quoted(label, "Another one")} is used instead.`;
}

/** @param {number} remainingMs until the longest message is full */
export function leftWords(remainingMs) {
  return `${Math.ceil(remainingMs / 1000)} s left`;
}

/** The browser may remove what waits; not all do, and none says when. */
export const MAY_BE_REMOVED =
  "This browser has not promised to keep what waits here. It may remove it after some days without a visit, or when the device is nearly full.";

/**
 * @param {string} name
 * @param {string} otherwise
 */
function quoted(name, otherwise) {
  return name ? `“${name}”` : otherwise;
}
