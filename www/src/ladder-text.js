// A ladder as plain text, for documents, terminals and mails. No DOM.

import { after, outcomeOf, rowsOf, titleOf } from "./ladder-rows.js";

/** Letters between two lifelines, at least. */
const LANE = 18;
const MARGIN = 12;

/**
 * The picture alone: one line for each message.
 * @param {import("./ladder-rows.js").Ladder} ladder
 * @param {{ times?: boolean }} [options]
 * @returns {string}
 */
export function picture(ladder, { times = true } = {}) {
  const margin = times ? MARGIN : 2;
  const rows = rowsOf(ladder).filter((row) => times || row.kind !== "gap");
  const lane = Math.max(LANE, ...rows.map((row) => widthOf(row, ladder.ends)));
  const places = new Map(ladder.ends.map((end, index) => [end, margin + 4 + index * lane]));
  const lines = rows.map((row) => `${head(row, margin, times)}${body(row, [...places.values()], places, margin)}`.trimEnd());
  return [names(places), ...lines].join("\n");
}

/**
 * The picture and all messages.
 * @param {import("./ladder-rows.js").Ladder} ladder
 * @returns {string}
 */
export function text(ladder) {
  const facts = [`${titleOf(ladder)}, ${ladder.began_at}`, `${outcomeOf(ladder)}, ${ladder.entries.length} messages, Call-ID ${ladder.call_id}`];
  const left = ladder.left_out > 0 ? ["More messages of this call were not kept."] : [];
  const messages = ladder.entries.map((message, index) => {
    const title = `${index + 1}. ${after(message.after_ms)}  ${message.from} -> ${message.to}  (${message.size} bytes)`;
    return `${title}\n${"-".repeat(title.length)}\n${message.message.replaceAll("\r\n", "\n").trimEnd()}`;
  });
  return `${[facts.join("\n"), picture(ladder), ...left, ...messages].join("\n\n")}\n`;
}

/**
 * @param {import("./ladder-rows.js").Row} row
 * @param {string[]} ends
 */
function widthOf(row, ends) {
  if (row.kind !== "message") return 0;
  const steps = Math.abs(ends.indexOf(row.from) - ends.indexOf(row.to)) || 1;
  return Math.ceil((row.label.length + 7) / steps);
}

/**
 * @param {import("./ladder-rows.js").Row} row
 * @param {number} margin
 * @param {boolean} times
 */
function head(row, margin, times) {
  const words = times && row.kind !== "gap" ? after(row.after) : "";
  return words.padStart(margin - 2).padEnd(margin);
}

/** @param {Map<string, number>} places */
function names(places) {
  return [...places].reduce((line, [name, place]) => {
    const start = Math.max(place - Math.floor(name.length / 2), line.length + 1);
    return line.padEnd(start) + name;
  }, "");
}

/**
 * @param {import("./ladder-rows.js").Row} row
 * @param {number[]} all
 * @param {Map<string, number>} places
 * @param {number} margin
 */
function body(row, all, places, margin) {
  const width = all[all.length - 1] + 1;
  const line = Array(width).fill(" ");
  for (const place of all) line[place] = row.kind === "gap" ? ":" : "|";
  if (row.kind === "gap") return `${line.slice(margin).join("")}  ${row.label}`;
  const [from, to] = [places.get(row.from) ?? all[0], places.get(row.to) ?? all[0]];
  if (row.kind === "note") return noted(line, row.label, Math.min(from, to), margin);
  arrow(line, row.label, from, to);
  return line.slice(margin).join("");
}

/**
 * @param {string[]} line
 * @param {string} label
 * @param {number} from
 * @param {number} to
 */
function arrow(line, label, from, to) {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  for (let at = left + 1; at < right; at += 1) line[at] = "-";
  if (to > from) line[right - 1] = ">";
  else line[left + 1] = "<";
  const words = ` ${label} `;
  write(line, words, left + Math.max(2, Math.floor((right - left - words.length) / 2) + 1));
}

/**
 * @param {string[]} line
 * @param {string} label
 * @param {number} place
 * @param {number} margin
 */
function noted(line, label, place, margin) {
  const words = `[ ${label} ]`;
  const start = Math.max(margin, place - 2);
  while (line.length < start + words.length) line.push(" ");
  write(line, words, start);
  return line.slice(margin).join("");
}

/**
 * @param {string[]} line
 * @param {string} words
 * @param {number} start
 */
function write(line, words, start) {
  for (const [index, letter] of [...words].entries()) line[start + index] = letter;
}
