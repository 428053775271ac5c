// What an accessibility test asks of a page: axe-core's rules, which controls it has and how they are named, and
// whether all of it is there with large text.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Prepares every page that this browser opens from now on. */
export async function prepare(browser) {
  await browser.context.addInitScript({ path: AXE });
  await browser.context.addInitScript(() => {
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

/** Names of the buttons that can be pressed, in the element's order. */
export const buttons = (page, element = 'afterbeep-call') => page.evaluate((tag) => {
  const all = [...document.querySelector(tag).shadowRoot.querySelectorAll('button')];
  return all.filter((button) => window.isSeen(button) && !button.disabled).map(window.nameOf);
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
