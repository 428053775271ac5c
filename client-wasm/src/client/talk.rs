//! A call with a person, from the answer to its end: sound and picture both ways, mute, hold, keys, and what the other
//! side changes in mid-call. Offers and answers go one after another through the call's own events.

use core::cell::Cell;
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use sip::Method;
use sip::call::event::Event as CallEvent;
use wasm_bindgen::JsValue;

use super::engine::Engine;
use super::stage::State;
use crate::client::ClientEvent;
use crate::media::{Camera, Peer};
use crate::problem::Problem;
use crate::queue::Queue;
use crate::signalling::{Conversation, Farewell};
use crate::timer::Timer;

/// A call through which nothing comes is ended after this long.
const LOST_MS: u32 = 32_000;
const RELAY: &str = "application/dtmf-relay";
const UNSUPPORTED_MEDIA_TYPE: u16 = 415;
const NOT_ACCEPTABLE: u16 = 488;
const KEYS: &str = "0123456789*#ABCD";

/// A call that a person has answered, or will have when the ACK is here.
pub(super) struct Talk {
    engine: Weak<Engine>,
    conversation: Rc<Conversation>,
    peer: Rc<Peer>,
    /// Runs while nothing comes through.
    lost: Timer,
    waits: Cell<bool>,
    filming: Cell<u32>,
    _silence: Option<EventListener>,
}

impl Talk {
    /// The call that this conversation becomes, over this peer connection.
    pub(super) fn new(
        engine: &Rc<Engine>,
        conversation: Rc<Conversation>,
        peer: Rc<Peer>,
    ) -> Rc<Self> {
        conversation.command(|call, _| call.keep());
        let listener = engine.listener.clone();
        let silence = peer.on_silence(move || listener.problem(unheard()));
        Rc::new(Self {
            engine: Rc::downgrade(engine),
            conversation,
            peer,
            lost: Timer::default(),
            waits: Cell::new(false),
            filming: Cell::new(0),
            _silence: silence,
        })
    }

    /// What happens in the call, in order.
    pub(super) fn events(&self) -> Queue<CallEvent> {
        self.conversation.events()
    }

    /// Something happened in the call that is no end of it.
    pub(super) async fn hear(&self, event: CallEvent) {
        let heard = match event {
            CallEvent::Offered { id, sdp } => self.offered(id, sdp.as_deref()).await,
            CallEvent::Changed { sdp: Some(sdp) } | CallEvent::Acknowledged { sdp: Some(sdp) } => {
                self.peer.accept(&sdp).await
            }
            CallEvent::Changed { sdp: None } => self.peer.withdraw().await,
            CallEvent::ChangeRefused { status } => self.refused(status).await,
            CallEvent::MayOffer => self.offer().await,
            CallEvent::Resumed if !self.peer.is_through() => self.offer().await,
            CallEvent::Info {
                id,
                content_type,
                body,
            } => return self.informed(id, &content_type, &body),
            _ => return,
        };
        if let (Err(problem), Some(engine)) = (heard, self.engine.upgrade()) {
            engine.listener.problem(problem);
        }
        self.tell();
    }

