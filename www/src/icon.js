// Icons as inline SVG symbols: 24 px grid, drawn with the text's colour, hidden from assistive technology.

const PATHS = {
  call: "M6.5 3.5h3l1.5 4-2 1.5a12 12 0 0 0 6 6l1.5-2 4 1.5v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2z",
  hangUp: "M3 14.5c5-5.3 13-5.3 18 0l-1.8 2.6-4-1.4v-2.6a11 11 0 0 0-6.4 0v2.6l-4 1.4z",
  skip: "M5 5l9 7-9 7zM18 5v14",
  record: "M12 6a6 6 0 1 1 0 12a6 6 0 1 1 0-12z",
  pause: "M8 5v14M16 5v14",
  stop: "M7 7h10v10H7z",
  play: "M7 4.5l12 7.5-12 7.5z",
  again: "M5 12a7 7 0 1 0 2.3-5.2M5 4v4h4",
  delete: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  send: "M4 12l16-7.5-5 15-3.5-6z",
  save: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
  write: "M4.5 19.5l1-4L16 5l3 3L8.5 18.5zM13.5 7.5l3 3",
  read: "M4 6.5h16v11H4zM4 7l8 6.5L20 7",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  voice: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4zM6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  video: "M4 7h11v10H4zM15 11l5-3v8l-5-3",
  attach: "M18.5 11.5l-6.8 6.8a4 4 0 0 1-5.7-5.7l7.2-7.2a2.7 2.7 0 0 1 3.8 3.8l-7 7a1.3 1.3 0 0 1-1.9-1.9l6.2-6.2",
  file: "M7 3.5h6.5L18 8v12.5H7zM13.5 3.5V8H18",
  cutBefore: "M12 4v16M16 8l4 4-4 4M5 8v.01M5 12v.01M5 16v.01",
  cutAfter: "M12 4v16M8 8l-4 4 4 4M19 8v.01M19 12v.01M19 16v.01",
  receipt: "M6 3.5h12v17l-3-2-3 2-3-2-3 2zM9 8.5h6M9 12h6",
  mute: "M9.5 9v2.5a2.5 2.5 0 0 0 4.3 1.7M14.5 10V6.5a2.5 2.5 0 0 0-4.7-1.2M6.5 11.5a5.5 5.5 0 0 0 9 4.2M17.3 13.2q.2-.8.2-1.7M12 17v3M4 4l16 16",
  keypad: "M6 6v.01M12 6v.01M18 6v.01M6 12v.01M12 12v.01M18 12v.01M6 18v.01M12 18v.01M18 18v.01",
  voicemail: "M6.5 9a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7zM17.5 9a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7zM6.5 16h11",
  bell: "M6.5 16.5v-6a5.5 5.5 0 0 1 11 0v6l1.5 1.5H5zM10.5 20.5h3",
  list: "M8 6.5h12M8 12h12M8 17.5h12M4 6.5v.01M4 12v.01M4 17.5v.01",
  ladder: "M5 4v16M19 4v16M5 9h10M12 6l3 3-3 3M19 16H9M12 13l-3 3 3 3",
  upload: "M12 19V8M7.5 12L12 7.5l4.5 4.5M5 4.5h14",
};
/** Drawn as dots. */
const BOLD = new Set(["keypad"]);
const FILLED = new Set(["record", "stop", "play"]);

/**
 * An icon by name.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  attributes(svg, { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" });
  attributes(path, {
    d: PATHS[name],
    fill: FILLED.has(name) ? "currentColor" : "none",
    stroke: "currentColor",
    "stroke-width": BOLD.has(name) ? "3" : "1.75",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
  svg.append(path);
  return svg;
}

/**
 * @param {Element} element
 * @param {Record<string, string>} values
 */
function attributes(element, values) {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
}
