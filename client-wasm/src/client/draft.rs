//! What its user does to a message before it goes up: a title, a cut, and taking it back from the outbox.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use super::Client;
use super::attachment::{not_in_hand, row};
use super::engine::Engine;
use super::promise::promise;
use super::stage::State;
use crate::outbox::uncut;
use crate::problem::Problem;
use crate::storage::{Cut, DepositRow};

#[wasm_bindgen]
impl Client {
    /// Gives a message a title of one line; an empty one takes it away.
    pub fn set_title(&self, deposit_id: String, title: String) -> Promise {
        let title = Some(deposit::text::title(&title)).filter(|title| !title.is_empty());
        let client = self.clone();
        promise(async move {
            let change = change(&client.engine, &deposit_id, |row| row.title = title);
            Ok(change.await?)
        })
    }

    /// Keeps only what lies between these two times of the whole recording: the rest never leaves this device.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn cut(&self, deposit_id: String, from_ms: f64, to_ms: f64) -> Promise {
        let cut = Cut {
            from_ms: from_ms as u64,
            to_ms: to_ms as u64,
        };
        let client = self.clone();
        promise(async move { Ok(cut_to(&client.engine, &deposit_id, cut).await?) })
    }

    /// Brings back the whole recording.
    pub fn uncut(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(change(&client.engine, &deposit_id, |row| row.cut = None).await?) })
    }

    /// Moves title and files of a deleted message to the one that was recorded in its place.
    pub fn carry_over(&self, from: String, to: String) -> Promise {
        let client = self.clone();
        promise(async move {
            let carried = client.engine.database.carry_over(&from, &to).await;
            carried.map_err(Problem::from)?;
            client.engine.outbox.changed();
            Ok(())
        })
    }

    /// Takes a message that waits, or was refused, back into the user's hands.
    pub fn edit(&self, deposit_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(edit(&client.engine, &deposit_id).await?) })
    }
}

async fn change(
    engine: &Engine,
    deposit_id: &str,
    change: impl FnOnce(&mut DepositRow),
) -> Result<(), Problem> {
    let mut is_in_hand = false;
    engine
        .database
        .update_deposit(deposit_id, |row| {
            is_in_hand = row.is_in_hand();
            if is_in_hand {
                change(row);
            }
        })
        .await?;
    engine.outbox.changed();
    is_in_hand.then_some(()).ok_or_else(not_in_hand)
}

/// Only a cut that can be made is noted, so that none is missing when the message goes up.
async fn cut_to(engine: &Engine, deposit_id: &str, cut: Cut) -> Result<(), Problem> {
    let row = row(engine, deposit_id).await?;
    let whole = cut.from_ms == 0 && cut.to_ms >= row.duration_ms;
    let cut = Some(cut).filter(|_| !whole);
    let journal = engine.database.journal(deposit_id).await?;
    let wanted = DepositRow { cut, ..row };
    if wanted.as_sent(journal).is_none() {
        return Err(uncut());
    }
    change(engine, deposit_id, |row| row.cut = cut).await
}

async fn edit(engine: &Engine, deposit_id: &str) -> Result<(), Problem> {
    if engine.stage.is_occupied() {
        return Err(Problem::new(
            "busy",
            "Finish the call or the recording first. The message stays here.",
        ));
    }
    engine.outbox.take_back(deposit_id).await?;
    engine.stage.set_callee(row(engine, deposit_id).await?.to);
    engine.stage.set_deposit(Some(deposit_id.to_owned()));
    engine.stage.enter(State::Review);
    Ok(())
}
