//! Sessions: the right to leave a message, as the callee's voicemail gives it inside a call. It is on
//! disk, strictly durable, before its INFO is answered (design section 4.6).

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sip::NameAddr;
use sip::call::event::Event as CallEvent;
use sip::session_info::{CONTENT_TYPE, SessionInfo, SessionType};

use super::connection::Agent;
use super::conversation::Conversation;
use crate::client::Party;
use crate::clock;
use crate::http::Request;
use crate::problem::Problem;
use crate::queue::within;
use crate::server::Server;
use crate::storage::{Database, SessionRow};
use crate::timer::Timer;

/// The silent call is given up after this long.
const SILENT_CALL_MS: u32 = 20_000;
/// In a silent call, an INFO that comes at all comes within this time.
const INFO_MS: u32 = 1_500;
/// Header of the greeting's HTTP answer.
const SESSION: &str = "afterbeep-session";
const RELAY: &str = "application/dtmf-relay";
const SKIP: &[u8] = b"Signal=#\r\nDuration=160\r\n";
/// The INFO brought nothing that can be used (RFC 6086 section 4.2.2 leaves the choice of status).
const UNUSABLE: u16 = 403;

/// Gets sessions without ringing anybody.
#[derive(Clone)]
pub(crate) struct SessionDesk {
    pub(crate) agent: Agent,
    pub(crate) database: Rc<Database>,
    pub(crate) server: Rc<Server>,
}

impl SessionDesk {
    /// A session for the mailbox of `to` by the call that rings nobody (design section 4.7, RFC 4458).
    pub(crate) async fn renew(&self, to: &str, display_name: &str) -> Result<SessionRow, Problem> {
        let conversation = self.agent.call(&voicemail_of(to), None).await?;
        let desk = self.clone();
        let (to, display_name) = (to.to_owned(), display_name.to_owned());
        let work = async move { desk.await_session(&conversation, &to, &display_name).await };
        within(SILENT_CALL_MS, work)
            .await
            .unwrap_or_else(no_session)
    }

    /// Waits for a session however the mailbox brings it: by INFO, with the greeting, or in the BYE. Where no INFO
    /// comes soon, nobody listens to the greeting: it is skipped.
    async fn await_session(
        &self,
        conversation: &Conversation,
        to: &str,
        display_name: &str,
    ) -> Result<SessionRow, Problem> {
        let mut called = Called::new(to, display_name);
        let events = conversation.events();
        let (patience, mut greeting) = (Timer::default(), None);
        loop {
            match events.next().await {
                CallEvent::Answered {
                    greeting_url,
                    answerer,
                    ..
                } => {
                    called.answered = answerer.and_then(|by| party(&self.server, &by));
                    greeting = greeting_url;
                    let nudged = events.clone();
                    patience.after(INFO_MS, move || nudged.push(CallEvent::MayOffer));
                }
                // Our own impatience: nobody offers anything in a call without media.
                CallEvent::MayOffer => {
                    if let Some(session) = self.with_greeting(&called, greeting.as_deref()).await? {
                        return meant(session, to);
                    }
                    conversation.send_info(RELAY, SKIP);
                }
                CallEvent::Info { id, body, .. } => {
                    let session = accept_session(self, conversation, &called, id, &body).await?;
                    return meant(session, to);
                }
                CallEvent::Rejected { status, .. } => return Err(rejected(status)),
                CallEvent::Ended {
                    body: Some(body), ..
                } => {
                    let session = store_session(self, &called, &body.bytes).await?;
                    return meant(session, to);
                }
                CallEvent::Ended { .. } => {
                    let session = self.with_greeting(&called, greeting.as_deref()).await?;
                    return session.map_or_else(no_session, |session| meant(session, to));
                }
                _ => {}
            }
        }
    }

