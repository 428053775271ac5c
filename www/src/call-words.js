// What the call element says and offers in each state. One table, no DOM.

import { clock, moment, rate, until } from "./figures.js";

/**
 * What the words depend on.
 * @typedef {object} Situation
 * @property {string} name who is called; empty if not known yet
 * @property {boolean} online
 * @property {boolean} promised the browser sends by itself
 * @property {import("./engine.js").OutboxItem} [item] the message in hand
 * @property {number} unfinished interrupted recordings
 * @property {string} unfinishedName whom the newest one is for
 * @property {number} now Unix ms
 *
 * What the stage shows.
 * @typedef {object} View
 * @property {(situation: Situation) => string} headline
 * @property {(situation: Situation) => string} note
 * @property {string[]} controls names of buttons; the first is the primary one
 * @property {"line" | "greeting" | "live" | "review" | "sending"} hero
 */

const MICROPHONE_LINE = "Your browser may ask for the microphone: it is for the call, or for your message.";

/** @type {Record<string, View>} */
export const VIEWS = {
  idle: {
    headline: ({ name }) => (name ? `Call ${name}` : "Who do you want to call?"),
    note: (situation) => unfinished(situation) || (situation.name ? `If ${situation.name} does not answer, leave a message. ${MICROPHONE_LINE}` : ""),
    controls: ["call"],
    hero: "line",
  },
  calling: { headline: ({ name }) => `Calling ${name}`, note: () => MICROPHONE_LINE, controls: ["hangUp"], hero: "line" },
  ringing: { headline: ({ name }) => `Ringing at ${name}’s`, note: () => "If nobody answers, you can leave a message.", controls: ["hangUp"], hero: "line" },
  talking: { headline: ({ name }) => `You are talking with ${name}`, note: () => "", controls: ["hangUp"], hero: "line" },
  greeting: {
    headline: ({ name }) => `${name} is not available`,
    note: () => "Listen to the greeting, then leave a message.",
    controls: ["skip", "hangUp"],
    hero: "greeting",
  },
  ended: { headline: () => "Call ended. Record when you like", note: ({ name }) => offlineFine(name), controls: ["record", "call"], hero: "line" },
  ready: { headline: () => "Call ended. Record when you like", note: ({ name }) => offlineFine(name), controls: ["record", "call"], hero: "line" },
  recording: { headline: () => "Recording", note: () => "Every word is saved on this device as you speak.", controls: ["stop", "pause"], hero: "live" },
  paused: { headline: () => "Paused", note: () => "What you said is saved on this device.", controls: ["resume", "stop"], hero: "live" },
  review: {
    headline: ({ name }) => `Your message to ${name}`,
    note: ({ name }) => `Saved on this device. ${name} gets it when you press Send.`,
    controls: ["send", "play", "again", "delete"],
    hero: "review",
  },
  queued: { headline: notYet, note: nextStep, controls: ["record"], hero: "sending" },
  waiting: { headline: notYet, note: nextStep, controls: ["record"], hero: "sending" },
  uploading: { headline: ({ name }) => `Going up to ${name}`, note: uploadNote, controls: ["record"], hero: "sending" },
  deposited: {
    headline: ({ name }) => `${name} has your message`,
    note: ({ item, now }) => `Delivered ${moment(now, now).toLowerCase().replace("today", "today at")}${item ? `, ${clock(item.duration_ms)} long` : ""}.`,
    controls: ["call"],
    hero: "sending",
  },
  failed: {
    headline: ({ item, name }) => (item ? `Not sent to ${name}` : `The call to ${name} did not work`),
    note: ({ item }) => (item ? refusal(item) : "Nothing was lost. Call again."),
    controls: ["call", "record"],
    hero: "line",
  },
};

/**
 * The line under a message in the outbox: where it is, why it waits, what comes next.
 * @param {import("./engine.js").OutboxItem} item
 * @param {Situation} situation
 * @param {boolean} inHand the stage already says where it is
 * @returns {string}
 */
export function outboxLine(item, situation, inHand) {
  const { name, now } = situation;
  switch (item.state) {
    case "recording": return "Being recorded now.";
    case "interrupted": return "Interrupted. Everything up to the last second is here.";
    case "recorded": return "Draft. Not sent.";
    case "uploading": return uploadShare(item);
    case "deposited": return `${name} has it.`;
    case "failed": return `Not sent. ${refusal(item)}`;
    default: return inHand ? waitReason(item, situation, now) || "Waits for its turn." : sentences(notYet(situation), nextStep({ ...situation, item }));
  }
}

/** Buttons of a message in the outbox, by its state; the first is the primary one. */
export const OUTBOX_CONTROLS = {
  recording: [],
  interrupted: ["send", "play", "save", "delete"],
  recorded: ["send", "play", "save", "delete"],
  queued: ["play", "save", "delete"],
  waiting: ["sendAnyway", "play", "save", "delete"],
  uploading: ["play", "save"],
  failed: ["send", "play", "save", "delete"],
  deposited: [],
};

/** @param {Situation} situation */
function notYet({ name }) {
  return `Saved on this device. Not yet with ${name}`;
}

/** @param {Situation} situation */
function nextStep(situation) {
  const { online, promised, item, now } = situation;
  if (!online) return promised ? "Goes up by itself when you are online" : "Open this page again when you are online";
  return (item && waitReason(item, situation, now)) || "Goes up in a moment.";
}

/**
 * @param {import("./engine.js").OutboxItem} item
 * @param {Situation} situation
 * @param {number} now
 */
function waitReason({ reason, state }, { online }, now) {
  if (!online) return "Waits for a connection.";
  if (!reason || state === "queued") return "";
  const numbers = measured(reason);
  const next = reason.next_try_at ? `Next try ${until(reason.next_try_at, now)}.` : "";
  return sentences(reason.text ?? "", numbers, next);
}

/** @param {import("./engine.js").Reason} reason */
function measured({ measured_bytes_per_second: value, threshold_bytes_per_second: wanted, text = "" }) {
  if (value === undefined || wanted === undefined || /\d/.test(text)) return "";
  return `Uplink ${rate(value)}, wanted ${rate(wanted)}.`;
}

/** @param {Situation} situation */
function uploadNote({ item, name }) {
  return item ? uploadShare(item) : `${name} gets it in a moment.`;
}

/** @param {import("./engine.js").OutboxItem} item */
function uploadShare({ sent, size }) {
  return size > 0 ? `Going up: ${Math.floor(Math.min(1, sent / size) * 100)} %` : "Going up.";
}

/** @param {Situation} situation */
function unfinished({ unfinished: number, unfinishedName }) {
  return number > 0 ? `You have an unfinished message to ${unfinishedName}` : "";
}

/** @param {import("./engine.js").OutboxItem} item */
function refusal({ reason }) {
  return reason?.text || "The server refused it. Your recording is safe on this device; press Send to try again.";
}

/** @param {string} name */
function offlineFine(name) {
  return `Your message to ${name} is saved on this device as you speak. No connection is needed.`;
}

/** @param {...string} parts */
function sentences(...parts) {
  return parts.filter(Boolean).map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(" ");
}
