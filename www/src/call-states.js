// Groups of the engine's state words, by what they mean for the call element. One table, no DOM.

/** A message is in hand: one being made, or the one sent last. */
export const IN_HAND = new Set(["recording", "paused", "review", "queued", "waiting", "uploading", "deposited", "failed"]);

/** A message is being made; it is on the stage, not in the outbox. */
export const DRAFTING = new Set(["recording", "paused", "review"]);

/** A message waits for the network or uses it. */
export const PENDING = new Set(["queued", "waiting", "uploading"]);

/** Leaving the page interrupts nobody. */
export const AT_REST = new Set(["idle", "queued", "waiting", "uploading", "deposited", "failed"]);

/** The line or the microphone is in use. */
export const CONVERSING = new Set(["calling", "ringing", "talking", "greeting", "recording", "paused"]);
