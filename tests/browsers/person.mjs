// What a person does on the call page, in any browser: presses what has a name, reads what is said.

import { until } from './processes.mjs';

/** Presses the first enabled button of this name, also inside elements; waits until there is one. */
export function press(tab, name, within = 'body') {
  return until(`a button ${name} in ${within}`, () => tab.evaluate((wanted, part) => {
    const all = (root) => [...root.querySelectorAll('*')].flatMap((node) => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]);
    const inside = (node) => node && (node.matches?.(part) || inside(node.parentNode ?? node.host));
    const named = (node) => [node.getAttribute('aria-label'), node.textContent.trim()].includes(wanted);
    const found = all(document).find((node) => node.localName === 'button' && named(node) && !node.disabled && node.checkVisibility() && inside(node));
    found?.click();
    return Boolean(found);
  }, name, within));
}

/** Waits until the call element is in one of these states. */
export const inState = (tab, ...states) => until(`state ${states}`, () => tab.evaluate(
  (wanted) => wanted.includes(document.querySelector('afterbeep-call')?.state), states,
));

/** Waits until the page says so, also inside elements. */
export const says = (tab, pattern, withinMs) => until(`the words ${pattern}`, () => tab.evaluate((source) => {
  const text = (root) => [...root.childNodes].map((node) => (node.localName === 'style' ? '' : node.shadowRoot ? text(node.shadowRoot) : node.childNodes.length ? text(node) : node.nodeValue ?? '')).join(' ');
  return new RegExp(source).test(text(document.body).replaceAll(/\s+/g, ' '));
}, pattern.source), withinMs);

/** Waits until the element plays sound. */
export const hears = (tab, element) => until('sound that plays', () => tab.evaluate(
  (name) => (document.querySelector(name).shadowRoot.querySelector('audio')?.currentTime ?? 0) > 0.2, element,
));

/** The rows of the browser's own database. */
export const deposits = (tab) => tab.evaluate(async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  if (!(await indexedDB.databases()).some(({ name }) => name === 'afterbeep')) return [];
  const database = await done(indexedDB.open('afterbeep'));
  const rows = await done(database.transaction('deposits').objectStore('deposits').getAll());
  database.close();
  return rows.map(({ deposit_id, state, duration_ms, size, content_type }) => ({ deposit_id, state, duration_ms, size, content_type }));
});

/** Signs in on the inbox page. */
export async function signsIn(tab, user) {
  await until('the fields of the sign-in', () => tab.evaluate((name) => {
    const root = document.querySelector('afterbeep-inbox')?.shadowRoot;
    const [address, password] = [root?.querySelector('input:not([type=password])'), root?.querySelector('input[type=password]')];
    if (!address || !password) return false;
    for (const [field, value] of [[address, name], [password, `${name}-demo`]]) {
      field.value = value;
      field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    }
    return true;
  }, user));
  await press(tab, 'Sign in');
}
