/** One of the words that `AfterbeepCall.state` takes. */
export type AfterbeepState =
  | "idle" | "calling" | "ringing" | "talking" | "greeting" | "ended" | "ready" | "recording" | "paused" | "review"
  | "queued" | "waiting" | "uploading" | "deposited" | "failed";

/** Whose account the page brings along. A token alone is for the address in `from`; `null` signs out. */
export type AfterbeepCredentials =
  | string
  | { address?: string; token: string }
  | { address?: string; password: string }
  | null;

/** `detail` of each event, by its name. */
export interface AfterbeepDetails {
  "afterbeep-state": { state: AfterbeepState; to?: string };
  /** The callee's voicemail allowed a message; the permission is on this device. */
  "afterbeep-session": { id: string; called_party: string; expires_at?: number; forwarded_from?: string };
  "afterbeep-recorded": { deposit_id: string; duration_ms: number; waveform: number[] };
  "afterbeep-progress": { deposit_id: string; sent: number; total: number };
  /** The message is in the callee's mailbox for good; `receipt` is a compact JWS. */
  "afterbeep-deposited": { deposit_id: string; receipt: string; message_id: string };
  /** `code` is stable, `message` is for people. */
  "afterbeep-error": { code?: string; message?: string };
  "afterbeep-inbox": { new: number; total: number };
  /** Somebody rings. `verified`: the server vouches for the address `from`; `video`: the caller offers a picture. */
  "afterbeep-incoming": { from?: string; name: string; verified: boolean; video: boolean };
  /** It rings no more. */
  "afterbeep-incoming-over": { reason: "answered" | "answered_elsewhere" | "cancelled" | "declined" | "voicemail" | "lost" };
}

/** The events that the elements send; they bubble and leave shadow trees. */
export type AfterbeepEvents = { [Name in keyof AfterbeepDetails]: CustomEvent<AfterbeepDetails[Name]> };

/** `<afterbeep-call>`: calls somebody, and when nobody answers, takes the message. */
export class AfterbeepCall extends HTMLElement {
  static define(tag?: string, registry?: CustomElementRegistry): typeof AfterbeepCall;

  /** Whom to call; without it the element asks. */
  to: string | null;
  /** `https:` origin of the server, or the `wss:` address of an RFC 7118 proxy; by default where the script is from. */
  server: string | null;
  /** The caller's name as callees see it, or the address that a login token is for. */
  from: string | null;
  /** The longest message in seconds, where that is less than the mailbox takes. */
  maxDuration: string | null;
  /** When one may record: during the greeting, right after it, or after the voicemail's hang-up (the default). */
  openOn: "info" | "greeting" | "bye" | null;
  networkGate: "auto" | "wifi" | "always" | null;
  theme: "light" | "dark" | null;
  /** Who cleans the sound up: `own`, our own modules; `off`, nobody; by default the browser, and we where it does not. */
  processing: "own" | "off" | null;
  /** Not yet offered: messages are spoken or written. */
  kind: string | null;
  /** Seconds of silence after speech that end a recording; never by default. */
  silenceTimeout: string | null;

  set credentials(credentials: AfterbeepCredentials);
  readonly state: AfterbeepState;
  /** Whether leaving the page now would interrupt somebody. */
  readonly busy: boolean;

  call(): Promise<void>;
  hangUp(): Promise<void>;
  skipGreeting(): Promise<void>;
  record(): Promise<void>;
  write(): void;
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
  play(): Promise<void>;
  discard(): Promise<void>;
  send(): Promise<void>;

  addEventListener<Name extends keyof AfterbeepEvents>(
    name: Name, listener: (this: AfterbeepCall, event: AfterbeepEvents[Name]) => unknown, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** `<afterbeep-inbox>`: the callee's side. */
export class AfterbeepInbox extends HTMLElement {
  static define(tag?: string, registry?: CustomElementRegistry): typeof AfterbeepInbox;

  server: string | null;
  /** Stands in the sign-in form. */
  address: string | null;
  theme: "light" | "dark" | null;
  processing: "own" | "off" | null;
  readonly new: number;
  readonly total: number;

  addEventListener<Name extends "afterbeep-inbox" | "afterbeep-incoming" | "afterbeep-incoming-over" | "afterbeep-error">(
    name: Name, listener: (this: AfterbeepInbox, event: AfterbeepEvents[Name]) => unknown, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "afterbeep-call": AfterbeepCall;
    "afterbeep-inbox": AfterbeepInbox;
  }
}
