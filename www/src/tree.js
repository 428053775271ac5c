// Builds DOM trees. Text is always text: nothing a caller says about himself is ever parsed as HTML.

import { icon } from "./icon.js";

/**
 * An element with attributes and children. `class`, `part`, `role` and `aria-*` are attributes, a function
 * is a listener for the event it is named for, `hidden` and the like are properties.
 * @param {string} tag
 * @param {Record<string, unknown>} [given]
 * @param {...(Node | string | undefined)} children
 * @returns {any}
 */
export function tree(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {EventListener} */ (value));
    else if (typeof value === "boolean") element[name] = value;
    else if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/**
 * A button with an icon and its word, which is its accessible name. Its part is the word in kebab case.
 * @param {string} word
 * @param {string} symbol
 * @param {() => void} press
 * @param {string} [look] classes
 * @returns {HTMLButtonElement}
 */
export function button(word, symbol, press, look = "") {
  const part = `button ${word.toLowerCase().replaceAll(" ", "-")}-button`;
  return tree("button", { type: "button", part, class: look, click: press }, icon(symbol), tree("span", {}, word));
}

/**
 * Gives a button another word and icon.
 * @param {HTMLButtonElement} element
 * @param {string} word
 * @param {string} symbol
 */
export function relabel(element, word, symbol) {
  if (element.lastElementChild.textContent === word) return;
  element.replaceChildren(icon(symbol), tree("span", {}, word));
}

/**
 * Sets a text only if it differs; whether it did. The same words written once more would be laid out, and read aloud, again.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/**
 * Sets a text only if it differs; an empty one hides its element.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  write(element, text);
  element.toggleAttribute("hidden", text === "");
}
