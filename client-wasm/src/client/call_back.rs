//! The voicemail of the address dialled last calls back, instead of answering (D3). Such a call alone is answered
//! without being asked: within a minute of the dialling, from that address, with a greeting, and never with a
//! microphone.

use std::rc::Rc;

use super::engine::Engine;
use super::stage::State;
use super::{call, greeting_session};
use crate::clock;
use crate::problem::Problem;
use crate::signalling::{Called, Caller, Conversation};

/// Somebody who was dialled may call back for so long.
const DIALLED_MS: i64 = 60_000;
/// A call back comes soon after the refusal, if one comes.
const SOON_MS: u32 = 3_000;
const UNAVAILABLE: &str = "unavailable";

/// Somebody is dialled: his voicemail may call from now on.
pub(super) fn expect(engine: &Engine) {
    let until = clock::now_ms().saturating_add(DIALLED_MS);
    engine.stage.expect_call_back(until);
}

/// Whether this is the call that was expected.
pub(super) fn is_expected(engine: &Engine, caller: &Caller) -> bool {
    let stage = &engine.stage;
    let waits = matches!(
        stage.state(),
        State::Calling | State::Ringing | State::Failed
    );
    let is_silent = !caller
        .offer
        .as_deref()
        .is_some_and(sip::sdp::has_active_media);
    let from = engine.identity.address(&caller.from).ok();
    waits
        && is_silent
        && caller.greeting_url.is_some()
        && from.is_some()
        && from == stage.callee()
        && stage.expects_call_back(clock::now_ms())
}

/// Answers it and follows it, as if the voicemail had answered.
pub(super) fn take(engine: &Rc<Engine>, conversation: Conversation, caller: Caller) {
    let description = match &caller.offer {
        Some(offer) => sip::sdp::refuse_all(offer).ok(),
        None => Some(sip::sdp::empty_offer(1)),
    };
    let Some((description, to)) = description.zip(engine.stage.dialled()) else {
        return;
    };
    // Whoever was dialled, it may be somebody else's voicemail that refused the call and calls now.
    let called = Called {
        answered: engine.stage.answerer(),
        ..Called::new(&to, "")
    };
    engine.stage.leave();
    let generation = engine.stage.begin(&to);
    if let Some(party) = called.answered.clone() {
        engine.stage.answered_by(party);
    }
    conversation.command(|call, now| call.answer(&description, &[], now));
    let engine = Rc::clone(engine);
    wasm_bindgen_futures::spawn_local(async move {
        if let Some(url) = &caller.greeting_url {
            greeting_session::look_soon(&engine, called.clone(), generation, url);
        }
        call::listen(
            engine,
            called,
            generation,
            conversation,
            caller.greeting_url,
        )
        .await;
    });
}

/// Whether a refused call is followed by one to us; waits for it a moment.
pub(super) async fn comes(engine: &Engine, generation: u32, problem: &Problem) -> bool {
    if problem.code == UNAVAILABLE {
        clock::sleep(SOON_MS).await;
    }
    !engine.stage.is_current(generation)
}