    /// Says how the call is now, once it is on the stage.
    pub(super) fn tell(&self) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        if engine.stage.state() != State::Talking {
            return;
        }
        engine.listener.emit(ClientEvent::Talk {
            muted: self.peer.is_muted(),
            held: self.peer.is_held(),
            held_by_peer: self.peer.is_held_there(),
            keys: self.peer.takes_keys() || self.takes_infos(),
            remote: self.peer.remote().into(),
            local: self
                .peer
                .picture()
                .map_or(JsValue::UNDEFINED, JsValue::from),
            video: self.peer.has_picture(),
        });
    }

    /// The way through the network changed: it is looked for anew, and given up in the end.
    pub(super) fn watch_way(self: &Rc<Self>) {
        if self.peer.is_through() {
            self.lost.clear();
            self.waits.set(false);
            return;
        }
        if self.peer.has_failed() {
            self.wish();
        }
        if self.waits.replace(true) {
            return;
        }
        let talk = Rc::downgrade(self);
        self.lost.after(LOST_MS, move || {
            if let Some(talk) = talk.upgrade() {
                talk.give_up();
            }
        });
    }

    /// **Mute**.
    pub(super) fn mute(&self, on: bool) {
        self.peer.mute(on);
        self.tell();
    }

    /// **Hold**.
    pub(super) fn hold(&self, on: bool) {
        if self.peer.is_held() != on {
            self.peer.hold(on);
            self.wish();
            self.tell();
        }
    }

    /// A key: within the sound (RFC 4733) where the other side takes it there, by INFO otherwise.
    pub(super) fn send_key(&self, key: &str) {
        let is_key = key.len() == 1 && KEYS.contains(key);
        if is_key && !self.peer.send_key(key) {
            let body = format!("Signal={key}\r\nDuration=160\r\n");
            self.conversation.send_info(RELAY, body.as_bytes());
        }
    }

    /// Camera on or off. Off, its light is out at once. The last wish counts, however long the browser asks.
    pub(super) async fn film(&self, on: bool) -> Result<(), Problem> {
        let wish = self.filming.get().wrapping_add(1);
        self.filming.set(wish);
        let camera = match on {
            true => Some(Camera::open().await?),
            false => None,
        };
        let is_talking = self.engine.upgrade().is_some_and(|engine| {
            let talk = engine.stage.talk();
            talk.is_some_and(|talk| core::ptr::eq(Rc::as_ptr(&talk), self))
        });
        if is_talking && self.filming.get() == wish {
            self.peer.set_camera(camera);
            self.wish();
            self.tell();
        }
        Ok(())
    }

    /// Microphone and camera are let go.
    pub(super) fn fall_silent(&self) {
        self.lost.clear();
        self.peer.fall_silent();
    }

    /// An offer is wanted; it is made when its turn comes.
    fn wish(&self) {
        self.conversation.events().push(CallEvent::MayOffer);
    }

    async fn offered(&self, id: u32, offer: Option<&str>) -> Result<(), Problem> {
        let made = match offer {
            Some(offer) => self.peer.answer(offer).await,
            None => self.peer.offer().await,
        };
        match made {
            Ok(sdp) => {
                self.conversation
                    .command(|call, now| call.accept_change(id, &sdp, now));
                Ok(())
            }
            Err(problem) => {
                self.conversation
                    .command(|call, now| call.reject_change(id, NOT_ACCEPTABLE, now));
                Err(problem)
            }
        }
    }

    async fn offer(&self) -> Result<(), Problem> {
        let offer = self.peer.offer().await?;
        let sent = self
            .conversation
            .command(|call, now| call.propose(&offer, now));
        match sent {
            Some(true) => Ok(()),
            _ => self.peer.withdraw().await,
        }
    }

    /// What the other side does not take is not so: no hold, no picture.
    async fn refused(&self, status: u16) -> Result<(), Problem> {
        self.peer.withdraw().await?;
        if matches!(status, 408 | 430 | 481 | 491 | 500) {
            return Ok(());
        }
        self.peer.hold(false);
        self.peer.set_camera(None);
        Err(Problem::new(
            "change_refused",
            "The other side did not accept this change. The call goes on as it was.",
        ))
    }

    fn informed(&self, id: u32, content_type: &str, body: &[u8]) {
        if !content_type.eq_ignore_ascii_case(RELAY) {
            return self.conversation.reject_info(id, UNSUPPORTED_MEDIA_TYPE);
        }
        self.conversation.accept_info(id);
        let text = core::str::from_utf8(body).unwrap_or_default();
        let signal = text.lines().find_map(|line| line.strip_prefix("Signal="));
        let key = signal.map(str::trim).filter(|key| key.len() == 1);
        if let (Some(key), Some(engine)) = (key, self.engine.upgrade()) {
            let key = key.to_owned();
            engine.listener.emit(ClientEvent::Key { key });
        }
    }

    fn takes_infos(&self) -> bool {
        let takes = self
            .conversation
            .command(|call, _| call.peer_allows(&Method::Info));
        takes.unwrap_or(false)
    }

    fn give_up(&self) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        engine.listener.problem(Problem::new(
            "connection_lost",
            "The connection to the other side was lost, so the call was ended.",
        ));
        self.conversation.hang_up(Farewell::Lost);
        super::call::hang_up(&engine);
    }
}

fn unheard() -> Problem {
    Problem::new(
        "microphone_lost",
        "The microphone was unplugged or taken, so the other side does not hear you. The call goes on.",
    )
}
