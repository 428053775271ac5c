// The call element's attributes: their names, which of them an engine is opened with, and how it reads them. No DOM.

/** Attributes that are properties too. */
export const MIRRORED = ["to", "server", "from", "kind", "max-duration", "silence-timeout", "open-on", "network-gate", "lang", "theme", "processing"];

/** Attributes whose change opens the engine anew. */
export const OPENED_WITH = new Set(["server", "max-duration", "silence-timeout", "network-gate", "processing"]);

/**
 * What the engine is opened with.
 * @param {string} server
 * @param {(name: string) => string | null} attribute
 */
export function engineOptions(server, attribute) {
  const silence = Number(attribute("silence-timeout"));
  const longest = Math.floor(Number(attribute("max-duration")));
  return {
    server,
    kind: attribute("kind") ?? undefined,
    processing: attribute("processing") ?? undefined,
    network_gate: attribute("network-gate") ?? undefined,
    silence_timeout_s: silence > 0 ? silence : undefined,
    max_duration_s: longest > 0 ? longest : undefined,
  };
}
