// What the page of ladders adds to the look of the elements.

export const LADDER_STYLES = `
.calls li { border-bottom: 1px solid var(--line); }
.calls li:last-child { border-bottom: 0; }
.call { display: grid; grid-template-columns: 1fr auto; gap: 0 16px; padding: 16px 12px; margin-inline: -12px; border-radius: 12px; color: inherit; text-decoration: none; }
.call:hover { background: var(--wash); }
.call:hover .who { text-decoration: underline; text-underline-offset: 4px; }
.call .who { font-size: 1.125rem; font-weight: 560; overflow-wrap: anywhere; }
.ladder { display: grid; gap: 8px; }
.ladder .headline { overflow-wrap: anywhere; outline: none; }
.saves { margin-inline-start: -12px; }
.bar .back { margin-inline-start: -12px; }
.bar .row { margin-inline-start: auto; }
.sides { display: grid; gap: 24px; align-items: start; }
.frame { min-width: 0; overflow-x: auto; border: 1px solid var(--line); border-radius: var(--radius); padding: 8px 0; }
.picture { display: block; font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.picture text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
.picture .note text { stroke: none; }
.picture .life { stroke: var(--edge); }
.picture .quiet { stroke-dasharray: 2 5; }
.picture .time, .picture .later { fill: var(--soft); font-size: 11px; }
.picture .end { font-weight: 600; }
.picture .shaft { stroke: var(--accent); stroke-width: 1.5; fill: none; }
.picture .tip { fill: var(--accent); }
.picture .bad .shaft { stroke: var(--bad); }
.picture .bad .tip, .picture .bad text { fill: var(--bad); }
.picture .step { cursor: pointer; }
.picture .step:hover .hit { fill: var(--wash); }
.picture .note rect { fill: var(--tint); stroke: var(--accent); }
:host { --bad: light-dark(#8c2f1b, #f0a896); }
.steps { margin: 0; padding: 0; list-style: none; min-width: 0; }
.steps li { border-bottom: 1px solid var(--line); }
.steps .gap { padding: 4px 12px; text-align: end; }
.steps .noted { display: flex; gap: 12px; align-items: baseline; padding: 10px 0; }
.steps .noted span:last-child { padding: 0 10px; border-radius: 8px; background: var(--tint); }
.steps summary { display: grid; grid-template-columns: 5.5rem 1fr auto 16px; gap: 0 12px; align-items: baseline; min-height: 48px; padding: 10px 0; cursor: pointer; border-radius: 8px; }
.steps summary::-webkit-details-marker { display: none; }
.steps summary::after { content: ""; align-self: center; justify-self: end; width: 8px; height: 8px; margin-inline-end: 4px; border: solid var(--soft); border-width: 0 2px 2px 0; transform: translateY(-2px) rotate(45deg); }
.steps [open] > summary::after { transform: translateY(2px) rotate(225deg); }
.steps summary:hover { background: var(--wash); }
.steps .at { text-align: end; min-width: 5.5rem; }
.steps .what { font-weight: 600; overflow-wrap: anywhere; }
.steps .bad { color: var(--bad); }
.steps pre { margin: 8px 0 16px; padding: 12px 16px; overflow: auto; border-radius: 12px; background: var(--wash); font: 0.8125rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.operator { margin-top: 24px; border-top: 1px solid var(--line); }
.operator summary { min-height: 48px; display: flex; align-items: center; color: var(--soft); cursor: pointer; }
.operator form { display: grid; gap: 16px; max-width: 24rem; padding: 8px 0 16px; }
.operator form button { justify-self: start; }
@media (min-width: 960px) {
  .sides { grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); }
  .frame { position: sticky; top: 16px; max-height: calc(100dvh - 32px); overflow-y: auto; }
}
@media (max-width: 480px) {
  .steps summary { grid-template-columns: 4.5rem 1fr 16px; }
  .steps .at { min-width: 4.5rem; }
  .steps .way { grid-column: 2; grid-row: 2; }
}
@media (forced-colors: active) { .picture .shaft, .picture .life { stroke: CanvasText; } .picture .tip, .picture text { fill: CanvasText; } }
`;
