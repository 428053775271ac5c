//! The body of the INFO that tells a caller which session to deposit into (interface section 2).
//!
//! Printing is exact, reading is tolerant: any line end, any case, spaces round `=`, lines it does not
//! know. It does not judge whether the session is valid or its URLs are to be trusted.

use crate::text;

/// The media type of the body.
pub const CONTENT_TYPE: &str = "text/plain";
/// The whole printed body is never longer.
pub const MAX_BYTES: usize = 1200;
/// A longer body is not read.
const MAX_READ_BYTES: usize = 8192;

/// What a session is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionType {
    /// Speech.
    Voice,
    /// Pictures and speech.
    Video,
}

/// One session, as the voicemail describes it.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct SessionInfo {
    /// Voice or video.
    pub session_type: SessionType,
    /// Whom the message is for; the dialled address where it is not said.
    pub called_party: Option<String>,
    /// The session token.
    pub id: String,
    /// Where to upload.
    pub upload: Option<String>,
    /// Where the greeting plays from.
    pub greeting: Option<String>,
    /// When the right to begin a deposit ends, RFC 3339.
    pub expires: Option<String>,
    /// Length of the greeting in milliseconds.
    pub greeting_duration_ms: Option<u64>,
    /// Largest voice message in bytes.
    pub max_size: Option<u64>,
    /// Longest message in seconds.
    pub max_duration_s: Option<u64>,
    /// Largest video message in bytes.
    pub max_video_size: Option<u64>,
    /// The callee's sealing key.
    pub seal_key: Option<String>,
    /// Whom the caller had dialled, where the call was sent on from there.
    pub forwarded_from: Option<String>,
}

/// Why a body describes no session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionInfoError {
    /// No `ID` line, or an empty one.
    #[error("the body has no ID line")]
    NoId,
    /// No `Session Type` line, or an unknown type.
    #[error("the body has no known session type")]
    NoSessionType,
    /// Not text, or longer than anything that could be meant.
    #[error("the body is no text of acceptable length")]
    NotText,
}

impl SessionType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Video => "video",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Voice, Self::Video]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

impl SessionInfo {
    /// A session with nothing but its type and token.
    #[must_use]
    pub fn new(session_type: SessionType, id: &str) -> Self {
        Self {
            session_type,
            called_party: None,
            id: id.to_owned(),
            upload: None,
            greeting: None,
            expires: None,
            greeting_duration_ms: None,
            max_size: None,
            max_duration_s: None,
            max_video_size: None,
            seal_key: None,
            forwarded_from: None,
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`SessionInfoError`] where type or token are missing; a line that cannot be read counts as unknown.
    pub fn parse(body: &[u8]) -> Result<Self, SessionInfoError> {
        if body.len() > MAX_READ_BYTES {
            return Err(SessionInfoError::NotText);
        }
        let body = core::str::from_utf8(body).map_err(|_| SessionInfoError::NotText)?;
        let fields = Fields(body.trim_start_matches('\u{feff}'));
        let session_type = fields
            .text("Session Type")
            .and_then(|word| SessionType::parse(&word))
            .ok_or(SessionInfoError::NoSessionType)?;
        Ok(Self {
            session_type,
            called_party: fields.text("Called Party"),
            id: fields.text("ID").ok_or(SessionInfoError::NoId)?,
            upload: fields.text("Upload"),
            greeting: fields.text("Greeting"),
            expires: fields.text("Expires"),
            greeting_duration_ms: fields.number("Greeting-Duration"),
            max_size: fields.number("Max-Size"),
            max_duration_s: fields.number("Max-Duration"),
            max_video_size: fields.number("Max-Video-Size"),
            seal_key: fields.text("Seal-Key"),
            forwarded_from: fields.text("Forwarded-From"),
        })
    }

    /// The body: one `Name=Value` a line, CRLF, in the order of the interface.
    #[must_use]
    pub fn print(&self) -> String {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let mut body = format!("Session Type={}\r\n", self.session_type.as_str());
        for (name, value) in [
            ("Called Party", self.called_party.clone()),
            ("ID", Some(self.id.clone())),
            ("Upload", self.upload.clone()),
            ("Greeting", self.greeting.clone()),
            ("Expires", self.expires.clone()),
            ("Greeting-Duration", number(self.greeting_duration_ms)),
            ("Max-Size", number(self.max_size)),
            ("Max-Duration", number(self.max_duration_s)),
            ("Max-Video-Size", number(self.max_video_size)),
            ("Seal-Key", self.seal_key.clone()),
            ("Forwarded-From", self.forwarded_from.clone()),
        ] {
            if let Some(value) = value {
                body.push_str(&format!("{name}={}\r\n", text::one_line(&value)));
            }
        }
        body
    }
}

struct Fields<'a>(&'a str);

