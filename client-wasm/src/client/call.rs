//! One call, from the button to its end: microphone, offer, answer, session, greeting.

use std::rc::Rc;

use sip::call::event::{Body, EndCause, Event as CallEvent};

use super::engine::Engine;
use super::stage::State;
use crate::client::ClientEvent;
use crate::media::{Microphone, Peer};
use crate::outbox::number;
use crate::problem::Problem;
use crate::queue::within;
use crate::signalling::{Called, Conversation, accept_session, rejected};
use crate::storage::SessionRow;

/// The call waits this long for the answer to the microphone question, then goes out without.
const MICROPHONE_MS: u32 = 10_000;
/// After the greeting the voicemail hangs up; if it does not, we do.
const FAREWELL_MS: u32 = 4_000;
const SKIP: &[u8] = b"Signal=#\r\nDuration=160\r\n";
const UNSUPPORTED_MEDIA_TYPE: u16 = 415;

/// Places a call and follows it to its end.
pub(super) async fn place(engine: Rc<Engine>, to: String) {
    let generation = engine.stage.begin(&to);
    let outcome = conduct(&engine, &to, generation).await;
    if !engine.stage.is_current(generation) {
        return;
    }
    engine.stage.set_conversation(None);
    if let Err(problem) = outcome {
        let next = after_failure(&problem);
        engine.listener.problem(problem);
        engine.stage.enter(next);
        match next {
            State::Ready => engine.stage.release_microphone_soon(),
            _ => engine.stage.release_microphone(),
        }
    }
}

/// Where a message can still be left, the recorder opens.
fn after_failure(problem: &Problem) -> State {
    match problem.code.as_str() {
        "cancelled" => State::Idle,
        "unreachable" | "connection_lost" | "no_answer" | "busy_server" => State::Ready,
        _ => State::Failed,
    }
}

async fn conduct(engine: &Rc<Engine>, to: &str, generation: u32) -> Result<(), Problem> {
    let microphone = ask_microphone(engine).await;
    if !engine.stage.is_current(generation) {
        return Ok(());
    }
    let listener = engine.listener.clone();
    let peer = Peer::open(
        microphone.as_deref(),
        &engine.options.ice_servers,
        move |stream| {
            listener.emit(ClientEvent::RemoteAudio {
                stream: stream.into(),
            });
        },
    );
    let (peer, offer) = offered(engine, peer).await;
    let conversation = Rc::new(engine.agent.call(to, offer.as_deref()).await?);
    if !engine.stage.is_current(generation) {
        return Ok(());
    }
    engine
        .stage
        .set_conversation(Some(Rc::clone(&conversation)));
    let call = Call {
        engine,
        to,
        generation,
        conversation,
        peer,
    };
    call.follow().await
}

/// The offer; without one the call goes out without a peer connection, too.
async fn offered(engine: &Engine, peer: Option<Peer>) -> (Option<Peer>, Option<String>) {
    let Some(peer) = peer else {
        return (None, None);
    };
    match peer.offer().await {
        Ok(offer) => (Some(peer), Some(offer)),
        Err(problem) => {
            engine.listener.problem(problem);
            (None, None)
        }
    }
}

/// Asks for the microphone while the call is placed; without one the call goes on.
async fn ask_microphone(engine: &Rc<Engine>) -> Option<Rc<Microphone>> {
    if let Some(microphone) = engine.stage.microphone() {
        return Some(microphone);
    }
    let asking = Rc::clone(engine);
    let asked = within(MICROPHONE_MS, async move { asking.open_microphone().await }).await?;
    asked
        .map_err(|problem| engine.listener.problem(problem))
        .ok()
}

struct Call<'a> {
    engine: &'a Rc<Engine>,
    to: &'a str,
    generation: u32,
    conversation: Rc<Conversation>,
    peer: Option<Peer>,
}

