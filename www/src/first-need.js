// When the engine is needed: a page's visitor who never touches the element downloads none of it.

const CHANNEL = "afterbeep";
const DATABASE = "afterbeep";
const TOUCHES = ["pointerover", "pointerdown", "focusin", "keydown"];

/** Waits for the first of: a touch, a request, something kept on this device, another tab's news. */
export class FirstNeed {
  #arise = () => {};
  #ends = new AbortController();

  /** Fulfilled once the engine is needed. */
  arises = new Promise((resolve) => (this.#arise = resolve));

  /** @param {HTMLElement} element */
  constructor(element) {
    const { signal } = this.#ends;
    for (const name of TOUCHES) element.addEventListener(name, () => this.now(), { signal, passive: true });
    this.#listen(signal);
    void holdsSomething().then((kept) => kept && this.now());
  }

  /** It is needed now. */
  now() {
    this.#ends.abort();
    this.#arise();
  }

  /** It will not be needed any more. */
  close() {
    this.#ends.abort();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    if (!("BroadcastChannel" in globalThis)) return;
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = () => this.now();
    signal.addEventListener("abort", () => channel.close());
  }
}

/** Whether this device may hold messages, a sign-in or a name; a browser that does not tell may. */
async function holdsSomething() {
  try {
    const databases = await indexedDB.databases();
    return databases.some(({ name }) => name === DATABASE);
  } catch {
    return true;
  }
}
