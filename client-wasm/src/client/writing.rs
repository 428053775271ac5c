//! Writing a message instead of speaking it: a draft in the same journal, which only **Send** sends. Needs
//! neither microphone nor session nor network.

use std::rc::Rc;

use deposit::tus::MAX_TEXT_BYTES;
use sha2::{Digest, Sha256};

use super::engine::Engine;
use super::stage::State;
use super::{call, recording, room};
use crate::problem::Problem;
use crate::storage::{DepositRow, RowState, WRITTEN};

const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Stores the first words of a message and returns its deposit id.
pub(super) async fn begin(
    engine: &Rc<Engine>,
    text: &str,
    to: Option<String>,
) -> Result<String, Problem> {
    check_length(text)?;
    if is_blank(text) {
        return Err(empty());
    }
    if engine.stage.is_occupied() || engine.recorder.borrow().is_some() {
        return Err(Problem::new(
            "busy",
            "Finish the call or the recording first.",
        ));
    }
    let to = recording::callee(engine, to)?;
    // Who writes has heard enough of the greeting, and does not speak.
    call::hang_up(engine);
    engine.stage.release_microphone();
    let row = DepositRow {
        state: RowState::Recorded,
        kind: WRITTEN.to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        sha256: Some(hash(text)),
        ..recording::row(engine, &to)?
    };
    let row = engine.database.begin_journal(&row, text.as_bytes()).await?;
    show(engine, &row.deposit_id);
    room::keep_on_disk(&engine.listener);
    Ok(row.deposit_id)
}

/// Stores the words of a draft as they are now. They may be none while somebody starts anew.
pub(super) async fn rewrite(engine: &Engine, deposit_id: &str, text: &str) -> Result<(), Problem> {
    check_length(text)?;
    let sha256 = hash(text);
    let rewritten = engine
        .database
        .rewrite_words(deposit_id, text.as_bytes(), |row| row.sha256 = Some(sha256))
        .await?;
    if rewritten.is_none() {
        return Err(Problem::new(
            "not_a_draft",
            "This message was sent or deleted already; its words stay as they are.",
        ));
    }
    show(engine, deposit_id);
    Ok(())
}

/// The words of a written message; none once they have left the device.
pub(super) async fn text(engine: &Engine, deposit_id: &str) -> Result<String, Problem> {
    let journal = engine.database.journal(deposit_id).await?;
    String::from_utf8(journal)
        .map_err(|_| Problem::new("not_a_text", "This message was spoken, not written."))
}

/// A message without a word is not sent.
pub(super) async fn refuse_blank(engine: &Engine, deposit_id: &str) -> Result<(), Problem> {
    match engine.database.deposit(deposit_id).await? {
        Some(row) if row.is_written_draft() && is_blank(&text(engine, deposit_id).await?) => {
            Err(empty())
        }
        _ => Ok(()),
    }
}

/// The stage shows the draft that is being written, unless a call or a recording goes on.
fn show(engine: &Engine, deposit_id: &str) {
    if !engine.stage.is_occupied() {
        engine.stage.set_deposit(Some(deposit_id.to_owned()));
        engine.stage.enter(State::Review);
    }
    engine.outbox.changed();
}

fn check_length(text: &str) -> Result<(), Problem> {
    if text.len() as u64 <= MAX_TEXT_BYTES {
        return Ok(());
    }
    Err(Problem::new(
        "text_too_long",
        "A message has room for 16 kB of text. What was written before is saved.",
    ))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn empty() -> Problem {
    Problem::new(
        "text_empty",
        "There is nothing to send yet. Write something first.",
    )
}

fn hash(text: &str) -> String {
    deposit::hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT_BYTES, check_length, hash, is_blank};

    #[test]
    fn a_text_is_measured_in_bytes_of_utf_8() {
        let longest = usize::try_from(MAX_TEXT_BYTES).unwrap();
        assert!(check_length(&"a".repeat(longest)).is_ok());
        assert!(check_length(&"ä".repeat(longest / 2)).is_ok());
        let refusal = check_length(&"ä".repeat(longest / 2 + 1)).unwrap_err();
        assert_eq!(refusal.code, "text_too_long");
    }

    #[test]
    fn spaces_are_no_message() {
        assert!(is_blank(" \n\t\u{a0}"));
        assert!(!is_blank(" . "));
    }

    #[test]
    fn a_hash_is_the_one_that_a_receipt_names() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash(""), empty);
    }
}