impl Fields<'_> {
    /// The value of the first line of this name; an empty one counts as none.
    fn text(&self, name: &str) -> Option<String> {
        self.0
            .split(['\r', '\n'])
            .filter_map(|line| line.split_once('='))
            .find(|(found, _)| is_name(found, name))
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// Names are compared without case, and without regard to how many spaces are in them.
fn is_name(found: &str, name: &str) -> bool {
    let mut found = found.split_whitespace();
    name.split(' ').all(|word| {
        found
            .next()
            .is_some_and(|other| other.eq_ignore_ascii_case(word))
    }) && found.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{SessionInfo, SessionInfoError, SessionType};

    fn whole() -> SessionInfo {
        SessionInfo {
            called_party: Some("sip:bob@example.com".into()),
            upload: Some("https://edge.example.com/deposits".into()),
            greeting: Some("https://edge.example.com/greetings/x".into()),
            expires: Some("2026-12-01T12:00:00Z".into()),
            greeting_duration_ms: Some(4200),
            max_size: Some(16_777_216),
            max_duration_s: Some(300),
            max_video_size: Some(99_614_720),
            forwarded_from: Some("sip:carol@example.com".into()),
            ..SessionInfo::new(SessionType::Voice, "s1.k.cGF5==.bWFj")
        }
    }

    const BODY: &str = "Session Type=voice\r\nCalled Party=sip:bob@example.com\r\nID=s1.k.cGF5==.bWFj\r\n\
        Upload=https://edge.example.com/deposits\r\nGreeting=https://edge.example.com/greetings/x\r\n\
        Expires=2026-12-01T12:00:00Z\r\nGreeting-Duration=4200\r\nMax-Size=16777216\r\nMax-Duration=300\r\n\
        Max-Video-Size=99614720\r\nForwarded-From=sip:carol@example.com\r\n";

    #[test]
    fn a_session_prints_in_the_agreed_order_and_reads_back() {
        assert_eq!(whole().print(), BODY);
        assert_eq!(SessionInfo::parse(BODY.as_bytes()), Ok(whole()));
    }

    #[test]
    fn every_tolerated_spelling_reads_the_same() {
        let three = SessionInfo {
            called_party: Some("sip:bob@example.com".into()),
            ..SessionInfo::new(SessionType::Video, "4711")
        };
        for body in [
            "Session Type=video\r\nCalled Party=sip:bob@example.com\r\nID=4711\r\n",
            "Session Type=video\nCalled Party=sip:bob@example.com\nID=4711",
            "Session Type=video\rCalled Party=sip:bob@example.com\rID=4711",
            "SESSION TYPE = VIDEO \r\n called party\t=\tsip:bob@example.com\r\nid = 4711",
            "\u{feff}session  type=Video\r\n\r\nX-New=a=b\r\nnonsense\r\nId=4711\r\nCalled Party=sip:bob@example.com\r\nID=4712",
            "ID=4711\r\nMax-Size=many\r\nCalled Party=sip:bob@example.com\r\nSession Type=video\r\nUpload=\r\n",
        ] {
            assert_eq!(
                SessionInfo::parse(body.as_bytes()),
                Ok(three.clone()),
                "{body:?}"
            );
        }
    }

    #[test]
    fn type_and_token_alone_are_a_session() {
        let body = b"Session Type=voice\r\nID=opaque=with=signs\r\n";
        let session = SessionInfo::new(SessionType::Voice, "opaque=with=signs");
        assert_eq!(SessionInfo::parse(body), Ok(session));
    }

    #[test]
    fn a_body_without_token_or_type_is_an_error() {
        for (body, error) in [
            ("", SessionInfoError::NoSessionType),
            ("ID=1", SessionInfoError::NoSessionType),
            ("Session Type=fax\nID=1", SessionInfoError::NoSessionType),
            ("Session Type=voice", SessionInfoError::NoId),
            ("Session Type=voice\nID= ", SessionInfoError::NoId),
        ] {
            assert_eq!(SessionInfo::parse(body.as_bytes()), Err(error), "{body:?}");
        }
        assert_eq!(SessionInfo::parse(b"\xff"), Err(SessionInfoError::NotText));
        assert_eq!(
            SessionInfo::parse(&[b'a'; 9000]),
            Err(SessionInfoError::NotText)
        );
    }

    #[test]
    fn a_value_cannot_add_a_line() {
        let session = SessionInfo::new(SessionType::Voice, "1\r\nUpload=https://evil.example");
        assert_eq!(
            session.print(),
            "Session Type=voice\r\nID=1  Upload=https://evil.example\r\n"
        );
    }
}
