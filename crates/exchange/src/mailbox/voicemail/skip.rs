//! Keys that a caller presses during the greeting, as INFO carries them.

/// The key in an INFO body: `application/dtmf-relay` (`Signal=#`) or `application/dtmf` (`#`).
pub(super) fn key(content_type: &str, body: &[u8]) -> Option<char> {
    let text = core::str::from_utf8(body).ok()?;
    match content_type {
        "application/dtmf" => single(text),
        "application/dtmf-relay" => text
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("signal"))
            .and_then(|(_, value)| single(value)),
        _ => None,
    }
}

/// `11` is what some phones send for `#`, `10` for `*`.
fn single(text: &str) -> Option<char> {
    match text.trim() {
        "11" => Some('#'),
        "10" => Some('*'),
        key => {
            let mut characters = key.chars();
            characters.next().filter(|_| characters.next().is_none())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn keys_are_read_however_the_phone_writes_them() {
        for (kind, body, expected) in [
            (
                "application/dtmf-relay",
                "Signal=#\r\nDuration=160\r\n",
                Some('#'),
            ),
            (
                "application/dtmf-relay",
                "Duration=160\nsignal = 5",
                Some('5'),
            ),
            ("application/dtmf-relay", "Signal=11", Some('#')),
            ("application/dtmf", "#", Some('#')),
            ("application/dtmf-relay", "Duration=160", None),
            ("text/plain", "Signal=#", None),
        ] {
            assert_eq!(key(kind, body.as_bytes()), expected, "{kind} {body}");
        }
    }
}
