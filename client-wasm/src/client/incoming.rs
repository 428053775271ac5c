//! A call that comes to this page: it rings, and is answered, declined, sent to the voicemail or lost.

use core::cell::Cell;
use std::rc::Rc;

use sip::call::event::{EndCause, Event as CallEvent};
use wasm_bindgen::prelude::wasm_bindgen;

use super::engine::Engine;
use super::talk::Talk;
use super::{Client, call, call_back, sound_check};
use crate::client::ClientEvent;
use crate::media::can_talk;
use crate::problem::Problem;
use crate::signalling::{Caller, Conversation, Farewell, voicemail_of};

const UNAVAILABLE: u16 = 480;
const BUSY: u16 = 486;
const DECLINED: u16 = 603;

/// A call that rings here.
pub(super) struct Ringing {
    conversation: Rc<Conversation>,
    caller: Caller,
    with_picture: Cell<bool>,
    /// Why it does not ring any more, where it was us.
    left_for: Cell<&'static str>,
}

/// Somebody calls: it rings, unless this page cannot talk now.
pub(super) fn ring(engine: &Rc<Engine>, conversation: Conversation, caller: Caller) {
    if call_back::is_expected(engine, &caller) {
        return call_back::take(engine, conversation, caller);
    }
    if !can_talk() {
        return conversation.reject(UNAVAILABLE);
    }
    let stage = &engine.stage;
    let is_busy = stage.is_occupied() || stage.is_in_call() || engine.ringing.borrow().is_some();
    if is_busy {
        return conversation.reject(BUSY);
    }
    conversation.command(|call, now| call.ring(now));
    let offers_picture = caller.offer.as_deref().is_some_and(sip::sdp::has_video);
    engine.listener.emit(ClientEvent::Incoming {
        from: caller.from.clone(),
        display_name: caller.display_name.clone(),
        verified: is_verified(&caller, |text| engine.identity.address(text).ok()),
        video: offers_picture,
    });
    let ringing = Rc::new(Ringing {
        conversation: Rc::new(conversation),
        caller,
        with_picture: Cell::new(false),
        left_for: Cell::new("declined"),
    });
    engine.ringing.replace(Some(Rc::clone(&ringing)));
    let engine = Rc::clone(engine);
    wasm_bindgen_futures::spawn_local(async move { follow(&engine, &ringing).await });
}

/// The page is left or signed out: the call rings elsewhere, or goes to the voicemail.
pub(super) fn leave(engine: &Engine) {
    if let Some(ringing) = engine.ringing.take() {
        ringing.left_for.set("lost");
        ringing.conversation.reject(UNAVAILABLE);
    }
}

async fn follow(engine: &Rc<Engine>, ringing: &Rc<Ringing>) {
    let events = ringing.conversation.events();
    loop {
        match events.next().await {
            CallEvent::Ended { cause, reason, .. } => {
                return over(engine, ringing, cause, reason.as_deref());
            }
            // Our own wish to answer; nobody else offers before the call stands.
            CallEvent::MayOffer => break,
            _ => {}
        }
    }
    match pick_up(engine, ringing).await {
        Ok(talk) => converse(engine, ringing, talk).await,
        Err(problem) => {
            engine.listener.problem(problem);
            ringing.left_for.set("lost");
            ringing.conversation.reject(UNAVAILABLE);
            over(engine, ringing, EndCause::RejectedHere, None);
        }
    }
}

/// **Answer**: microphone, peer connection and the 200.
async fn pick_up(engine: &Rc<Engine>, ringing: &Ringing) -> Result<Rc<Talk>, Problem> {
    let (microphone, servers) = call::prepare(engine).await;
    let peer = call::open_peer(engine, microphone.as_deref(), &servers)?;
    let sdp = match &ringing.caller.offer {
        Some(offer) => peer.answer(offer).await?,
        None => peer.offer().await?,
    };
    let conversation = &ringing.conversation;
    conversation.command(|call, now| call.answer(&sdp, &[], now));
    Ok(Talk::new(engine, Rc::clone(conversation), peer))
}

/// The call stands once its ACK is here.
async fn converse(engine: &Rc<Engine>, ringing: &Rc<Ringing>, talk: Rc<Talk>) {
    let events = ringing.conversation.events();
    loop {
        match events.next().await {
            CallEvent::Ended { cause, reason, .. } => {
                return over(engine, ringing, cause, reason.as_deref());
            }
            CallEvent::Acknowledged { sdp } => {
                talk.hear(CallEvent::Acknowledged { sdp }).await;
                break;
            }
            event => talk.hear(event).await,
        }
    }
    if !is_ringing(engine, ringing) {
        return ringing.conversation.hang_up(Farewell::Left);
    }
    engine.ringing.take();
    let generation = engine
        .stage
        .join(&ringing.caller.from, ringing.caller.display_name.as_deref());
    let conversation = Rc::clone(&ringing.conversation);
    engine.stage.set_conversation(Some(conversation));
    call::talk_on(engine, &talk, generation, ringing.with_picture.get()).await;
}

