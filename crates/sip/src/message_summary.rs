//! Message-waiting indication (RFC 3842): how many messages lie in a mailbox.

use core::fmt;

use crate::text;

/// The media type of the body.
pub const CONTENT_TYPE: &str = "application/simple-message-summary";
/// The event package.
pub const EVENT: &str = "message-summary";

/// Counts of voice messages.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct MessageSummary {
    /// Messages not yet heard.
    pub new: u32,
    /// All others.
    pub old: u32,
    /// The mailbox the counts are of, if said.
    pub account: Option<String>,
}

/// A body without a Messages-Waiting line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the body is no message summary")]
pub struct MessageSummaryError;

impl MessageSummary {
    /// Reads a body. Without a count, a mailbox with messages waiting has at least one.
    ///
    /// # Errors
    /// [`MessageSummaryError`] where it does not say whether messages wait.
    pub fn parse(body: &[u8]) -> Result<Self, MessageSummaryError> {
        let body = core::str::from_utf8(body).map_err(|_| MessageSummaryError)?;
        let waiting = line(body, "Messages-Waiting").ok_or(MessageSummaryError)?;
        let at_least = u32::from(waiting.eq_ignore_ascii_case("yes"));
        let (new, old) = line(body, "Voice-Message")
            .and_then(counts)
            .unwrap_or((at_least, 0));
        let account = line(body, "Message-Account").map(str::to_owned);
        Ok(Self { new, old, account })
    }
}

impl fmt::Display for MessageSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = if self.new > 0 { "yes" } else { "no" };
        write!(formatter, "Messages-Waiting: {waiting}\r\n")?;
        if let Some(account) = self.account.as_deref() {
            write!(
                formatter,
                "Message-Account: {}\r\n",
                text::one_line(account)
            )?;
        }
        write!(formatter, "Voice-Message: {}/{}\r\n", self.new, self.old)
    }
}

fn line<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    body.split(['\r', '\n'])
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// `new/old`, with or without the urgent ones in brackets.
fn counts(value: &str) -> Option<(u32, u32)> {
    let (new, old) = value.split('(').next()?.split_once('/')?;
    Some((new.trim().parse().ok()?, old.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{MessageSummary, MessageSummaryError};

    #[test]
    fn a_summary_prints_and_reads_back() {
        let summary = MessageSummary {
            new: 2,
            old: 8,
            account: Some("sip:bob@example.com".into()),
        };
        let body = "Messages-Waiting: yes\r\nMessage-Account: sip:bob@example.com\r\nVoice-Message: 2/8\r\n";
        assert_eq!(summary.to_string(), body);
        assert_eq!(MessageSummary::parse(body.as_bytes()), Ok(summary));
        let none = MessageSummary::default();
        assert_eq!(
            none.to_string(),
            "Messages-Waiting: no\r\nVoice-Message: 0/0\r\n"
        );
    }

    #[test]
    fn the_example_of_the_rfc_and_bare_bodies_read() {
        for (body, new, old) in [
            (
                "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n",
                2,
                8,
            ),
            ("messages-waiting:no\nvoice-message: 0 / 3", 0, 3),
            ("Messages-Waiting: yes", 1, 0),
            ("Messages-Waiting: no", 0, 0),
            ("Messages-Waiting: yes\r\nVoice-Message: x/y", 1, 0),
        ] {
            let summary = MessageSummary::parse(body.as_bytes()).unwrap();
            assert_eq!((summary.new, summary.old), (new, old), "{body:?}");
        }
        assert_eq!(
            MessageSummary::parse(b"Voice-Message: 1/1"),
            Err(MessageSummaryError)
        );
        assert_eq!(MessageSummary::parse(b"\xff"), Err(MessageSummaryError));
    }
}
