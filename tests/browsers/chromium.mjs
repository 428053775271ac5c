// Chromium with the few verbs that all browsers have here; its own fake device plays the file.

import { launchBrowser } from '../harness.mjs';
import { witness } from './witness.mjs';

/** Starts it with this profile. */
export async function launchChromium({ profileDir, microphoneWav }) {
  const browser = await launchBrowser({ profileDir, microphoneWav });
  const notes = [];
  await browser.context.exposeFunction('noteForTest', (note) => { notes.push(note); });
  await browser.context.addInitScript(`(${witness})((note) => globalThis.noteForTest(note))`);
  const [page] = browser.context.pages();
  return {
    notes: () => notes,
    goto: (url) => page.goto(url),
    evaluate: (script, ...words) => page.evaluate(`(${script})(...${JSON.stringify(words)})`),
    close: () => browser.close(),
    kill9: () => browser.kill9(),
  };
}
