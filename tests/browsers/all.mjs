// The browsers by name, each with its microphone and what else it needs.

import { launchChromium } from './chromium.mjs';
import { launchFirefox } from './firefox.mjs';
import { startMicrophone } from './microphone.mjs';
import { launchWebKit, startScreen } from './webkit.mjs';

const BROWSERS = {
  // It has a fake device and needs no screen.
  chromium: { launcher: launchChromium, parts: [] },
  firefox: { launcher: launchFirefox, parts: [startMicrophone] },
  webkit: { launcher: launchWebKit, parts: [startMicrophone, startScreen] },
};

/** Gets a browser ready whose microphone plays the file: `launch` starts it, `stop` puts away what it needed. */
export async function browserWith(name, wav) {
  const browser = BROWSERS[name];
  if (!browser) throw new Error(`no browser is called ${name}: ${Object.keys(BROWSERS).join(', ')}`);
  const parts = await Promise.all(browser.parts.map((start) => start(wav)));
  const env = Object.assign({}, ...parts.map((part) => part.env));
  return {
    launch: (options) => browser.launcher({ ...options, microphoneWav: wav, env }),
    stop: async () => { await Promise.all(parts.map((part) => part.stop())); },
  };
}
