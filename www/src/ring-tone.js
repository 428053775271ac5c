// The ring of an incoming call, made here: three soft notes, a pause, again. Browsers let a page sound only after
// somebody has used it; until then the ring waits for the first press, and is seen meanwhile.

const NOTES_HZ = [587.33, 739.99, 880];
const NOTE_EVERY_S = 0.16;
const RING_S = 2.6;
const LOUDNESS = 0.22;
const FADE_S = 0.28;
const ATTACK_S = 0.012;
const TOUCHES = ["pointerdown", "keydown"];

/** One telephone's ring. */
export class RingTone {
  /** @type {AudioContext | undefined} */
  #context;
  #touched = new AbortController();
  #changed;

  /** @param {() => void} changed it sounds, or it does not any more */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Whether it sounds. */
  get sounds() {
    return this.#context?.state === "running";
  }

  /** Rings until it is stopped. */
  start() {
    this.stop();
    if (!("AudioContext" in globalThis)) return;
    const context = new AudioContext();
    const source = new AudioBufferSourceNode(context, { buffer: ring(context), loop: true });
    source.connect(context.destination);
    source.start();
    context.onstatechange = this.#changed;
    this.#context = context;
    this.#touched = new AbortController();
    for (const name of TOUCHES) window.addEventListener(name, () => void context.resume(), { signal: this.#touched.signal, capture: true });
  }

  /** Silence. */
  stop() {
    this.#touched.abort();
    const context = this.#context;
    this.#context = undefined;
    if (!context) return;
    context.onstatechange = null;
    void context.close();
  }
}

/** @param {BaseAudioContext} context */
function ring(context) {
  const buffer = context.createBuffer(1, Math.round(RING_S * context.sampleRate), context.sampleRate);
  buffer.copyToChannel(ringSamples(context.sampleRate), 0);
  return buffer;
}

/**
 * One ring and its pause, from silence to silence.
 * @param {number} rate samples a second
 */
export function ringSamples(rate) {
  const samples = new Float32Array(Math.round(RING_S * rate));
  [...NOTES_HZ, ...NOTES_HZ].forEach((pitch, index) => {
    const begin = Math.round(index * NOTE_EVERY_S * rate);
    for (let at = begin; at < samples.length; at += 1) {
      const seconds = (at - begin) / rate;
      const level = LOUDNESS * Math.min(1, seconds / ATTACK_S) * Math.exp(-seconds / FADE_S);
      samples[at] += level * Math.sin(2 * Math.PI * pitch * seconds);
    }
  });
  return samples;
}
