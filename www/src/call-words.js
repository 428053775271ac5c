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
 * @property {boolean} [speechless] there is no microphone, or it was refused
 * @property {string} [text] the words of a written message in hand
 * @property {number} now Unix ms
 *
 * What the stage shows.
 * @typedef {object} View
 * @property {(situation: Situation) => string} headline
 * @property {(situation: Situation) => string} note
 * @property {string[]} controls names of buttons; the first is the primary one
 * @property {"line" | "greeting" | "live" | "review" | "sending" | "writing" | "talk"} hero
 * @property {boolean} [calm] nothing needs to be done, so no control stands out
 */

/** What the network gate's verdicts mean, before its numbers. */
const GATE = { slow: "Waiting: uplink too weak", failing: "Waiting: uplink too weak", unmeasured: "Waiting: uplink not measured yet", metered: "Waiting for Wi-Fi" };
const MICROPHONE_LINE = "Your browser may ask for the microphone: it is for the call, or for your message.";

/** @type {Record<string, View>} */
export const VIEWS = {
  idle: {
    headline: ({ name }) => (name ? `Call ${name}` : "Who do you want to call?"),
    note: (situation) => unfinished(situation) || (situation.name ? `If ${situation.name} does not answer, leave a message. ${MICROPHONE_LINE}` : ""),
    controls: ["call", "record", "write", "check"],
    hero: "line",
  },
  calling: { headline: ({ name }) => `Calling ${name}`, note: () => MICROPHONE_LINE, controls: ["hangUp"], hero: "line" },
  ringing: { headline: ({ name }) => `Ringing at ${name}’s`, note: () => "If nobody answers, you can leave a message.", controls: ["hangUp"], hero: "line" },
  talking: { headline: ({ name }) => `You are talking with ${name}`, note: () => "", controls: ["hangUp", "mute", "hold", "keypad", "camera"], hero: "talk" },
  greeting: {
    headline: ({ name }) => `${name} is not available`,
    note: () => "Listen to the greeting, then leave a message.",
    controls: ["skip", "hangUp"],
    hero: "greeting",
  },
  ended: { headline: callEnded, note: offlineFine, controls: ["record", "call", "write", "check"], hero: "line" },
  ready: { headline: callEnded, note: offlineFine, controls: ["record", "call", "write", "check"], hero: "line" },
  recording: { headline: () => "Recording", note: () => "Every word is saved on this device as you speak.", controls: ["stop", "pause"], hero: "live" },
  paused: { headline: () => "Paused", note: () => "What you said is saved on this device.", controls: ["resume", "stop"], hero: "live" },
  review: {
    headline: ({ name }) => `Your message to ${name}`,
    note: ({ name }) => `Saved on this device. ${name} gets it when you press Send.`,
    controls: ["send", "play", "again", "delete"],
    hero: "review",
  },
  writing: {
    headline: ({ name }) => `Write to ${name}`,
    note: ({ name }) => `Every word is saved on this device as you write. ${name} gets it when you press Send.`,
    controls: ["send", "delete"],
    hero: "writing",
  },
  queued: { headline: notYet, note: nextStep, controls: ["record", "write"], hero: "sending", calm: true },
  waiting: { headline: notYet, note: nextStep, controls: ["record", "write"], hero: "sending", calm: true },
  uploading: { headline: ({ name }) => `Going up to ${name}`, note: uploadNote, controls: ["record", "write"], hero: "sending", calm: true },
  deposited: {
    headline: ({ name }) => `${name} has your message`,
    note: ({ item, now }) => `Delivered ${moment(now, now).toLowerCase().replace("today", "today at")}${item && !isWritten(item) ? `, ${clock(item.duration_ms)} long` : ""}.`,
    controls: ["record", "call", "write"],
    hero: "sending",
    calm: true,
  },
  failed: {
    headline: ({ item, name }) => (item ? `Not sent to ${name}` : `The call to ${name} did not work`),
    note: ({ item }) => (item ? refusal(item) : ""),
    controls: ["call", "record", "write"],
    hero: "line",
  },
};

