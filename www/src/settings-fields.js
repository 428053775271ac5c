// The choices of a mailbox, in the words of its owner. One table, no DOM.

/**
 * @typedef {object} Choice
 * @property {string} value as the exchange names it
 * @property {string} word
 * @property {string} means what callers meet then
 *
 * @typedef {object} Field
 * @property {string} name as the exchange names it
 * @property {string} legend
 * @property {Choice[]} choices the first is the default
 * @property {(settings: Record<string, unknown>) => boolean} [matters] whether it changes anything as the others are
 */

/** @type {Field[]} */
export const FIELDS = [
  {
    name: "greeting",
    legend: "What callers hear",
    choices: [
      { value: "personal", word: "My own greeting", means: "As long as you have recorded none, the standard one." },
      { value: "system", word: "The standard greeting", means: "Your own one is kept, and not played." },
      { value: "none", word: "No greeting", means: "Callers can speak at once." },
    ],
  },
  {
    name: "answer",
    legend: "How your voicemail takes a call",
    choices: [
      { value: "same_call", word: "It answers the call", means: "Nothing changes for the caller but who answers." },
      { value: "call_back", word: "It calls back", means: "The call ends as unanswered; at once your voicemail calls the caller." },
    ],
  },
  {
    name: "instruction",
    legend: "When a caller’s app is allowed to leave a message",
    choices: [
      { value: "info", word: "During the call", means: "Right for nearly everybody." },
      { value: "bye", word: "As the call ends", means: "For apps that take nothing in during a call." },
      { value: "both", word: "Both times", means: "For callers with many kinds of apps." },
      { value: "none", word: "With the greeting only", means: "Apps that do not read it there cannot leave a message." },
    ],
  },
  {
    name: "info_timing",
    legend: "During the call means",
    choices: [
      { value: "before", word: "Before the greeting", means: "Who hangs up early can leave a message too." },
      { value: "after", word: "After the greeting", means: "Apps are told only when it is over or skipped." },
    ],
    matters: ({ instruction }) => instruction === "info" || instruction === "both",
  },
];

/** The longest time a call rings, in seconds. */
export const LONGEST_RING_S = 120;

/**
 * What was saved, as a sentence.
 * @param {string} name of the setting
 * @param {unknown} value
 */
export function savedWords(name, value) {
  if (name === "ring_timeout_s") return value === null ? "Saved. Calls ring as long as your server says." : `Saved. Calls ring for ${value} ${value === 1 ? "second" : "seconds"}.`;
  const field = FIELDS.find((one) => one.name === name);
  const choice = field?.choices.find((one) => one.value === value);
  return `Saved. ${field?.legend}: ${choice?.word.replace(/^./, (first) => first.toLowerCase())}.`;
}
