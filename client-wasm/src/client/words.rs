//! What a broken recording is told with: what happened, what is safe, what to do.

use crate::capture::Interruption;
use crate::problem::Problem;
use crate::storage::StorageError;

/// Something ended the recording; what was said is a draft.
pub(super) fn interrupted(cause: Interruption) -> Problem {
    let (code, happened, next) = match cause {
        Interruption::Unplugged => (
            "microphone_lost",
            "The microphone was unplugged or switched off.",
            "send it, or plug the microphone in and record again",
        ),
        Interruption::Taken => (
            "microphone_taken",
            "Something else took the microphone, perhaps a phone call.",
            "send it, or record again",
        ),
        Interruption::Stalled => (
            "audio_stopped",
            "The browser stopped listening to the microphone.",
            "send it, or record again",
        ),
        Interruption::Asleep => (
            "device_asleep",
            "This device fell asleep.",
            "send it, or record again",
        ),
    };
    let words = format!("{happened} What you said until then is saved here as a draft: {next}.");
    Problem::new(code, words)
}

/// The recorder failed with this much on disk.
pub(super) fn failed(code: &str, message: &str, saved_ms: u64) -> Problem {
    let full = code == StorageError::Full.code();
    for known in [StorageError::Blocked, StorageError::Outdated] {
        if saved_ms == 0 && code == known.code() {
            return known.into();
        }
    }
    let message = message.trim_end_matches('.');
    let words = match (full, saved_ms) {
        (true, 0) => {
            "This device has no room left, so nothing was recorded. Free some space, then record again."
                .to_owned()
        }
        (true, _) => format!(
            "This device has no room left. What you said until {} is saved here as a draft; free some space before you record again.",
            clock(saved_ms)
        ),
        (false, 0) => format!("Nothing was recorded: {message}. Try again, or write instead."),
        (false, _) => format!(
            "The recorder stopped: {message}. What you said until {} is saved here as a draft: send it, or record again.",
            clock(saved_ms)
        ),
    };
    Problem::new(code, words)
}

/// Not even a few words would fit.
pub(super) fn no_room() -> Problem {
    failed("storage_full", "", 0)
}

/// Minutes and seconds.
fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interruption_says_that_the_words_are_safe_and_what_to_do() {
        for cause in [
            Interruption::Unplugged,
            Interruption::Taken,
            Interruption::Stalled,
            Interruption::Asleep,
        ] {
            let Problem { message, .. } = interrupted(cause);
            assert!(
                message.contains("is saved here as a draft: send it"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_full_device_says_up_to_where_the_message_goes() {
        let told = failed("storage_full", "no room", 65_400);
        assert!(
            told.message.contains("until 1:05 is saved"),
            "{}",
            told.message
        );
    }

    #[test]
    fn nothing_is_said_to_be_saved_where_nothing_was() {
        for code in ["storage_full", "encoder_failed"] {
            let told = failed(code, "it broke.", 0);
            assert!(
                told.message.contains("othing was recorded"),
                "{}",
                told.message
            );
        }
    }
}
