//! Session timers (RFC 4028): a session that nobody refreshes any more ends on both sides.

use serde::{Deserialize, Serialize};

use super::{Call, Event, State, event::EndCause, in_dialog::Purpose};
use crate::{method::Method, request::Request, response::Response};

/// The life that we ask for, in seconds (RFC 4028 4: 1800 is recommended).
const WANTED_S: u32 = 1_800;
/// The shortest life that we agree to (RFC 4028 5).
const LEAST_S: u32 = 90;
/// What a session ends with whose other side does not refresh it.
const EXPIRED: &str = "SIP;cause=408;text=\"session expired\"";

/// How long a session lives without a refresh, and whose turn that is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct SessionTimer {
    expires_s: u32,
    is_ours: bool,
    /// When we refresh it, or give it up.
    due_ms: i64,
}

impl SessionTimer {
    pub(super) const fn due_ms(&self) -> i64 {
        self.due_ms
    }

    /// Refreshed at half its life; given up a third of it, at most 32 seconds, before its end (RFC 4028 10).
    fn start(expires_s: u32, is_ours: bool, now_ms: i64) -> Self {
        let life = i64::from(expires_s).saturating_mul(1_000);
        let share = |parts: i64| life.checked_div(parts).unwrap_or_default();
        let pause = match is_ours {
            true => share(2),
            false => life.saturating_sub(share(3).min(32_000)),
        };
        Self {
            expires_s,
            is_ours,
            due_ms: now_ms.saturating_add(pause),
        }
    }
}

/// `Session-Expires: 1800;refresher=uac`.
struct SessionExpires<'a> {
    seconds: u32,
    refresher: Option<&'a str>,
}

fn session_expires(value: Option<&str>) -> Option<SessionExpires<'_>> {
    let mut parts = value?.split(';').map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let refresher = parts
        .find_map(|part| part.strip_prefix("refresher="))
        .map(str::trim);
    Some(SessionExpires { seconds, refresher })
}

fn supports_timers(request: &Request) -> bool {
    let tags = request
        .headers("Supported")
        .chain(request.headers("Require"))
        .flat_map(|value| value.split(','));
    tags.map(str::trim)
        .any(|tag| tag.eq_ignore_ascii_case("timer"))
}

/// Asks for a session that lives as long as we like, and at least as long as a 422 demanded.
pub(super) fn ask(request: &mut Request, least_s: Option<u32>) {
    let seconds = least_s.unwrap_or_default().max(WANTED_S);
    request.set_header("Supported", "timer");
    request.set_header("Session-Expires", &seconds.to_string());
    if let Some(least) = least_s {
        request.set_header("Min-SE", &least.to_string());
    }
}

/// The life that a 422 asks for.
pub(super) fn least(response: &Response) -> Option<u32> {
    let value = response
        .header("Min-SE")
        .filter(|_| response.status() == 422)?;
    value.split(';').next()?.trim().parse().ok()
}

/// Whether a peer that knows session timers wants a shorter life than we agree to: 422 (RFC 4028 9).
pub(super) fn is_too_short(request: &Request) -> bool {
    session_expires(request.header("Session-Expires"))
        .is_some_and(|wish| wish.seconds < LEAST_S && supports_timers(request))
}

/// The header that a 422 carries.
pub(super) fn least_header() -> (&'static str, String) {
    ("Min-SE", LEAST_S.to_string())
}

impl Call {
    /// A request of ours that refreshes the session says so.
    pub(super) fn ask_timer(&self, request: &mut Request) {
        let Some(session) = &self.session else {
            return;
        };
        let Some(timer) = &session.timer else {
            return ask(request, session.least_s);
        };
        let role = if timer.is_ours { "uac" } else { "uas" };
        let agreed = format!("{};refresher={role}", timer.expires_s);
        request.add_header("Supported", "timer");
        request.add_header("Session-Expires", &agreed);
    }

