//! One call, from the button to its end: microphone, offer, answer, session, greeting.

use core::cell::RefCell;
use std::rc::Rc;

use sip::NameAddr;
use sip::call::event::{Body, EndCause, Event as CallEvent};

use wasm_bindgen::JsValue;

use super::engine::Engine;
use super::ice;
use super::stage::State;
use super::talk::Talk;
use super::{call_back, greeting_session};
use crate::client::{ClientEvent, Listener};
use crate::media::{Microphone, Peer, can_talk};
use crate::outbox::number;
use crate::problem::Problem;
use crate::queue::within;
use crate::signalling::{
    Called, Conversation, Farewell, accept_session, party, rejected, voicemail_of,
};
use crate::storage::SessionRow;

/// The call waits this long for the answer to the microphone question, then goes out without.
const MICROPHONE_MS: u32 = 10_000;
/// After the greeting the voicemail hangs up; if it does not, we do.
const FAREWELL_MS: u32 = 4_000;
const NO_WEBRTC: &str = "no_webrtc";
const CANNOT_CALL: &str = "This browser cannot make or take calls: it has no WebRTC. You can still leave and hear messages.";
const SKIP: &[u8] = b"Signal=#\r\nDuration=160\r\n";
const UNSUPPORTED_MEDIA_TYPE: u16 = 415;

/// Places a call and follows it to its end.
pub(super) async fn place(engine: Rc<Engine>, to: String) {
    let generation = engine.stage.begin(&to);
    call_back::expect(&engine);
    let outcome = conduct(&engine, &to, generation).await;
    settle(&engine, generation, outcome).await;
}

/// Follows a voicemail that called us, answered as it is, to the end of that call.
pub(super) async fn listen(
    engine: Rc<Engine>,
    called: Called,
    generation: u32,
    conversation: Conversation,
    greeting_url: Option<String>,
) {
    let conversation = Rc::new(conversation);
    engine
        .stage
        .set_conversation(Some(Rc::clone(&conversation)));
    let call = Call {
        engine: &engine,
        generation,
        conversation,
        peer: RefCell::new(None),
        called: RefCell::new(called),
    };
    call.greeted(greeting_url);
    let outcome = call.follow().await;
    drop(call);
    settle(&engine, generation, outcome).await;
}