    /// The session whose token comes with the greeting (D7), if it does.
    pub(crate) async fn with_greeting(
        &self,
        called: &Called,
        greeting_url: Option<&str>,
    ) -> Result<Option<SessionRow>, Problem> {
        let known = greeting_url.filter(|url| self.server.unconfirmed(url).is_none());
        let Some(greeting_url) = known else {
            return Ok(None);
        };
        let greeting_url = self.server.own(greeting_url)?;
        let answer = Request::new("HEAD", &greeting_url).send().await?;
        let Some(token) = answer.header(SESSION) else {
            return Ok(None);
        };
        let mut session = SessionRow {
            id: session_id(&token, &called.to),
            token,
            session_type: SessionType::Voice.as_str().to_owned(),
            called_party: called.party(None).to_owned(),
            dialled: called.to.clone(),
            display_name: called.name().to_owned(),
            greeting_url: Some(greeting_url),
            received_at: clock::now_ms(),
            ..SessionRow::default()
        };
        self.database.put_session(&session).await?;
        // What else is to be known of it may be asked again; the token may not.
        if self.complete(&mut session, called).await.is_ok() {
            self.database.put_session(&session).await?;
        }
        Ok(Some(session))
    }

    async fn complete(&self, session: &mut SessionRow, called: &Called) -> Result<(), Problem> {
        let home = self.server.home(session.greeting_url.as_deref())?;
        let answer = Request::new("GET", &home.url("/sessions/current"))
            .bearer(&session.token)
            .send()
            .await?;
        let known = answer.json().await?;
        if let Some(kind) = known.text("session_type") {
            session.session_type = kind;
        }
        session.expires_at = known.text("expires_at").as_deref().and_then(unix_ms);
        session.forwarded_from = known.text("forwarded_from");
        if session.forwarded_from.is_some() {
            let named = known.text("called_party");
            session.called_party = called.party(named.as_deref()).to_owned();
        }
        Ok(())
    }

    /// Says by a second call, which rings nobody, that a message of this kind will come by this session (D16, D17).
    pub(crate) async fn confirm(&self, session: &SessionRow, kind: &str) -> Result<(), Problem> {
        let voicemail = voicemail_of(&session.called_party);
        let conversation = self.agent.call(&voicemail, None).await?;
        let info = SessionInfo::new(type_of(kind), &session.token).print();
        let work = async move { await_confirmation(&conversation, &info).await };
        within(SILENT_CALL_MS, work)
            .await
            .unwrap_or_else(no_session)
    }
}

async fn await_confirmation(conversation: &Conversation, info: &str) -> Result<(), Problem> {
    let events = conversation.events();
    loop {
        match events.next().await {
            CallEvent::Answered { .. } => conversation.send_info(CONTENT_TYPE, info.as_bytes()),
            CallEvent::InfoAnswered { status: 200, .. } => return Ok(()),
            CallEvent::InfoAnswered { status, .. } => return Err(unconfirmed(status)),
            // The mailbox offers another session; this call is about one that is here.
            CallEvent::Info { id, .. } => conversation.reject_info(id, UNUSABLE),
            CallEvent::Rejected { status, .. } => return Err(rejected(status)),
            CallEvent::Ended { .. } => return no_session(),
            _ => {}
        }
    }
}

fn unconfirmed(status: u16) -> Problem {
    match status {
        403 => Problem::new(
            "session_foreign",
            "The mailbox does not know the call that this message belongs to.",
        ),
        410 => Problem::new("session_expired", "The call has expired."),
        _ => Problem::new(
            "no_session",
            format!("The mailbox did not confirm the call (status {status})."),
        ),
    }
}

/// What a session has to be for, to take a message of this kind; a written one fits into either.
fn type_of(kind: &str) -> SessionType {
    match kind {
        "video" => SessionType::Video,
        _ => SessionType::Voice,
    }
}

/// A session that was asked for the mailbox of `to`; what is for him goes to nobody else.
fn meant(session: SessionRow, to: &str) -> Result<SessionRow, Problem> {
    match session.answers_for(to) {
        true => Ok(session),
        false => Err(Problem::new(
            "sent_on",
            "Somebody else's mailbox answered in the place of the one that the message is for. It is tried again later.",
        )),
    }
}

