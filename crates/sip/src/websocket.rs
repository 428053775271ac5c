//! SIP over WebSocket (RFC 7118): one message in each frame, text or binary, and the keep-alive of
//! RFC 5626 3.5.1. It knows nothing of sockets.

use crate::message::{self, Message, ParseError};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "sip";
/// What a client sends to keep its flow open.
pub const PING: &[u8] = b"\r\n\r\n";
/// What the server answers to [`PING`].
pub const PONG: &[u8] = b"\r\n";

/// What a frame holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Incoming {
    /// A keep-alive; answer with [`PONG`].
    KeepAlive,
    /// The answer to our keep-alive.
    KeepAliveAnswer,
    /// One message.
    Message(Box<Message>),
}

/// Why a frame holds nothing that can be worked on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// No byte.
    #[error("empty frame")]
    Empty,
    /// The head of a message without its end: RFC 7118 5 wants the whole message in one frame.
    #[error("a frame with a part of a message")]
    Partial,
    /// A message that must be refused; the error says how.
    #[error(transparent)]
    Refused(#[from] ParseError),
}

/// What `frame` holds.
///
/// # Errors
/// [`FrameError`] where it holds nothing usable.
pub fn classify(frame: &[u8]) -> Result<Incoming, FrameError> {
    match frame {
        b"" => return Err(FrameError::Empty),
        PING => return Ok(Incoming::KeepAlive),
        PONG => return Ok(Incoming::KeepAliveAnswer),
        _ => {}
    }
    let text = skip_line_ends(frame);
    if !text.windows(4).any(|window| window == b"\r\n\r\n") {
        return Err(FrameError::Partial);
    }
    Ok(Incoming::Message(Box::new(message::parse(text)?)))
}

/// Line ends in front of the start line are noise (RFC 3261 7.5).
fn skip_line_ends(mut frame: &[u8]) -> &[u8] {
    while let Some(rest) = frame.strip_prefix(b"\r\n") {
        frame = rest;
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::{FrameError, Incoming, classify};

    const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";

    #[test]
    fn keep_alives_are_told_from_messages() {
        assert_eq!(classify(b"\r\n\r\n"), Ok(Incoming::KeepAlive));
        assert_eq!(classify(b"\r\n"), Ok(Incoming::KeepAliveAnswer));
        assert!(matches!(
            classify(OPTIONS.as_bytes()),
            Ok(Incoming::Message(_))
        ));
        let padded = format!("\r\n\r\n{OPTIONS}");
        assert!(matches!(
            classify(padded.as_bytes()),
            Ok(Incoming::Message(_))
        ));
    }

    #[test]
    fn empty_and_partial_frames_are_errors_as_data() {
        assert_eq!(classify(b""), Err(FrameError::Empty));
        for end in 1..OPTIONS.len() - 1 {
            assert!(classify(&OPTIONS.as_bytes()[..end]).is_err(), "{end}");
        }
        assert_eq!(classify(b"\r\n\r\n\r\n"), Err(FrameError::Partial));
    }

    #[test]
    fn a_body_shorter_than_promised_is_refused_with_400() {
        let text = OPTIONS.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nabc");
        let Err(FrameError::Refused(error)) = classify(text.as_bytes()) else {
            panic!("accepted");
        };
        assert_eq!(error.status, Some(400));
        assert_eq!(error.answer.map(|answer| answer.status()), Some(400));
    }
}
