// What went wrong, in words: what happened, what is safe, what to do. The engine's own words serve, except
// where the page knows better how this browser is helped.

const HELP = {
  microphone_refused:
    "The microphone is blocked. Calling, listening and writing a message still work. To speak one, press the icon beside the page’s address, allow the microphone, and press Record.",
  microphone_missing: "No microphone was found. Calling, listening and writing a message still work. To speak one, plug one in and press Record.",
  unsupported_type: "Not every caller could hear this kind of file. Your greeting is unchanged; save the sound as Ogg Opus, WebM or M4A and try again.",
};

/**
 * @param {{ code?: string, name?: string, message?: string }} error
 * @returns {string}
 */
export function explain(error) {
  return (
    HELP[error.code ?? error.name ?? ""] ??
    (error.message || "Something went wrong. What you recorded is safe on this device. Try again.")
  );
}
