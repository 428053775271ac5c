// The main job in WebKitGTK, which has no RTCPeerConnection: it says why it cannot call, and keeps nobody waiting. By
// command only: `cargo xtask test webkit`, or both with `cargo xtask test browsers`.
// Runs alone: what arrives is compared with what was played.

import { test } from 'node:test';
import { messagesOnly } from './call.mjs';
import { story } from './story.mjs';

test('WebKitGTK: a message recorded without a network is with the callee once, whole, and is heard', (context) => story('webkit', context));

test('WebKitGTK leaves and receives messages, says why it cannot call, and keeps no caller waiting', (context) => messagesOnly('webkit', context));
