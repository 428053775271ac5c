//! The sound of a recorded video as a message of its own (D17): the same packets, without the picture.

use js_sys::Promise;
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

use super::Client;
use super::attachment::{not_in_hand, row};
use super::engine::Engine;
use super::means::OWN_TYPE;
use super::promise::promise;
use super::recording::review;
use crate::capture::Kind;
use crate::clock;
use crate::problem::Problem;
use crate::storage::{DepositRow, RowState};

/// By so much the recorder's clock may be ahead of the sound.
const CLOCK_MS: u64 = 1_500;

#[wasm_bindgen]
impl Client {
    /// Puts the sound of a recorded video, which the voice module took out of its file as Ogg Opus, in a draft of its
    /// own and deletes the video. Fulfilled with the draft's deposit id; `keep_video` takes it back for ten minutes.
    pub fn keep_sound(&self, deposit_id: String, sound: Vec<u8>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(keep_sound(&client.engine, &deposit_id, &sound).await?) })
    }

    /// Takes back `keep_sound`: the video is the draft in hand again.
    pub fn keep_video(&self, sound_id: String, video_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(keep_video(&client.engine, &sound_id, &video_id).await?) })
    }
}

async fn keep_sound(engine: &Engine, video_id: &str, sound: &[u8]) -> Result<String, Problem> {
    refuse_while_busy(engine)?;
    let video = row(engine, video_id).await?;
    if !video.is_in_hand() || video.kind != Kind::Video.word() {
        return Err(not_in_hand());
    }
    let draft = DepositRow {
        duration_ms: whole(voice::duration_ms(sound), video.duration_ms)?,
        sha256: Some(deposit::hex(&Sha256::digest(sound))),
        deposit_id: clock::uuid()?,
        ..sound_of(video)
    };
    // The sound is on disk before the video goes.
    let draft = engine.database.begin_journal(&draft, sound).await?;
    replace(engine, video_id, draft).await
}

async fn keep_video(engine: &Engine, sound_id: &str, video_id: &str) -> Result<(), Problem> {
    refuse_while_busy(engine)?;
    if !row(engine, sound_id).await?.is_in_hand() {
        return Err(not_in_hand());
    }
    engine.outbox.restore(video_id).await?;
    let video = row(engine, video_id).await?;
    replace(engine, sound_id, video).await?;
    Ok(())
}

/// How long the sound is, where it is all of the video's: what it lacks would go with the video.
fn whole(sound_ms: Option<u64>, video_ms: u64) -> Result<u64, Problem> {
    let sound_ms = sound_ms.filter(|&ms| ms > 0).ok_or_else(soundless)?;
    match sound_ms.saturating_add(CLOCK_MS) < video_ms {
        true => Err(cut_short()),
        false => Ok(sound_ms),
    }
}

/// A draft takes another one's place, with its title and files.
async fn replace(engine: &Engine, gone_id: &str, draft: DepositRow) -> Result<String, Problem> {
    engine.outbox.discard(gone_id).await?;
    let id = draft.deposit_id;
    engine.database.carry_over(gone_id, &id).await?;
    engine.stage.set_deposit(Some(id.clone()));
    review(engine, id.clone(), draft.duration_ms, draft.waveform);
    engine.outbox.changed();
    Ok(id)
}

/// The row of a video's sound, but for what is its own.
fn sound_of(video: DepositRow) -> DepositRow {
    DepositRow {
        state: RowState::Recorded,
        kind: Kind::Voice.word().to_owned(),
        content_type: OWN_TYPE.to_owned(),
        to: video.to,
        to_name: video.to_name,
        server: video.server,
        session_id: video.session_id,
        created_at: video.created_at,
        waveform: video.waveform,
        ..DepositRow::default()
    }
}

fn refuse_while_busy(engine: &Engine) -> Result<(), Problem> {
    if !engine.stage.is_occupied() {
        return Ok(());
    }
    Err(Problem::new(
        "busy",
        "Finish the call or the recording first. The message stays here.",
    ))
}

fn soundless() -> Problem {
    Problem::new(
        "no_sound",
        "There is no sound in this video that can be taken out of it. Send it as it is, or press Re-record.",
    )
}

fn cut_short() -> Problem {
    Problem::new(
        "sound_incomplete",
        "Only a part of the sound can be taken out of this video, so the video is kept. Send it as it is, or press Re-record.",
    )
}

#[cfg(test)]
mod tests {
    use super::{DepositRow, RowState, sound_of, whole};
    use crate::storage::PartRow;

    #[test]
    fn a_video_goes_only_where_all_of_its_sound_stays() {
        for (sound_ms, kept) in [
            (Some(10_000), Ok(10_000)),
            (Some(10_300), Ok(10_300)),
            (Some(8_500), Ok(8_500)),
            (Some(8_499), Err("sound_incomplete")),
            (Some(1), Err("sound_incomplete")),
            (Some(0), Err("no_sound")),
            (None, Err("no_sound")),
        ] {
            let told = whole(sound_ms, 10_000).map_err(|problem| problem.code);
            assert_eq!(told, kept.map_err(str::to_owned), "{sound_ms:?}");
        }
    }

    #[test]
    fn the_sound_goes_to_whom_the_video_was_for_and_begins_its_own_way() {
        let video = DepositRow {
            deposit_id: "video".to_owned(),
            state: RowState::Failed,
            kind: "video".to_owned(),
            content_type: "video/webm".to_owned(),
            to: "sip:bob@example.com".to_owned(),
            session_id: Some("session".to_owned()),
            created_at: 7,
            waveform: vec![1, 2],
            upload_url: Some("/deposits/1".to_owned()),
            sent: 5,
            failures: 3,
            reason_code: Some("quota".to_owned()),
            parts: vec![PartRow::default()],
            ..DepositRow::default()
        };
        let expected = DepositRow {
            state: RowState::Recorded,
            kind: "voice".to_owned(),
            content_type: "audio/ogg; codecs=opus".to_owned(),
            to: video.to.clone(),
            session_id: video.session_id.clone(),
            created_at: 7,
            waveform: vec![1, 2],
            ..DepositRow::default()
        };
        assert_eq!(sound_of(video), expected);
    }
}
