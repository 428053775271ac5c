// The look of both elements: one set of tokens, light and dark from the same names.
//
// An embedder changes it by the custom properties `--afterbeep-*` and by `::part()`; everything else
// is private. Text keeps 7:1 on its ground, borders and marks 3:1, in both schemes.

const TOKENS = `
:host {
  color-scheme: light dark;
  --paper: var(--afterbeep-paper, light-dark(#fbfaf6, #171a18));
  --ink: var(--afterbeep-ink, light-dark(#1d211e, #eeefe9));
  --accent: var(--afterbeep-accent, light-dark(#12573b, #8fdbb0));
  --on-accent: var(--afterbeep-on-accent, light-dark(#ffffff, #0d1f16));
  --soft: color-mix(in srgb, var(--ink) 80%, var(--paper));
  --edge: color-mix(in srgb, var(--ink) 56%, var(--paper));
  --line: color-mix(in srgb, var(--ink) 14%, var(--paper));
  --wash: color-mix(in srgb, var(--ink) 5%, var(--paper));
  --tint: color-mix(in srgb, var(--accent) 10%, var(--paper));
  --radius: var(--afterbeep-radius, 16px);
  display: block;
  box-sizing: border-box;
  color: var(--ink);
  background: var(--paper);
  font: 400 1rem/1.5 var(--afterbeep-font, ui-rounded, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  -webkit-text-size-adjust: 100%;
  text-align: start;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
h2, h3, p, ul, fieldset { margin: 0; padding: 0; border: 0; }
ul { list-style: none; }
`;

const CONTROLS = `
button, .button {
  -webkit-appearance: none; appearance: none;
  display: inline-flex; align-items: center; justify-content: center; gap: 8px;
  min-height: 48px; padding: 0 20px;
  border: 1px solid var(--edge); border-radius: 999px;
  background: transparent; color: var(--ink);
  font: inherit; font-weight: 560; white-space: nowrap; text-decoration: none;
  cursor: pointer; touch-action: manipulation;
  transition: background-color 120ms, border-color 120ms;
}
button:hover, .button:hover { background: var(--wash); border-color: var(--ink); }
button:active, .button:active { background: var(--line); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
button.firm { background: var(--ink); border-color: var(--ink); color: var(--paper); }
button.firm:hover { background: color-mix(in srgb, var(--ink) 86%, var(--paper)); }
button.large { min-height: 64px; padding: 0 36px; font-size: 1.1875rem; }
button.quiet, .button.quiet { min-height: 40px; padding: 0 12px; border-color: transparent; color: var(--soft); font-weight: 500; }
button.quiet:hover, .button.quiet:hover { color: var(--ink); background: var(--wash); }
button:disabled, button:disabled:hover { color: var(--soft); border-color: var(--line); background: transparent; cursor: default; }
button svg, .button svg { width: 20px; height: 20px; flex: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
input, textarea {
  width: 100%; min-height: 48px; padding: 0 16px;
  border: 1px solid var(--edge); border-radius: 12px;
  background: var(--paper); color: var(--ink);
  font: inherit; font-size: max(1rem, 16px);
}
textarea { display: block; min-height: 9rem; max-height: 50vh; padding: 12px 16px; line-height: 1.5; resize: vertical; field-sizing: content; }
input::placeholder { color: var(--soft); opacity: 1; }
label { display: grid; gap: 4px; color: var(--soft); font-size: 0.9375rem; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.muted { color: var(--soft); }
.small { font-size: 0.9375rem; }
.figures { font-variant-numeric: tabular-nums; }
.wave { display: block; width: 100%; height: 96px; contain: strict; }
.wave path { fill: none; stroke-linecap: round; stroke-width: 3.5px; }
.wave g path { stroke-width: 4px; }
.wave .base { stroke: var(--edge); }
.wave .done { stroke: var(--accent); }
.slider { position: relative; border-radius: 12px; cursor: pointer; touch-action: none; }
.screen { margin-bottom: 16px; text-align: center; }
.screen video { max-width: 100%; max-height: 22rem; border-radius: var(--radius); background: var(--line); cursor: pointer; vertical-align: top; }
.words { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
.undo {
  display: flex; align-items: center; justify-content: space-between; gap: 16px;
  padding: 8px 8px 8px 16px; border-radius: 12px; background: var(--wash);
}
.undo button { background: var(--paper); }
.trouble { padding: 12px 16px; border-inline-start: 4px solid var(--ink); border-radius: 4px 12px 12px 4px; background: var(--wash); }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (forced-colors: active) { .wave .done { stroke: Highlight; } .wave .base { stroke: CanvasText; } button.primary { border: 2px solid; } }
`;