async fn settle(engine: &Rc<Engine>, generation: u32, outcome: Result<(), Problem>) {
    if !engine.stage.is_current(generation) {
        return;
    }
    engine.stage.set_conversation(None);
    if let Err(problem) = outcome {
        if call_back::comes(engine, generation, &problem).await {
            return;
        }
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
    tell_whether_possible(&engine.listener);
    let (microphone, servers) = prepare(engine).await;
    if !engine.stage.is_current(generation) {
        return Ok(());
    }
    let (peer, offer) = match open_peer(engine, microphone.as_deref(), &servers) {
        Ok(peer) => offered(engine, peer).await,
        Err(_) => (None, None),
    };
    // Nobody is rung who could not be talked to.
    let dialled = match &offer {
        Some(_) => to.to_owned(),
        None => voicemail_of(to),
    };
    let conversation = Rc::new(engine.agent.call(&dialled, offer.as_deref()).await?);
    if !engine.stage.is_current(generation) {
        return Ok(());
    }
    engine
        .stage
        .set_conversation(Some(Rc::clone(&conversation)));
    let call = Call {
        engine,
        generation,
        conversation,
        peer: RefCell::new(peer),
        called: RefCell::new(Called::new(to, "")),
    };
    call.follow().await
}

/// Asks for what a call needs: the microphone, and the servers that help it through the network.
pub(super) async fn prepare(engine: &Rc<Engine>) -> (Option<Rc<Microphone>>, JsValue) {
    let servers = can_talk().then(|| ice::begin(engine));
    let microphone = ask_microphone(engine).await;
    match servers {
        Some(servers) => (microphone, servers.next().await),
        None => (microphone, JsValue::UNDEFINED),
    }
}

/// A peer connection whose changes the call on the stage hears of.
pub(super) fn open_peer(
    engine: &Rc<Engine>,
    microphone: Option<&Microphone>,
    servers: &JsValue,
) -> Result<Rc<Peer>, Problem> {
    let watching = Rc::downgrade(engine);
    let on_ice = move || {
        let engine = watching.upgrade();
        if let Some(talk) = engine.and_then(|engine| engine.stage.talk()) {
            talk.watch_way();
        }
    };
    Peer::open(microphone, servers, on_ice)
        .map(Rc::new)
        .ok_or_else(|| Problem::new(NO_WEBRTC, CANNOT_CALL))
}

/// A browser without peer connections says so.
pub(super) fn tell_whether_possible(listener: &Listener) {
    if !can_talk() {
        listener.emit(ClientEvent::CannotCall {
            code: NO_WEBRTC,
            message: CANNOT_CALL,
        });
    }
}

/// The offer; where the browser makes none, the call goes to the voicemail.
async fn offered(engine: &Engine, peer: Rc<Peer>) -> (Option<Rc<Peer>>, Option<String>) {
    match peer.offer().await {
        Ok(offer) => (Some(peer), Some(offer)),
        Err(problem) => {
            engine.listener.problem(problem);
            (None, None)
        }
    }
}

/// A call with a person, from its answer to its end.
pub(super) async fn talk_on(
    engine: &Rc<Engine>,
    talk: &Rc<Talk>,
    generation: u32,
    with_picture: bool,
) {
    let stage = &engine.stage;
    stage.set_talk(Some(Rc::clone(talk)));
    stage.enter(State::Talking);
    talk.tell();
    talk.watch_way();
    if with_picture && let Err(problem) = talk.film(true).await {
        engine.listener.problem(problem);
    }
    let events = talk.events();
    while stage.is_current(generation) {
        match events.next().await {
            CallEvent::Ended { cause, .. } => return talked(engine, generation, cause),
            event => talk.hear(event).await,
        }
    }
}

/// The other side has ended the call, or it was lost.
fn talked(engine: &Engine, generation: u32, cause: EndCause) {
    let stage = &engine.stage;
    if !stage.is_current(generation) {
        return;
    }
    if cause != EndCause::HungUpThere {
        engine.listener.problem(Problem::new(
            "connection_lost",
            "The connection to the other side was lost, so the call was ended.",
        ));
    }
    stage.set_conversation(None);
    stage.enter(State::Ended);
    stage.enter(State::Idle);
    stage.release_microphone();
}

/// What the page hears that wants to do two things at once.
pub(super) fn busy() -> Problem {
    Problem::new("busy", "Finish the call or the recording first.")
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
    generation: u32,
    conversation: Rc<Conversation>,
    peer: RefCell<Option<Rc<Peer>>>,
    /// For whom it was, and who answered.
    called: RefCell<Called>,
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
                CallEvent::Answered {
                    sdp,
                    greeting_url,
                    answerer,
                } => {
                    self.tell_answerer(answerer.as_deref());
                    if let Some(talk) = self.answered(sdp.as_deref(), greeting_url).await? {
                        talk_on(self.engine, &talk, self.generation, false).await;
                        return Ok(());
                    }
                }
                CallEvent::Info {
                    id,
                    content_type,
                    body,
                } => self.informed(id, &content_type, &body).await,
                CallEvent::Rejected {
                    status, answerer, ..
                } => {
                    self.tell_answerer(answerer.as_deref());
                    return Err(rejected(status));
                }
                CallEvent::Ended { cause, body, .. } => return self.ended(cause, body).await,
                _ => {}
            }
        }
    }

    /// Where the call was sent on, what is said from now on is for whoever answered.
    fn tell_answerer(&self, answerer: Option<&NameAddr>) {
        let server = &self.engine.server;
        let answered = answerer.and_then(|answerer| party(server, answerer));
        if let Some(party) = answered.clone() {
            self.engine.stage.answered_by(party);
        }
        self.called.borrow_mut().answered = answered;
    }

    /// A person answered, or the voicemail, which takes no media: the connection for them is closed then.
    async fn answered(
        &self,
        sdp: Option<&str>,
        greeting_url: Option<String>,
    ) -> Result<Option<Rc<Talk>>, Problem> {
        let peer = self.peer.take();
        let is_live = greeting_url.is_none() && sdp.is_some_and(sip::sdp::has_active_media);
        if let (true, Some(peer), Some(sdp)) = (is_live, peer, sdp) {
            peer.accept(sdp).await?;
            let conversation = Rc::clone(&self.conversation);
            return Ok(Some(Talk::new(self.engine, conversation, peer)));
        }
        if let Some(url) = &greeting_url {
            let called = self.called.borrow().clone();
            greeting_session::look_soon(self.engine, called, self.generation, url);
        }
        self.greeted(greeting_url);
        Ok(None)
    }

    /// The voicemail answered; where it plays no greeting, its hang-up alone is awaited.
    fn greeted(&self, greeting_url: Option<String>) {
        self.engine.stage.enter(State::Greeting);
        match greeting_url {
            Some(url) => self.greet(&url, None),
            None => greeting_ended(self.engine),
        }
    }

    /// The greeting is played by the page, from our own server or one that the user confirmed.
    fn greet(&self, url: &str, duration_ms: Option<f64>) {
        let origin = self.engine.server.unconfirmed(url);
        let held = origin.is_some().then(|| (url.to_owned(), duration_ms));
        self.engine.held_greeting.replace(held);
        if let Some(origin) = origin {
            return self
                .engine
                .listener
                .emit(ClientEvent::OtherServer { origin });
        }
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
        let called = self.called.borrow().clone();
        let desk = self.engine.desk();
        match accept_session(&desk, &self.conversation, &called, id, body).await {
            Ok(session) => take_session(self.engine, self.generation, session),
            Err(problem) => self.engine.listener.problem(problem),
        }
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
                // The end of the call never cuts a greeting that is still being heard; one that waits for its server
                // to be confirmed is not.
                let unheard = self.engine.held_greeting.take().is_some();
                if unheard || stage.is_greeting_over() {
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
        let called = self.called.borrow().clone();
        match crate::signalling::store_session(&self.engine.desk(), &called, &body.bytes).await {
            Ok(session) => take_session(self.engine, self.generation, session),
            Err(problem) => self.engine.listener.problem(problem),
        }
    }
}

/// The session of this call is on disk. Where another call was placed meanwhile, it waits there for its messages.
pub(super) fn take_session(engine: &Engine, generation: u32, session: SessionRow) {
    if !engine.stage.take_session(generation, &session) {
        return;
    }
    let upload = session.upload_url.as_deref();
    if let Some(origin) = upload.and_then(|url| engine.server.unconfirmed(url)) {
        engine.listener.emit(ClientEvent::OtherServer { origin });
    }
    engine.listener.emit(ClientEvent::Session {
        id: session.id,
        called_party: session.called_party,
        expires_at: session.expires_at.map(number),
        forwarded_from: session.forwarded_from,
    });
}

/// **Hang up**. After the voicemail has answered, the recorder opens; before that nothing is left.
pub(super) fn hang_up(engine: &Rc<Engine>) {
    let stage = &engine.stage;
    if let Some(conversation) = stage.conversation() {
        conversation.hang_up(Farewell::HungUp);
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
