// The browsers by name, each with its microphone.

import { launchChromium } from './chromium.mjs';
import { launchFirefox } from './firefox.mjs';
import { startMicrophone } from './microphone.mjs';
import { launchWebKit } from './webkit.mjs';

const LAUNCHERS = { chromium: launchChromium, firefox: launchFirefox, webkit: launchWebKit };

/** Gets a browser ready whose microphone plays the file: `launch` starts it, `stop` puts the microphone away. */
export async function browserWith(name, wav) {
  const launcher = LAUNCHERS[name];
  if (!launcher) throw new Error(`no browser is called ${name}: ${Object.keys(LAUNCHERS).join(', ')}`);
  // Chromium has a fake device of its own.
  const microphone = name === 'chromium' ? undefined : await startMicrophone(wav);
  return {
    launch: (options) => launcher({ ...options, microphoneWav: wav, env: microphone?.env }),
    stop: async () => microphone?.stop(),
  };
}