const CALL = `
.stage { display: grid; justify-items: center; gap: 24px; padding: 24px 0 32px; text-align: center; }
.status { display: grid; gap: 8px; max-width: 32rem; }
.headline { font-size: clamp(1.75rem, 1.3rem + 2.2vw, 2.5rem); font-weight: 640; line-height: 1.15; letter-spacing: -0.015em; text-wrap: balance; }
.note { color: var(--soft); text-wrap: pretty; }
.hero { width: 100%; }
.captioned { width: 100%; max-width: 32rem; }
.caption { padding: 16px 20px; border-radius: 12px; background: var(--wash); font-size: 1.0625rem; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
.time { font-size: 1.25rem; font-weight: 560; line-height: 1; }
.controls { display: flex; flex-wrap: wrap; justify-content: center; gap: 12px; min-height: 64px; align-items: center; }
.field { width: 100%; max-width: 22rem; text-align: start; }
.writing { max-width: 32rem; display: grid; gap: 8px; }
.writing .small { margin: 0; text-align: end; }
.stage > .words { width: 100%; max-width: 32rem; max-height: 12rem; overflow: auto; padding: 16px 20px; border-radius: 12px; background: var(--wash); }
.dial input { min-height: 64px; font-size: 1.25rem; text-align: center; border-radius: 999px; }
.dial label { justify-items: center; }
.stage .trouble, .stage > .undo { width: 100%; max-width: 32rem; margin: 8px auto 0; text-align: start; }
.outbox { border-top: 1px solid var(--line); padding-top: 24px; }
.outbox h3 { font-size: 1.125rem; font-weight: 640; }
.outbox li { display: grid; gap: 8px; padding: 16px 0; border-bottom: 1px solid var(--line); }
.outbox li:last-child { border-bottom: 0; }
.outbox .top { display: flex; justify-content: space-between; gap: 16px; align-items: baseline; }
.outbox .who { font-weight: 600; }
.outbox .wave { height: 40px; }
.outbox > .clear { margin: 8px 0 0 -12px; }
.outbox .question { display: grid; gap: 16px; margin: 0 0 0 12px; padding: 16px 20px; border-radius: 12px; background: var(--wash); }
.outbox .words { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; color: var(--soft); }
.outbox .row { gap: 4px; }
.outbox .flush { margin-inline-start: -12px; }
.outbox button { min-height: 44px; padding: 0 16px; }
.outbox button.quiet { padding: 0 12px; }
@media (max-width: 480px) {
  .controls { width: 100%; }
  .controls button { flex: 1 1 40%; }
  .controls button.large { flex-basis: 100%; }
}
`;

const INBOX = `
.bar { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 8px 16px; padding: 24px 0 8px; }
.headline { font-size: clamp(1.75rem, 1.3rem + 2.2vw, 2.5rem); font-weight: 640; line-height: 1.15; letter-spacing: -0.015em; }
.sign-in { display: grid; gap: 16px; max-width: 24rem; padding: 16px 0; }
.sign-in button { justify-self: start; }
.messages { margin-top: 8px; }
.messages li { display: grid; gap: 12px; padding: 24px 0; border-bottom: 1px solid var(--line); }
.messages li:last-child { border-bottom: 0; }
.messages .row { gap: 4px; margin-inline-start: -12px; }
.messages .top > :last-child { white-space: nowrap; }
.messages button.quiet:disabled, .messages button.quiet:disabled:hover { background: transparent; border-color: transparent;  color: color-mix(in srgb, var(--ink) 62%, var(--paper)); }
.messages .top { display: flex; justify-content: space-between; gap: 16px; align-items: baseline; }
.messages .who { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; font-size: 1.125rem; font-weight: 500; overflow-wrap: anywhere; }
.messages .new .who { font-weight: 680; }
.badge { padding: 0 10px; border-radius: 999px; background: var(--accent); color: var(--on-accent); font-size: 0.8125rem; font-weight: 600; line-height: 1.5rem; align-self: center; }
.film-mark { display: inline-flex; gap: 4px; align-items: center; align-self: center; font-weight: 500; }
.film-mark svg { width: 18px; height: 18px; }
.messages .wave { height: 56px; }
.messages .play { display: grid; grid-template-columns: auto 1fr auto; align-items: center; gap: 16px; }
.letter { display: grid; gap: 16px; justify-items: start; }
.letter .words { width: 100%; padding: 16px 20px; border-radius: 12px; background: var(--wash); font-size: 1.0625rem; }
.empty { display: grid; gap: 8px; padding: 24px 0; }
.news { display: grid; gap: 8px; }
.welcome { padding: 8px 24px; margin: 16px 0; border-radius: var(--radius); background: var(--tint); }
.welcome summary { min-height: 48px; display: flex; align-items: center; font-weight: 600; cursor: pointer; border-radius: 8px; }
.welcome summary { justify-content: space-between; list-style: none; }
.welcome summary::-webkit-details-marker { display: none; }
.welcome summary::after { content: ""; width: 9px; height: 9px; margin-inline-end: 4px; border: solid; border-width: 0 2px 2px 0; transform: translateY(-3px) rotate(45deg); }
.welcome[open] summary::after { transform: translateY(2px) rotate(225deg); }
.bar .row { margin-inline-end: -12px; }
.welcome .inside { display: grid; grid-template-columns: minmax(0, 1fr); gap: 24px; padding: 0 0 16px; }
.welcome button { max-width: 100%; white-space: normal; }
.link { display: flex; gap: 8px; align-items: end; }
.link label { flex: 1; min-width: 0; }
.studio { display: grid; gap: 12px; }
.studio textarea { min-height: 4.5rem; }
.tools { margin-block-start: 4px; }
.tools button { min-width: 4.5rem; }
.tools button[aria-pressed="true"] { color: var(--ink); background: var(--wash); }
.studio .wave { height: 64px; }
@media (max-width: 480px) { .welcome { padding: 8px 16px; } .link { flex-wrap: wrap; } .link label { flex-basis: 100%; } .link button { flex: 1 1 max-content; } }
`;

/** @type {Map<string, CSSStyleSheet>} */
const sheets = new Map();

/**
 * The style sheets of one element, made once per page.
 * @param {"call" | "inbox"} element
 * @param {string} [more] rules of what is added to it
 * @returns {CSSStyleSheet[]}
 */
export function sheetsOf(element, more = "") {
  return [TOKENS + CONTROLS, (element === "call" ? CALL : INBOX) + more].map(sheet);
}

/** @param {string} css */
function sheet(css) {
  const known = sheets.get(css);
  if (known) return known;
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  sheets.set(css, made);
  return made;
}
