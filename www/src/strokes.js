// Strokes of a waveform as SVG.

const NAMESPACE = "http://www.w3.org/2000/svg";
const DOT = 0.01;

/**
 * A shape with its attributes.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElement}
 */
export function shape(tag, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * One vertical stroke as path data; of no height it is a dot.
 * @param {number} x its place
 * @param {number} value its height from 0 to 1
 * @param {number} height of the drawing
 * @returns {string}
 */
export function bar(x, value, height) {
  const half = Math.max(DOT, value * (height / 2 - 2));
  return `M${x.toFixed(1)} ${(height / 2 - half).toFixed(1)}v${(half * 2).toFixed(2)}`;
}
