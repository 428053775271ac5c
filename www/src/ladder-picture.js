// The ladder as a picture: lifelines, arrows with method or status, times. It makes a scene of plain shapes, which
// becomes elements of the page or a file; what it needs to know of the page is a width.

import { after, outcomeOf, rowsOf, titleOf } from "./ladder-rows.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEAD = 48;
const ROW = 40;
const GAP = 32;
const TIME = 84;
/** Where text goes beside the times only if the picture is so wide. */
const NARROW = 480;
/** The look of a file, which stands alone; in the page the same classes have the page's colours. */
const FILE_STYLE = `
svg { font: 13px ui-monospace, Menlo, Consolas, monospace; background: #fbfaf6; color: #1d211e; }
text { fill: currentColor; paint-order: stroke; stroke: #fbfaf6; stroke-width: 5px; stroke-linejoin: round; }
.life { stroke: currentColor; stroke-opacity: .35; }
.quiet { stroke-dasharray: 2 5; }
.time, .later { fill-opacity: .7; font-size: 11px; }
.shaft { stroke: #12573b; stroke-width: 1.5; fill: none; }
.tip { fill: #12573b; }
.bad .shaft { stroke: #8c2f1b; } .bad .tip, .bad text { fill: #8c2f1b; }
.end { font-weight: 600; }
.ground { fill: #fbfaf6; }
.note rect { fill: #e8efe7; stroke: #12573b; }
.note text { stroke: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #171a18; color: #eeefe9; }
  text { stroke: #171a18; }
  .shaft { stroke: #8fdbb0; } .tip { fill: #8fdbb0; } .ground { fill: #171a18; }
  .bad .shaft { stroke: #f0a896; } .bad .tip, .bad text { fill: #f0a896; }
  .note rect { fill: #22302a; stroke: #8fdbb0; }
}`;

/**
 * @typedef {{ tag: string, set: Record<string, string | number>, text?: string, inside?: Shape[] }} Shape
 */

/**
 * @param {import("./ladder-rows.js").Ladder} ladder
 * @param {number} width pixels
 * @returns {{ width: number, height: number, shapes: Shape[] }}
 */
export function scene(ladder, width) {
  const narrow = width < NARROW;
  const left = narrow ? 4 : TIME;
  const lane = (width - left) / Math.max(1, ladder.ends.length);
  const places = new Map(ladder.ends.map((end, index) => [end, Math.round(left + lane * (index + 0.5))]));
  const shapes = [...places].map(([name, x]) => words(name, x, 20, { class: "end", "text-anchor": "middle" }));
  let y = HEAD - 12;
  for (const row of rowsOf(ladder)) {
    const height = row.kind === "gap" ? GAP : ROW;
    for (const x of places.values()) shapes.push(life(x, y, height, row.kind === "gap"));
    shapes.push(...step(row, places, y, { width, narrow, left }));
    y += height;
  }
  for (const x of places.values()) shapes.push(life(x, y, 12, false));
  return { width, height: y + 16, shapes };
}

/**
 * @param {import("./ladder-rows.js").Row} row
 * @param {Map<string, number>} places
 * @param {number} y
 * @param {{ width: number, narrow: boolean, left: number }} room
 * @returns {Shape[]}
 */
function step(row, places, y, { width, narrow, left }) {
  if (row.kind === "gap") return [words(row.label, width - 4, y + GAP / 2 + 4, { class: "later", "text-anchor": "end" })];
  const time = narrow ? [] : [words(after(row.after), left - 12, y + 26, { class: "time", "text-anchor": "end" })];
  const [from, to] = [places.get(row.from) ?? left, places.get(row.to) ?? left];
  if (row.kind === "note") return [...time, note(row.label, from, y, width)];
  return [...time, arrow(row, from, to, y)];
}

/**
 * @param {import("./ladder-rows.js").MessageRow} row
 * @param {number} from
 * @param {number} to
 * @param {number} y
 * @returns {Shape}
 */
function arrow(row, from, to, y) {
  const line = y + 26;
  const back = to > from ? -8 : 8;
  const bad = (row.message.status ?? 0) >= 400;
  return {
    tag: "g",
    set: { class: bad ? "step bad" : "step", "data-number": row.number },
    inside: [
      { tag: "rect", set: { class: "hit", x: Math.min(from, to), y: y + 2, width: Math.abs(to - from), height: ROW - 4, fill: "transparent" } },
      { tag: "path", set: { class: "shaft", d: `M${from} ${line}H${to + back / 2}` } },
      { tag: "path", set: { class: "tip", d: `M${to} ${line}l${back} -4v8z` } },
      words(row.label, (from + to) / 2, line - 7, { "text-anchor": "middle" }),
    ],
  };
}

/**
 * @param {string} label
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @returns {Shape}
 */
function note(label, x, y, width) {
  const wide = label.length * 7.6 + 20;
  const start = Math.max(2, Math.min(x - 14, width - wide - 2));
  return {
    tag: "g",
    set: { class: "note" },
    inside: [
      { tag: "rect", set: { x: start, y: y + 8, width: wide, height: 26, rx: 6 } },
      words(label, start + 10, y + 25, {}),
    ],
  };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} height
 * @param {boolean} quiet
 * @returns {Shape}
 */
function life(x, y, height, quiet) {
  return { tag: "path", set: { class: quiet ? "life quiet" : "life", d: `M${x} ${y}v${height}` } };
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {Record<string, string | number>} set
 * @returns {Shape}
 */
function words(text, x, y, set) {
  return { tag: "text", set: { x: Math.round(x * 10) / 10, y, ...set }, text };
}

/**
 * The picture for the page.
 * @param {import("./ladder-rows.js").Ladder} ladder
 * @param {number} width
 * @returns {SVGSVGElement}
 */
export function draw(ladder, width) {
  const { height, shapes } = scene(ladder, width);
  const svg = /** @type {SVGSVGElement} */ (element({ tag: "svg", set: { viewBox: `0 0 ${width} ${height}`, width, height, class: "picture" }, inside: shapes }));
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/**
 * @param {Shape} shape
 * @returns {Element}
 */
function element({ tag, set, text, inside = [] }) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(set)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  made.append(...inside.map(element));
  return made;
}

/**
 * The picture as a file that stands alone.
 * @param {import("./ladder-rows.js").Ladder} ladder
 * @param {number} [width]
 * @returns {string}
 */
export function file(ladder, width = 880) {
  const { height, shapes } = scene(ladder, width);
  const title = `${titleOf(ladder)}, ${ladder.began_at}: ${outcomeOf(ladder)}`;
  const inside = [{ tag: "title", set: {}, text: title }, { tag: "style", set: {}, text: FILE_STYLE }, { tag: "rect", set: { class: "ground", width, height } }, ...shapes];
  return `${print({ tag: "svg", set: { xmlns: NAMESPACE, viewBox: `0 0 ${width} ${height}`, width, height }, inside })}\n`;
}

/**
 * @param {Shape} shape
 * @returns {string}
 */
function print({ tag, set, text = "", inside = [] }) {
  const attributes = Object.entries(set).map(([name, value]) => ` ${name}="${escape(String(value))}"`);
  return `<${tag}${attributes.join("")}>${escape(text)}${inside.map(print).join("")}</${tag}>`;
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
}
