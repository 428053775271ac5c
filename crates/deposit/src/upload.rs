//! The core of a resumable upload: an offset that only grows and a length that is known sooner or later.
//! It knows neither tus nor the IETF draft ("Resumable Uploads for HTTP"); both are words for it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where an upload stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// Bytes held.
    pub offset: u64,
    /// Length of the whole; unknown until the sender has declared it complete.
    pub length: Option<u64>,
}

/// Why bytes or a length are not taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ProgressError {
    /// The sender continues from elsewhere than where the upload stands.
    #[error("the upload stands at {held}, not at {given}")]
    Offset {
        /// Where it stands.
        held: u64,
        /// Where the sender is.
        given: u64,
    },
    /// The bytes go beyond the declared length.
    #[error("the bytes go beyond the declared length of {length}")]
    Beyond {
        /// Declared length.
        length: u64,
    },
    /// Longer than allowed.
    #[error("at most {limit} bytes are taken")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A second length that differs from the first, or one shorter than what is held.
    #[error("the declared length does not fit")]
    Length,
}

impl Progress {
    /// A new upload of known or unknown length.
    pub const fn new(length: Option<u64>, limit: u64) -> Result<Self, ProgressError> {
        match length {
            Some(length) if length > limit => Err(ProgressError::TooLarge { limit }),
            _ => Ok(Self { offset: 0, length }),
        }
    }

    /// Whether every byte is in and the sender has said that there are no more.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.length == Some(self.offset)
    }

    /// Checks that a sender continues where the upload stands.
    pub const fn continue_at(&self, given: u64) -> Result<(), ProgressError> {
        if given == self.offset {
            Ok(())
        } else {
            Err(ProgressError::Offset {
                held: self.offset,
                given,
            })
        }
    }

    /// Declares the length: once, or again the same.
    pub fn declare(&self, length: u64, limit: u64) -> Result<Self, ProgressError> {
        if length > limit {
            return Err(ProgressError::TooLarge { limit });
        }
        let fits = length >= self.offset && self.length.is_none_or(|known| known == length);
        if !fits {
            return Err(ProgressError::Length);
        }
        Ok(Self {
            offset: self.offset,
            length: Some(length),
        })
    }

    /// Takes `count` more bytes.
    pub fn advance(&self, count: u64, limit: u64) -> Result<Self, ProgressError> {
        let offset = self
            .offset
            .checked_add(count)
            .ok_or(ProgressError::TooLarge { limit })?;
        if let Some(length) = self.length.filter(|length| offset > *length) {
            return Err(ProgressError::Beyond { length });
        }
        if offset > limit {
            return Err(ProgressError::TooLarge { limit });
        }
        Ok(Self {
            offset,
            length: self.length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_at_its_length_and_takes_no_byte_more() {
        let start = Progress::new(Some(10), 100).unwrap();
        let middle = start.advance(4, 100).unwrap();
        assert!(!middle.is_complete());
        let end = middle.advance(6, 100).unwrap();
        assert!(end.is_complete());
        assert_eq!(
            end.advance(1, 100),
            Err(ProgressError::Beyond { length: 10 })
        );
        assert_eq!(end.advance(0, 100), Ok(end));
    }

    #[test]
    fn an_unknown_length_is_never_complete_until_declared() {
        let held = Progress::new(None, 100).unwrap().advance(7, 100).unwrap();
        assert!(!held.is_complete());
        assert_eq!(held.declare(6, 100), Err(ProgressError::Length));
        let declared = held.declare(7, 100).unwrap();
        assert!(declared.is_complete());
        assert_eq!(declared.declare(7, 100), Ok(declared));
        assert_eq!(declared.declare(8, 100), Err(ProgressError::Length));
    }

    #[test]
    fn limits_hold_for_declared_and_for_streamed_bytes() {
        let limit = 100;
        let too_large = ProgressError::TooLarge { limit };
        assert_eq!(Progress::new(Some(101), limit), Err(too_large));
        let held = Progress::new(None, limit).unwrap();
        assert_eq!(held.advance(101, limit), Err(too_large));
        assert_eq!(held.declare(101, limit), Err(too_large));
        let held = held.advance(1, limit).unwrap();
        assert_eq!(held.advance(u64::MAX, limit), Err(too_large));
    }

    #[test]
    fn a_sender_elsewhere_is_told_where_the_upload_stands() {
        let held = Progress::new(None, 100).unwrap().advance(7, 100).unwrap();
        assert_eq!(held.continue_at(7), Ok(()));
        let error = held.continue_at(0).unwrap_err();
        assert_eq!(error, ProgressError::Offset { held: 7, given: 0 });
        assert_eq!(error.to_string(), "the upload stands at 7, not at 0");
    }
}
