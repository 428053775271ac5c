// The main job in Firefox ESR, and calls between it and Chromium. By command only: `cargo xtask test firefox`, or both with `cargo xtask test browsers`.
// Runs alone: what arrives is compared with what was played.

import { test } from 'node:test';
import { callBothWays } from './call.mjs';
import { story } from './story.mjs';

test('Firefox: a message recorded without a network is with the callee once, whole, and is heard', (context) => story('firefox', context));

test('Firefox and Chromium call each other, and sound goes both ways', (context) => callBothWays('firefox', context));
