// Two telephones that nobody here wrote, JsSIP and SIP.js, unmodified and with one set of words, so that one story
// plays with either. Each keeps what it saw: `seen` are strings, oldest first.

import JsSIP from 'jssip';
import {
  Inviter, Messager, Registerer, SessionState, Subscriber, UserAgent,
} from 'sip.js';

const AUDIO = { audio: true, video: false };
const MWI = 'message-summary';
const SUMMARY = 'application/simple-message-summary';
/** The key that skips a greeting. */
const POUND = { contentDisposition: 'render', contentType: 'application/dtmf-relay', content: 'Signal=#\r\nDuration=160\r\n' };

const uriOf = (user) => `sip:${user}@localhost`;
const counts = (body) => /Voice-Message:\s*(\S+)/i.exec(body)?.[1];

class Seen {
  seen = [];
  #waiting = [];

  note(what) {
    this.seen.push(what);
    this.#waiting = this.#waiting.filter((look) => !look());
  }

  /** Resolves when something begins with these words, from `from` on. */
  saw(words, from = 0) {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.seen.findIndex((what, index) => index >= from && what.startsWith(words));
        if (found >= 0) resolve(found);
        return found >= 0;
      };
      if (!look()) this.#waiting.push(look);
    });
  }
}

/** RTP packets that went out and came in, of a connection between two browsers. */
async function packets(connection) {
  const all = [...(await connection.getStats()).values()];
  const sum = (type, name) => all.filter((one) => one.type === type && one.kind === 'audio').reduce((sum, one) => sum + (one[name] ?? 0), 0);
  return { sent: sum('outbound-rtp', 'packetsSent'), received: sum('inbound-rtp', 'packetsReceived') };
}

class JsSipPhone extends Seen {
  constructor({ user, server }) {
    super();
    const socket = new JsSIP.WebSocketInterface(server);
    this.ua = new JsSIP.UA({ sockets: [socket], uri: uriOf(user), password: `${user}-demo`, register: true, connection_recovery_min_interval: 1, connection_recovery_max_interval: 2 });
    this.ua.on('connected', () => this.note('connected'));
    this.ua.on('disconnected', () => this.note('disconnected'));
    this.ua.on('registered', () => this.note('registered'));
    this.ua.on('registrationFailed', ({ cause }) => this.note(`registration failed: ${cause}`));
    this.ua.on('newMessage', ({ originator, request }) => {
      if (originator === 'remote') this.note(`text ${request.from.uri.user} ${request.getHeader('P-Asserted-Identity') ?? '-'}: ${request.body}`);
    });
    this.ua.on('newRTCSession', ({ originator, session, request }) => {
      if (originator === 'remote') this.note(`rings ${request.from.uri.user}`);
      this.#watch(session);
    });
  }

  #watch(session) {
    this.session = session;
    session.on('progress', () => this.note('progress'));
    session.on('confirmed', () => this.note('talks'));
    session.on('failed', ({ originator, cause, message }) => this.note(`failed ${message?.status_code ?? ''} ${cause} ${originator}`));
    session.on('ended', ({ originator, message }) => this.note(`ended ${originator} ${message?.getHeader?.('Reason') ?? ''}`));
    session.on('newInfo', ({ originator, request }) => {
      if (originator === 'remote') this.note(`info ${request.body}`);
    });
  }

  start() { this.ua.start(); }
  call(user) { this.ua.call(uriOf(user), { mediaConstraints: AUDIO }); }
  answer() { this.session.answer({ mediaConstraints: AUDIO }); }
  refuse() { this.session.terminate({ status_code: 486, reason_phrase: 'Busy Here' }); }
  cancel() { this.session.terminate(); }
  hangUp() { this.session.terminate(); }
  skip() { this.session.sendDTMF('#', { transportType: 'INFO' }); }
  packets() { return packets(this.session.connection); }

  write(user, text) {
    this.ua.sendMessage(uriOf(user), text, { eventHandlers: {
      succeeded: ({ response }) => this.note(`written ${response.status_code}`),
      failed: ({ response, cause }) => this.note(`not written ${response?.status_code ?? cause}`),
    } });
  }

  subscribe(user, event = MWI) {
    this.subscriber = this.ua.subscribe(uriOf(user), event, SUMMARY, { expires: 300 });
    this.subscriber.on('notify', (isFinal, notify, body) => this.note(`counts ${counts(body ?? '')}${isFinal ? ' final' : ''}`));
    this.subscriber.on('terminated', (code) => this.note(`subscription over ${code}`));
    this.subscriber.subscribe();
  }

  unsubscribe() { this.subscriber.terminate(); }
  stop() { this.ua.stop(); }
}