/// Whom the call was for, and who answered.
#[derive(Clone)]
pub(crate) struct Called {
    /// The address dialled.
    pub(crate) to: String,
    /// Who answered, as the server vouches.
    pub(crate) answered: Option<Party>,
    /// What the page calls whom was dialled.
    pub(crate) display_name: String,
}

impl Called {
    /// Nobody has answered yet.
    pub(crate) fn new(to: &str, display_name: &str) -> Self {
        Self {
            to: to.to_owned(),
            answered: None,
            display_name: display_name.to_owned(),
        }
    }

    /// Whose mailbox it is that names itself so: whoever answered, as the server vouches. What a voicemail says of itself
    /// alone changes nothing, so that nobody can take what is for somebody else.
    fn party(&self, named: Option<&str>) -> &str {
        match &self.answered {
            Some(party) if named.is_none_or(|named| named == party.address) => &party.address,
            _ => &self.to,
        }
    }

    fn name(&self) -> &str {
        let told = self
            .answered
            .as_ref()
            .and_then(|party| party.name.as_deref());
        told.unwrap_or(&self.display_name)
    }
}

/// Who answered, under the address that we know him by. A foreign proxy vouches for nobody: what its answer says, the
/// one who answered may have written.
pub(crate) fn party(server: &Server, answerer: &NameAddr) -> Option<Party> {
    if !server.is_ours() {
        return None;
    }
    let address = server.address(&answerer.uri.to_string()).ok()?;
    let name = answerer.display_name.clone();
    Some(Party { address, name })
}

/// Stores the session that an INFO brings, then answers the INFO; an unusable one is refused.
pub(crate) async fn accept_session(
    desk: &SessionDesk,
    conversation: &Conversation,
    called: &Called,
    info: u32,
    body: &[u8],
) -> Result<SessionRow, Problem> {
    let stored = store_session(desk, called, body).await;
    match &stored {
        Ok(_) => conversation.accept_info(info),
        Err(_) => conversation.reject_info(info, UNUSABLE),
    }
    stored
}

/// Stores the session that a body brings.
pub(crate) async fn store_session(
    desk: &SessionDesk,
    called: &Called,
    body: &[u8],
) -> Result<SessionRow, Problem> {
    let session = read(&desk.server, called, body)?;
    desk.database.put_session(&session).await?;
    Ok(session)
}

/// The session as a row. It is for whoever answered, whatever else the body calls him.
fn read(server: &Server, called: &Called, body: &[u8]) -> Result<SessionRow, Problem> {
    let info = SessionInfo::parse(body).map_err(|error| {
        Problem::new(
            "session_unusable",
            format!("The voicemail's answer cannot be used: {error}."),
        )
    })?;
    let named = info.called_party.as_deref();
    let named = named.and_then(|named| server.address(named).ok());
    let upload_url = info.upload.map(|url| server.named(&url)).transpose()?;
    let greeting_url = info.greeting.map(|url| server.named(&url)).transpose()?;
    Ok(SessionRow {
        id: session_id(&info.id, &called.to),
        token: info.id,
        session_type: info.session_type.as_str().to_owned(),
        called_party: called.party(named.as_deref()).to_owned(),
        dialled: called.to.clone(),
        display_name: called.name().to_owned(),
        upload_url,
        greeting_url,
        greeting_duration_ms: info.greeting_duration_ms,
        expires_at: info.expires.as_deref().and_then(unix_ms),
        max_size: info.max_size,
        max_duration_s: info.max_duration_s,
        max_video_size: info.max_video_size,
        received_at: clock::now_ms(),
        refused: None,
        forwarded_from: info.forwarded_from,
    })
}

/// The first 16 bytes of a token's payload in hexadecimal digits. A foreign token may be as short as another server's:
/// with the address that was dialled it names a session, so that nobody's takes the place of somebody else's.
fn session_id(token: &str, to: &str) -> String {
    token
        .split('.')
        .nth(2)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .and_then(|payload| payload.get(..16).map(deposit::hex))
        .unwrap_or_else(|| format!("{token} {to}"))
}