    /// What the peer agreed to; the session has no timer where it said nothing.
    pub(super) fn take_timer(&mut self, response: &Response, now_ms: i64) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.read_allow(response.header("Allow"));
        let agreed = session_expires(response.header("Session-Expires"));
        session.timer = agreed.map(|agreed| {
            let is_ours = agreed.refresher != Some("uas");
            SessionTimer::start(agreed.seconds.max(LEAST_S), is_ours, now_ms)
        });
    }

    /// Our 2xx to the change under way agrees to what was asked.
    pub(super) fn grant_timer(&mut self, response: &mut Response, now_ms: i64) {
        if let Some(request) = self.incoming_change().cloned() {
            self.grant_timer_of(&request, response, now_ms);
        }
    }

    /// Our 2xx agrees to what this request asks. Who knows no timers has them kept by us (RFC 4028 9).
    pub(super) fn grant_timer_of(
        &mut self,
        request: &Request,
        response: &mut Response,
        now_ms: i64,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.read_allow(request.header("Allow"));
        let supported = supports_timers(request);
        let asked = session_expires(request.header("Session-Expires"));
        if asked.is_none() && !supported {
            session.timer = None;
            return;
        }
        let seconds = asked.as_ref().map_or(WANTED_S, |asked| asked.seconds);
        let wish = asked.and_then(|asked| asked.refresher);
        let is_ours = !supported || wish == Some("uas");
        let seconds = seconds.max(LEAST_S);
        session.timer = Some(SessionTimer::start(seconds, is_ours, now_ms));
        let role = if is_ours { "uas" } else { "uac" };
        response.add_header("Session-Expires", &format!("{seconds};refresher={role}"));
        response.add_header("Supported", "timer");
        if !is_ours {
            response.add_header("Require", "timer");
        }
    }

    pub(super) fn elapse_timer(&mut self, now_ms: i64) {
        let Some(session) = &mut self.session else {
            return;
        };
        let Some(timer) = session
            .timer
            .as_mut()
            .filter(|timer| timer.due_ms <= now_ms)
        else {
            return;
        };
        if !timer.is_ours {
            session.timer = None;
            self.send_bye_because(EXPIRED, now_ms);
            return self.end(EndCause::TimedOut);
        }
        *timer = SessionTimer::start(timer.expires_s, true, now_ms);
        self.refresh_session(now_ms);
    }

    /// Shows the peer that we live: by UPDATE, or by an offer of the host where the peer takes no UPDATE.
    pub fn refresh_session(&mut self, now_ms: i64) {
        if self.state != State::Established {
            return;
        }
        if !self.peer_allows(&Method::Update) {
            return self.push(Event::MayOffer);
        }
        let Some(mut request) = self
            .dialog
            .as_mut()
            .map(|dialog| dialog.request(Method::Update))
        else {
            return;
        };
        self.ask_timer(&mut request);
        self.start_in_dialog(request, Purpose::Update { offered: false }, now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::{SessionTimer, session_expires};

    #[test]
    fn a_session_is_refreshed_at_half_its_life_and_given_up_before_its_end() {
        for (seconds, ours, theirs) in [(90, 45_000, 60_000), (1_800, 900_000, 1_768_000)] {
            assert_eq!(SessionTimer::start(seconds, true, 0).due_ms, ours);
            assert_eq!(SessionTimer::start(seconds, false, 0).due_ms, theirs);
        }
    }

    #[test]
    fn the_header_is_read_with_and_without_a_refresher() {
        let read = |value| session_expires(Some(value)).map(|read| (read.seconds, read.refresher));
        assert_eq!(read("1800;refresher=uac"), Some((1_800, Some("uac"))));
        assert_eq!(read("90 ; x=y ; refresher=uas"), Some((90, Some("uas"))));
        assert_eq!(read("90"), Some((90, None)));
        assert_eq!(read("soon"), None);
    }
}