class SipJsPhone extends Seen {
  constructor({ user, server }) {
    super();
    this.ua = new UserAgent({
      uri: UserAgent.makeURI(uriOf(user)), transportOptions: { server }, authorizationUsername: user, authorizationPassword: `${user}-demo`,
      logBuiltinEnabled: false, sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
      delegate: {
        onConnect: () => { this.note('connected'); this.#register(); },
        onDisconnect: (error) => { this.note('disconnected'); if (error) this.#reconnect(); },
        onInvite: (invitation) => { this.note(`rings ${invitation.remoteIdentity.uri.user}`); this.#watch(invitation); },
        onMessage: (message) => {
          message.accept();
          const { request } = message;
          this.note(`text ${request.from.uri.user} ${request.getHeader('P-Asserted-Identity') ?? '-'}: ${request.body}`);
        },
      },
    });
    this.registerer = new Registerer(this.ua);
  }

  #register() {
    const requestDelegate = { onAccept: () => this.note('registered'), onReject: ({ message }) => this.note(`registration failed: ${message.statusCode}`) };
    this.registerer.register({ requestDelegate }).catch((error) => this.note(`registration failed: ${error}`));
  }

  /** SIP.js leaves this to its user. */
  #reconnect() {
    this.ua.reconnect().catch(() => setTimeout(() => this.#reconnect(), 500));
  }

  #watch(session) {
    this.session = session;
    session.delegate = {
      onBye: (bye) => { bye.accept(); this.note(`ended remote ${bye.incomingByeRequest?.message.getHeader('Reason') ?? ''}`); },
      onInfo: (info) => { info.accept(); this.note(`info ${info.request.body}`); },
      onCancel: () => this.note('cancelled'),
    };
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.note('talks');
      if (state === SessionState.Terminated) this.note('over');
    });
  }

  start() { return this.ua.start(); }

  call(user) {
    const session = new Inviter(this.ua, UserAgent.makeURI(uriOf(user)), { sessionDescriptionHandlerOptions: { constraints: AUDIO } });
    this.#watch(session);
    session.invite({ requestDelegate: {
      onProgress: () => this.note('progress'),
      onReject: ({ message }) => this.note(`failed ${message.statusCode} ${message.reasonPhrase}`),
    } });
  }

  answer() { this.session.accept({ sessionDescriptionHandlerOptions: { constraints: AUDIO } }); }
  refuse() { this.session.reject({ statusCode: 486, reasonPhrase: 'Busy Here' }); }
  cancel() { this.session.cancel(); }
  hangUp() { this.session.bye(); }
  skip() { this.session.info({ requestOptions: { body: POUND } }); }
  packets() { return packets(this.session.sessionDescriptionHandler.peerConnection); }

  write(user, text) {
    new Messager(this.ua, UserAgent.makeURI(uriOf(user)), text).message({ requestDelegate: {
      onAccept: ({ message }) => this.note(`written ${message.statusCode}`),
      onReject: ({ message }) => this.note(`not written ${message.statusCode}`),
    } });
  }

  subscribe(user, event = MWI) {
    this.subscriber = new Subscriber(this.ua, UserAgent.makeURI(uriOf(user)), event, { expires: 300 });
    this.subscriber.delegate = { onNotify: (notification) => {
      notification.accept();
      const isFinal = /terminated/.test(notification.request.getHeader('Subscription-State'));
      this.note(`counts ${counts(notification.request.body)}${isFinal ? ' final' : ''}`);
    } };
    this.subscriber.stateChange.addListener((state) => { if (state === 'Terminated') this.note('subscription over'); });
    this.subscriber.subscribe();
  }

  unsubscribe() { this.subscriber.unsubscribe(); }
  stop() { return this.ua.stop(); }
}

const KINDS = { JsSIP: JsSipPhone, 'SIP.js': SipJsPhone };

/** A telephone of this kind that registers at once. */
window.telephone = (kind, options) => {
  window.phone = new KINDS[kind](options);
  window.phone.start();
};