/// Unix milliseconds of an RFC 3339 time.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn unix_ms(rfc3339: &str) -> Option<i64> {
    let time = js_sys::Date::parse(rfc3339);
    (!time.is_nan()).then_some(time as i64)
}

/// `sip:voicemail@DOMAIN;target=<callee>;cause=302`.
pub(crate) fn voicemail_of(to: &str) -> String {
    let domain = to.rsplit('@').next().unwrap_or_default();
    let target = to.replace('@', "%40");
    format!("sip:voicemail@{domain};target={target};cause=302")
}

/// What a rejected call means.
pub(crate) fn rejected(status: u16) -> Problem {
    match status {
        401 | 403 | 407 => Problem::new(
            "call_forbidden",
            "The server does not allow this call. Sign in and try again.",
        ),
        404 => Problem::new("not_found", "There is nobody with this address."),
        408 => Problem::new(
            "no_answer",
            "The server did not answer. You can record and send the message later.",
        ),
        429 | 503 => Problem::new(
            "busy_server",
            "The server takes no more calls for the moment. Try again in a minute.",
        ),
        480 | 486 => Problem::new(
            "unavailable",
            "Nobody answers, and the mailbox takes no message now.",
        ),
        487 => Problem::new("cancelled", "The call was cancelled."),
        _ => Problem::new(
            "call_failed",
            format!("The call was refused (status {status})."),
        ),
    }
}

fn no_session<Anything>() -> Result<Anything, Problem> {
    Err(Problem::new(
        "no_session",
        "The mailbox gave no permission to leave a message. It is tried again later.",
    ))
}

#[cfg(test)]
mod tests {
    use super::{Called, Party, Server, party, session_id, voicemail_of};

    #[test]
    fn nobody_is_called_by_the_name_that_he_gives_himself_behind_a_foreign_proxy() {
        let answerer = "\"Carol\" <sip:carol@example.com>".parse().unwrap();
        let ours = party(&Server::of_host("example.com", true), &answerer);
        let carol = Party {
            address: "sip:carol@example.com".to_owned(),
            name: Some("Carol".to_owned()),
        };
        assert_eq!(ours, Some(carol));
        let foreign = party(&Server::of_host("example.com", false), &answerer);
        assert_eq!(foreign, None);
    }

    #[test]
    fn a_session_is_for_whoever_answered_and_not_for_whom_a_voicemail_names_by_itself() {
        let (bob, carol) = ("sip:bob@example.com", "sip:carol@example.com");
        for (answered, named, party) in [
            (None, None, bob),
            (None, Some(bob), bob),
            (None, Some(carol), bob),
            (Some(carol), None, carol),
            (Some(carol), Some(carol), carol),
            (Some(carol), Some("sip:eve@example.com"), bob),
        ] {
            let mut called = Called::new(bob, "");
            called.answered = answered.map(|address: &str| Party {
                address: address.to_owned(),
                name: None,
            });
            assert_eq!(called.party(named), party, "{answered:?} {named:?}");
        }
    }

    #[test]
    fn the_silent_call_names_the_callee_as_its_target() {
        assert_eq!(
            voicemail_of("sip:bob@example.com"),
            "sip:voicemail@example.com;target=sip:bob%40example.com;cause=302"
        );
        let uri: sip::Uri = voicemail_of("sip:bob@example.com").parse().unwrap();
        assert_eq!(uri.host, "example.com");
    }

    #[test]
    fn a_session_is_named_by_the_first_field_of_its_token() {
        let (bob, eve) = ("sip:bob@example.com", "sip:eve@elsewhere.test");
        let token = "s1.k1.AAECAwQFBgcICQoLDA0OD_8.mac";
        assert_eq!(session_id(token, bob), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(session_id("a.b.c.d", bob), session_id("a.b.c.d", bob));
        assert_ne!(session_id("4711", bob), session_id("4711", eve));
    }
}
