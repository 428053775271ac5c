// "Notify me in the background": calls and messages as notifications of this browser, once their owner has
// asked for them here. Permission is asked by that button alone.

import { HOME } from "./engine.js";
import { incomingNote } from "./incoming-call.js";
import { button, say, tree } from "./tree.js";

const KEPT = "afterbeep-away";
const CALL = "afterbeep-call";
const MESSAGE = "afterbeep-message";
const DENIED = "This browser does not let this page tell you of calls in the background. Its settings for this page, beside the address, change that.";
const ON = "While this tab is open in the background, this browser tells you of calls and messages.";

/** A control of the inbox. */
export class AwayNotice {
  static styles = `.away { display: grid; gap: 8px; margin-block-start: 8px; justify-items: start; }
.away button { max-width: 100%; padding-block: 8px; white-space: normal; text-align: start; }
.away [aria-pressed="true"] { background: var(--tint); }`;

  #button = button("Notify me in the background", "bell", () => void this.#toggle());
  #words = tree("p", { class: "small muted", part: "away-note", tabindex: "-1", hidden: true });
  element = tree("div", { class: "away", part: "away", hidden: true }, this.#button, this.#words);
  /** @type {Map<string, Notification>} by tag */
  #shown = new Map();

  /** @param {HTMLElement} host its events tell who rings */
  constructor(host) {
    host.addEventListener("afterbeep-incoming", (event) => this.#rings(/** @type {CustomEvent} */ (event).detail));
    host.addEventListener("afterbeep-incoming-over", () => void this.#withdraw(CALL));
  }

  /** @param {boolean} inside somebody is signed in */
  show(inside) {
    this.element.hidden = !inside || !isPossible();
    if (this.element.hidden) return;
    const denied = Notification.permission === "denied";
    this.#button.hidden = denied;
    this.#button.setAttribute("aria-pressed", String(isOn()));
    say(this.#words, denied ? DENIED : isOn() ? ON : "");
  }

  /**
   * A message has come.
   * @param {string} from
   * @param {number} fresh so many are new by now
   */
  arrived(from, fresh) {
    void this.#tell(MESSAGE, `Message from ${from}`, fresh === 1 ? "1 new message." : `${fresh} new messages.`);
  }

  /** Somebody else may sign in. */
  forget() {
    for (const tag of [CALL, MESSAGE]) void this.#withdraw(tag);
  }

  /** @param {{ name: string, from?: string, verified: boolean, video: boolean }} call */
  #rings({ name, from, verified, video }) {
    void this.#tell(CALL, `${name} is calling`, incomingNote({ from, display_name: name, verified, video }));
  }

  async #toggle() {
    const on = !isOn();
    if (on && Notification.permission === "default") await Notification.requestPermission();
    keep(on && Notification.permission === "granted");
    this.show(true);
    // The button has gone: what stands in its place is read aloud.
    if (this.#button.hidden) this.#words.focus();
  }

  /**
   * @param {string} tag one that is shown goes for the next with the same
   * @param {string} title
   * @param {string} body
   */
  async #tell(tag, title, body) {
    if (!document.hidden || !isOn()) return;
    try {
      const notice = new Notification(title, { tag, body });
      notice.onclick = () => {
        window.focus();
        notice.close();
      };
      this.#shown.set(tag, notice);
    } catch {
      // Browsers of telephones show them by the service worker alone.
      await (await ownWorker())?.showNotification(title, { tag, body, data: location.href });
    }
  }

  /** @param {string} tag what it told is over */
  async #withdraw(tag) {
    this.#shown.get(tag)?.close();
    this.#shown.delete(tag);
    if (!isOn()) return;
    for (const notice of (await (await ownWorker())?.getNotifications({ tag })) ?? []) notice.close();
  }
}

/** On its own pages only: an embedder's worker has notifications of its own. */
async function ownWorker() {
  return location.origin === HOME ? navigator.serviceWorker?.getRegistration() : undefined;
}

/** Nobody is told on this device any more. */
export function stopTelling() {
  keep(false);
}

function isPossible() {
  return isSecureContext && "Notification" in window;
}

/** Whether it was asked for on this device, and may be done. */
function isOn() {
  return isPossible() && Notification.permission === "granted" && kept();
}

function kept() {
  try {
    return localStorage.getItem(KEPT) === "on";
  } catch {
    return false;
  }
}

/** @param {boolean} on */
function keep(on) {
  try {
    if (on) localStorage.setItem(KEPT, "on");
    else localStorage.removeItem(KEPT);
  } catch {
    // Where nothing is kept, nobody is told: the button shows it.
  }
}
