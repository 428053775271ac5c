//! Byte ranges (RFC 9110 section 14): one range at a time; of several, or none that we read, the whole is sent.

/// What a `Range` header asks of content with a length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Range {
    /// Everything.
    Whole,
    /// From the first to the last byte, both included.
    Part {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// Nothing that exists.
    Outside,
}

impl Range {
    /// Reads the header's value.
    pub(super) fn read(header: Option<&str>, length: u64) -> Self {
        let spec = header.and_then(|value| value.trim().strip_prefix("bytes="));
        let Some((first, last)) = spec.and_then(|spec| spec.trim().split_once('-')) else {
            return Self::Whole;
        };
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Self::within(first, last, length),
            (Some(first), None) if last.trim().is_empty() => Self::within(first, u64::MAX, length),
            (None, Some(0)) if first.trim().is_empty() => Self::Outside,
            (None, Some(count)) if first.trim().is_empty() => {
                Self::within(length.saturating_sub(count), u64::MAX, length)
            }
            _ => Self::Whole,
        }
    }

    const fn within(first: u64, last: u64, length: u64) -> Self {
        if first >= length {
            return Self::Outside;
        }
        let end = length.saturating_sub(1);
        let last = if last < end { last } else { end };
        Self::Part { first, last }
    }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        Some(text.parse().unwrap_or(u64::MAX))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Range::{self, Outside, Part, Whole};

    #[test]
    fn ranges_are_cut_to_the_content() {
        for (header, expected) in [
            ("bytes=0-0", Part { first: 0, last: 0 }),
            (
                "bytes=10-19",
                Part {
                    first: 10,
                    last: 19,
                },
            ),
            (
                "bytes=90-",
                Part {
                    first: 90,
                    last: 99,
                },
            ),
            (
                "bytes=-10",
                Part {
                    first: 90,
                    last: 99,
                },
            ),
            ("bytes=-1000", Part { first: 0, last: 99 }),
            (
                "bytes=0-99999999999999999999999",
                Part { first: 0, last: 99 },
            ),
            ("bytes=100-", Outside),
            ("bytes=-0", Outside),
            ("bytes=9-5", Whole),
            ("bytes=0-1,5-6", Whole),
            ("items=0-1", Whole),
            ("bytes=-", Whole),
        ] {
            assert_eq!(Range::read(Some(header), 100), expected, "{header}");
        }
        assert_eq!(Range::read(None, 100), Whole);
        assert_eq!(Range::read(Some("bytes=0-"), 0), Outside);
    }
}