/**
 * What stands under a message in the outbox: where it is, and what comes next or why it waits.
 * @param {import("./engine.js").OutboxItem} item
 * @param {Situation} situation
 * @returns {[place: string, next: string]}
 */
export function outboxLines(item, situation) {
  const { name } = situation;
  switch (item.state) {
    case "recording": return ["Being recorded now.", ""];
    case "interrupted": return ["Interrupted. Everything up to the last second is here.", ""];
    case "recorded": return ["Draft. Not sent.", ""];
    case "uploading": return [notYet(situation), uploadShare(item)];
    case "deposited": return [`With ${name}`, `${isWritten(item) ? "The words" : "The sound"}${item.parts?.length ? " and the files have" : isWritten(item) ? " have" : " has"} left this device.`];
    case "failed": return [failure(item, name), refusal(item)];
    default: return [notYet(situation), nextStep({ ...situation, item })];
  }
}

/** Buttons of a message in the outbox, by its state; the first is the primary one. */
export const OUTBOX_CONTROLS = {
  recording: [],
  interrupted: ["send", "edit", "play", "save", "delete"],
  recorded: ["send", "edit", "play", "save", "delete"],
  queued: ["edit", "play", "save", "delete"],
  waiting: ["sendAnyway", "edit", "play", "save", "delete"],
  uploading: ["play", "save"],
  failed: ["send", "edit", "play", "save", "delete"],
  deposited: ["receipt"],
};

/**
 * Which buttons a view offers. Without a microphone, writing comes where recording would.
 * @param {View} view
 * @param {Situation} situation
 */
export function controlsOf({ controls }, { speechless }) {
  return speechless && controls[0] === "record" ? ["write", ...controls.filter((name) => name !== "write")] : controls;
}

/** @param {{ kind?: string }} item whether it was written, not spoken */
export function isWritten({ kind }) {
  return kind === "text";
}

/** @param {Situation} situation */
function notYet({ name }) {
  return `Saved on this device. Not yet with ${name}`;
}

/** @param {Situation} situation */
function nextStep(situation) {
  const { online, promised, item, now } = situation;
  if (!online) return promised ? "Goes up by itself when you are online" : "Open this page again when you are online";
  return (item && waitReason(item, now)) || "Goes up in a moment.";
}

/**
 * @param {import("./engine.js").OutboxItem} item
 * @param {number} now
 */
function waitReason({ reason, state }, now) {
  if (!reason || state === "queued") return "";
  const next = reason.next_try_at ? `Next try ${until(reason.next_try_at, now)}` : "";
  return sentences(GATE[reason.code] ?? "", reason.text ?? "", measured(reason), next);
}

/** @param {import("./engine.js").Reason} reason */
function measured({ measured_bytes_per_second: value, threshold_bytes_per_second: wanted, text = "" }) {
  if (value === undefined || wanted === undefined || /bit\/s/.test(text)) return "";
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

/**
 * @param {import("./engine.js").OutboxItem} item
 * @param {string} name
 */
function failure({ reason, parts = [] }, name) {
  if (reason?.code === "earlier_arrived") return `${name} has it without your last change.`;
  if (/revoked/.test(reason?.code ?? "")) return "Not sent: the permission was revoked.";
  return parts.some((part) => part.refusal) ? "Not sent because of a file." : "Not sent: the server refused it.";
}

/** @param {import("./engine.js").OutboxItem} item */
function refusal({ reason }) {
  return reason?.text || "The server refused it. Your message is safe on this device; press Send to try again.";
}

/** @param {Situation} situation */
function callEnded({ speechless }) {
  return `Call ended. ${speechless ? "Write" : "Record"} when you like`;
}

/** @param {Situation} situation */
function offlineFine({ name, speechless }) {
  return `Your message to ${name} is saved on this device as you ${speechless ? "write" : "speak"}. No connection is needed.`;
}

/** @param {...string} parts */
function sentences(...parts) {
  return parts.filter(Boolean).map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(" ");
}