impl Call<'_> {
    async fn follow(&self) -> Result<(), Problem> {
        let events = self.conversation.events();
        loop {
            let event = events.next().await;
            if !self.engine.stage.is_current(self.generation) {
                return Ok(());
            }
            match event {
                CallEvent::Ringing { .. } => self.engine.stage.enter(State::Ringing),
                CallEvent::Answered { sdp, greeting_url } => {
                    self.answered(sdp.as_deref(), greeting_url).await;
                }
                CallEvent::Info {
                    id,
                    content_type,
                    body,
                } => self.informed(id, &content_type, &body).await,
                CallEvent::Rejected { status, .. } => return Err(rejected(status)),
                CallEvent::Ended { cause, body, .. } => return self.ended(cause, body).await,
                CallEvent::InfoAnswered { .. } | CallEvent::Acknowledged { .. } => {}
            }
        }
    }

    async fn answered(&self, sdp: Option<&str>, greeting_url: Option<String>) {
        let live = sdp.is_some_and(sip::sdp::has_active_media);
        // Without an offer of ours the SDP is the voicemail's own offer; there is nothing to apply.
        if let (Some(peer), Some(sdp)) = (&self.peer, sdp)
            && let Err(problem) = peer.accept(sdp).await
        {
            self.engine.listener.problem(problem);
        }
        if live && greeting_url.is_none() {
            self.engine.stage.enter(State::Talking);
            return;
        }
        self.engine.stage.enter(State::Greeting);
        if let Some(url) = greeting_url {
            self.greet(&url, None);
        }
    }

    /// The greeting is played by the page, from our own server only.
    fn greet(&self, url: &str, duration_ms: Option<f64>) {
        match self.engine.server.own(url) {
            Ok(url) => self
                .engine
                .listener
                .emit(ClientEvent::Greeting { url, duration_ms }),
            Err(problem) => self.engine.listener.problem(problem),
        }
    }

    async fn informed(&self, id: u32, content_type: &str, body: &[u8]) {
        if !is_session_info(content_type) {
            return self.conversation.reject_info(id, UNSUPPORTED_MEDIA_TYPE);
        }
        let called = Called {
            to: self.to,
            display_name: "",
        };
        let desk = self.engine.desk();
        match accept_session(&desk, &self.conversation, called, id, body).await {
            Ok(session) => self.take_session(session),
            Err(problem) => self.engine.listener.problem(problem),
        }
    }

    fn take_session(&self, session: SessionRow) {
        self.engine.listener.emit(ClientEvent::Session {
            id: session.id.clone(),
            called_party: session.called_party.clone(),
            expires_at: session.expires_at.map(number),
        });
        self.engine.stage.set_session(session);
    }

    async fn ended(&self, cause: EndCause, body: Option<Body>) -> Result<(), Problem> {
        if let Some(body) = body.filter(|body| is_session_info(&body.content_type)) {
            self.session_of_bye(&body).await;
        }
        let stage = &self.engine.stage;
        match stage.state() {
            State::Calling | State::Ringing if cause == EndCause::ConnectionLost => {
                Err(connection_lost())
            }
            State::Greeting => {
                // The end of the call never cuts a greeting that is still being heard.
                if stage.is_greeting_over() {
                    open_recorder(self.engine);
                }
                Ok(())
            }
            State::Calling | State::Ringing | State::Talking => {
                stage.enter(State::Ended);
                stage.enter(State::Idle);
                stage.release_microphone();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn session_of_bye(&self, body: &Body) {
        let called = Called {
            to: self.to,
            display_name: "",
        };
        match crate::signalling::store_session(&self.engine.desk(), called, &body.bytes).await {
            Ok(session) => self.take_session(session),
            Err(problem) => self.engine.listener.problem(problem),
        }
    }
}

/// **Hang up**. After the voicemail has answered, the recorder opens; before that nothing is left.
pub(super) fn hang_up(engine: &Rc<Engine>) {
    let stage = &engine.stage;
    if let Some(conversation) = stage.conversation() {
        conversation.hang_up();
    }
    match stage.state() {
        State::Greeting => {
            stage.end_greeting();
            open_recorder(engine);
        }
        State::Calling | State::Ringing | State::Talking => {
            stage.leave();
            stage.release_microphone();
            stage.enter(State::Ended);
            stage.enter(State::Idle);
        }
        _ => {}
    }
}

/// **Skip greeting**: the voicemail is told and hangs up; if it cannot hear us, we go on anyway.
pub(super) fn skip_greeting(engine: &Rc<Engine>) {
    if engine.stage.state() != State::Greeting {
        return;
    }
    if let Some(conversation) = engine.stage.conversation() {
        conversation.send_info("application/dtmf-relay", SKIP);
    }
    greeting_ended(engine);
}

/// The greeting was heard: the recorder opens when the voicemail has hung up, or soon after.
pub(super) fn greeting_ended(engine: &Rc<Engine>) {
    let stage = &engine.stage;
    if stage.state() != State::Greeting {
        return;
    }
    stage.end_greeting();
    if stage.conversation().is_none() {
        return open_recorder(engine);
    }
    let late = Rc::downgrade(engine);
    stage.farewell.after(FAREWELL_MS, move || {
        if let Some(engine) = late.upgrade() {
            hang_up(&engine);
        }
    });
}

fn open_recorder(engine: &Rc<Engine>) {
    let stage = &engine.stage;
    stage.farewell.clear();
    stage.set_conversation(None);
    stage.enter(State::Ended);
    stage.enter(State::Ready);
    stage.release_microphone_soon();
}

fn is_session_info(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/plain")
}

fn connection_lost() -> Problem {
    Problem::new(
        "connection_lost",
        "The connection was lost. You can record and send the message later.",
    )
}
