// What an accessibility test asks of a page: axe-core's rules, which controls it has and how they are named, where the
// focus is and whether it shows, and what a screen reader is told.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MOST_TABS = 40;

/** Prepares every page that this browser opens from now on. */
export async function prepare(browser) {
  await browser.context.addInitScript({ path: AXE });
  await browser.context.addInitScript(() => {
    /** The focused element, through all shadow trees. */
    window.focused = () => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element;
    };
    window.nameOf = (element) => element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).innerText.trim();
    window.isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  });
}

/** No rule is broken in light, and none of contrast in dark; motion is reduced, so that no colour is on its way. */
export async function audit(page, state) {
  for (const [colorScheme, rules] of [['light', { type: 'tag', values: RULES }], ['dark', { type: 'rule', values: ['color-contrast'] }]]) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const broken = await page.evaluate(async (runOnly) => {
      const { violations } = await window.axe.run(document, { runOnly, resultTypes: ['violations'] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`);
    }, rules);
    assert.deepEqual(broken, [], `${state}, ${colorScheme}`);
  }
}

/** Checks one state by all rules; with `AFTERBEEP_PICTURES` it is kept as pictures too. */
export async function check(page, state) {
  await audit(page, state);
  const shots = process.env.AFTERBEEP_PICTURES;
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      await page.screenshot({ path: join(shots, `state-${state.replaceAll(' ', '-')}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Names of the buttons that can be pressed, in the element's order. */
export const buttons = (page, element = 'afterbeep-call') => page.evaluate((tag) => {
  const all = [...document.querySelector(tag).shadowRoot.querySelectorAll('button')];
  return all.filter((button) => window.isSeen(button) && !button.disabled).map(window.nameOf);
}, element);

/** Name of what has the focus; it is never nothing, never hidden, and it shows. */
export async function focus(page) {
  const found = await page.evaluate(() => {
    const element = window.focused();
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    return {
      body: element === document.body,
      seen: window.isSeen(element),
      ring: element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && !/, 0\)$/.test(outlineColor),
      name: window.nameOf(element),
      pressable: element.matches('button, input, textarea, select, summary, [role=slider]'),
    };
  });
  assert.ok(!found.body, 'the focus is lost');
  assert.ok(found.seen, `the focus is on ${found.name}, which nobody sees`);
  assert.ok(found.ring, `the focus on ${found.name} does not show`);
  return found.pressable ? found.name : `link ${found.name}`;
}

/** Goes forward by Tab, as far as needed; every stop on the way shows that it is one. */
export async function tabTo(page, name) {
  for (let tabs = 0; tabs <= MOST_TABS; tabs += 1) {
    const here = await page.evaluate(() => window.focused() && window.focused() !== document.body);
    if (here && await focus(page) === name) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab never comes to ${name}; there are ${(await buttons(page)).join(', ')}`);
}

/** Keeps what the live region says in `window.said`, one entry for each change, and counts live regions. */
export const listen = (page, element = 'afterbeep-call') => page.evaluate((tag) => {
  const root = document.querySelector(tag).shadowRoot;
  window.said = [];
  const region = root.querySelector('[role=status]');
  const isRead = (part) => part.closest('[aria-live]') === region;
  const words = () => [...region.children].filter(window.isSeen).map((part) => part.innerText.trim()).join(' / ');
  let last = words();
  const told = new MutationObserver((changes) => {
    const now = words();
    // A reader speaks every node that was written, also one written with the same words.
    if (now === last && changes.every(({ type }) => type === 'attributes')) return;
    if (changes.every(({ target }) => !isRead(target.parentElement?.closest('p, h2') ?? target))) return;
    last = now;
    window.said.push(now);
  });
  told.observe(region, { childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ['hidden'] });
}, element);

/** What was said since the last time. */
export const said = (page) => page.evaluate(() => window.said.splice(0));

/** The live regions that an element shows; a timer that is off is none. */
export const liveRegions = (page, element = 'afterbeep-call') => page.evaluate((tag) => {
  const all = document.querySelector(tag).shadowRoot.querySelectorAll('[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]');
  return [...all].filter((region) => region.closest('[hidden]') === null).map((region) => region.className || region.tagName);
}, element);

/** Nothing is cut off or leads beyond the page, whatever the size of the text. */
export async function assertFits(page, state, element = 'afterbeep-call') {
  const lost = await page.evaluate((tag) => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const all = [...document.querySelector(tag).shadowRoot.querySelectorAll('button, h2, h3, p, label, span, input')].filter(window.isSeen);
    const cut = all.filter((part) => {
      const { left, right } = part.getBoundingClientRect();
      const clipped = part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 1 && getComputedStyle(part).overflowX !== 'visible' && part.tagName !== 'INPUT';
      return clipped || left < -1 || right > innerWidth + 1;
    });
    return [...(wide > 0 ? [`${wide} px beyond the page`] : []), ...cut.filter((part) => !part.closest('.sr')).map((part) => `${part.tagName} ${part.innerText}`)];
  }, element);
  assert.deepEqual(lost, [], state);
}