/// It rings no more, and the microphone that was asked for is let go.
fn over(engine: &Engine, ringing: &Rc<Ringing>, cause: EndCause, reason: Option<&str>) {
    if is_ringing(engine, ringing) {
        engine.ringing.take();
    }
    if !engine.stage.is_in_call() && engine.recorder.borrow().is_none() {
        engine.stage.release_microphone();
    }
    let reason = match cause {
        EndCause::Cancelled if is_answered_elsewhere(reason) => "answered_elsewhere",
        EndCause::Cancelled | EndCause::HungUpThere => "cancelled",
        EndCause::RejectedHere => ringing.left_for.get(),
        _ => "lost",
    };
    engine.listener.emit(ClientEvent::IncomingOver { reason });
}

fn is_ringing(engine: &Engine, ringing: &Rc<Ringing>) -> bool {
    let now = engine.ringing.borrow();
    now.as_ref().is_some_and(|now| Rc::ptr_eq(now, ringing))
}

/// Whether the server vouches for the very address that the call says to be from.
fn is_verified(caller: &Caller, canonical: impl Fn(&str) -> Option<String>) -> bool {
    let asserted = caller.asserted.as_deref().and_then(&canonical);
    asserted.is_some() && asserted == canonical(&caller.from)
}

/// `Reason: SIP;cause=200;text="Call completed elsewhere"` (RFC 3326 section 2).
fn is_answered_elsewhere(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| reason.split(';').any(|part| part.trim() == "cause=200"))
}

#[wasm_bindgen]
impl Client {
    /// Answers the call that rings, with our camera where `video` is true.
    pub fn answer(&self, video: bool) {
        if self.engine.stage.is_occupied() {
            return self.engine.listener.problem(call::busy());
        }
        if let Some(ringing) = self.engine.ringing.borrow().clone() {
            sound_check::end(&self.engine);
            self.engine.lens.close();
            ringing.with_picture.set(video);
            ringing.conversation.events().push(CallEvent::MayOffer);
        }
    }

    /// Declines the call that rings, for all devices (603).
    pub fn decline(&self) {
        if let Some(ringing) = self.engine.ringing.borrow().clone() {
            ringing.conversation.reject(DECLINED);
        }
    }

    /// Sends the call that rings to the own voicemail (302).
    pub fn send_to_voicemail(&self) {
        let own = self.engine.identity.account();
        if let Some((ringing, own)) = self.engine.ringing.borrow().clone().zip(own) {
            ringing.left_for.set("voicemail");
            let contact = format!("<{}>", voicemail_of(&own.address));
            ringing.conversation.command(|call, now| {
                let headers = [("Contact", contact.as_str())];
                call.reject_with(302, "Moved Temporarily", &headers, now);
            });
        }
    }

    /// Nobody hears us while this is on.
    pub fn mute(&self, on: bool) {
        if let Some(talk) = self.engine.stage.talk() {
            talk.mute(on);
        }
    }

    /// Holds the call, or goes on with it.
    pub fn hold(&self, on: bool) {
        if let Some(talk) = self.engine.stage.talk() {
            talk.hold(on);
        }
    }

    /// Sends a key of a telephone, one of `0123456789*#ABCD`.
    pub fn send_key(&self, key: &str) {
        if let Some(talk) = self.engine.stage.talk() {
            talk.send_key(key);
        }
    }

    /// Shows us to the other side, or no more.
    pub fn set_camera(&self, on: bool) {
        if let Some(talk) = self.engine.stage.talk() {
            let listener = self.engine.listener.clone();
            wasm_bindgen_futures::spawn_local(async move {
                if let Err(problem) = talk.film(on).await {
                    listener.problem(problem);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, is_answered_elsewhere, is_verified};

    #[test]
    fn a_caller_is_verified_only_where_the_server_vouches_for_the_address_of_the_from() {
        let alice = "sip:alice@localhost";
        for (from, asserted, verified) in [
            (alice, Some(alice), true),
            ("sip:ALICE@127.0.0.1:8787", Some(alice), true),
            (alice, None, false),
            (alice, Some("sip:mallory@localhost"), false),
            (alice, Some("sip:alice@elsewhere.example"), false),
            ("sip:anonymous@anonymous.invalid", Some(alice), false),
            ("mailto:alice", Some("mailto:alice"), false),
        ] {
            let caller = Caller {
                from: from.to_owned(),
                asserted: asserted.map(str::to_owned),
                display_name: None,
                offer: None,
                greeting_url: None,
            };
            let canonical = |text: &str| {
                let address = sip::address::normalise(text, &["localhost", "127.0.0.1"]).ok()?;
                Some(address.as_str().to_owned())
            };
            assert_eq!(
                is_verified(&caller, canonical),
                verified,
                "{from} {asserted:?}"
            );
        }
    }

    #[test]
    fn only_a_reason_that_says_so_means_that_somebody_has_answered() {
        for (reason, answered) in [
            (
                Some("SIP;cause=200;text=\"Call completed elsewhere\""),
                true,
            ),
            (Some("SIP ; cause=200"), true),
            (Some("SIP;cause=2000"), false),
            (Some("Q.850;cause=16"), false),
            (None, false),
        ] {
            assert_eq!(is_answered_elsewhere(reason), answered, "{reason:?}");
        }
    }
}
