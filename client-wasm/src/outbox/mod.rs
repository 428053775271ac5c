//! The outbox: what the user has sent goes up from any tab and from the service worker, one uploader
//! at a time, as soon as the gate allows; drafts stay. Knows no window.

mod attempt;
mod channel;
mod drain;
mod item;
mod lock;
mod look;
mod proof;
mod refusal;
mod session;
mod shipment;
mod step;
mod uplink;
mod upload;

use core::cell::{Cell, RefCell};
use core::pin::Pin;
use std::rc::{Rc, Weak};

use channel::{Channel, Notice};
pub(crate) use drain::drain;
pub(crate) use item::{OutboxItem, count, number};
use lock::Claim;
pub(crate) use shipment::uncut;
use step::Step;

use crate::client::Listener;
use crate::clock;
use crate::problem::Problem;
use crate::server::{Server, UNCONFIRMED};
use crate::signalling::SessionDesk;
use crate::storage::{Database, DepositRow, RowState, StorageError};
use crate::timer::Timer;

/// Another tab holds the lock: look again after this long.
const LOCKED_MS: u32 = 3_000;
/// The holder of the lock counts as frozen when it has not answered for so long.
const SILENT_MS: i64 = 5_000;
/// The local database failed: look again after this long.
const BROKEN_MS: u32 = 15_000;
/// How long **Undo** is offered after **Delete**.
const UNDO_MS: i64 = 10 * 60_000;

/// What the uploader works with.
pub(crate) struct Parts {
    database: Rc<Database>,
    server: Rc<Server>,
    listener: Listener,
    sessions: SessionDesk,
    gate_mode: RefCell<Option<String>>,
    channel: RefCell<Option<Channel>>,
    known: RefCell<Vec<(String, RowState)>>,
    looked: Cell<bool>,
    refreshing: Cell<bool>,
    refresh_again: Cell<bool>,
    running: Cell<bool>,
    standing_by: Cell<bool>,
    run_again: Cell<bool>,
    sending: Cell<bool>,
    silent_since: Cell<Option<i64>>,
    timer: Timer,
    watcher: RefCell<Option<Watcher>>,
    itself: Weak<Self>,
}

/// Hears of every state a row takes.
type Watcher = Box<dyn Fn(&DepositRow)>;

/// The outbox of one tab or worker; clones share it.
#[derive(Clone)]
pub(crate) struct Outbox {
    parts: Rc<Parts>,
}

impl Outbox {
    /// An outbox that does nothing until it is woken.
    pub(crate) fn new(
        sessions: SessionDesk,
        listener: Listener,
        gate_mode: Option<String>,
    ) -> Self {
        let parts = Rc::new_cyclic(|itself| Parts {
            database: Rc::clone(&sessions.database),
            server: Rc::clone(&sessions.server),
            listener,
            sessions,
            gate_mode: RefCell::new(gate_mode),
            channel: RefCell::new(None),
            known: RefCell::default(),
            looked: Cell::new(false),
            refreshing: Cell::new(false),
            refresh_again: Cell::new(false),
            running: Cell::new(false),
            standing_by: Cell::default(),
            run_again: Cell::new(false),
            sending: Cell::new(false),
            silent_since: Cell::new(None),
            timer: Timer::default(),
            watcher: RefCell::new(None),
            itself: Weak::clone(itself),
        });
        let heard = Rc::downgrade(&parts);
        let channel = Channel::open(move |notice| {
            if let Some(parts) = heard.upgrade() {
                parts.heard(notice);
            }
        });
        drop(parts.channel.replace(Some(channel)));
        Self { parts }
    }

    /// Calls `watcher` whenever a row is in another state than before.
    pub(crate) fn watch(&self, watcher: impl Fn(&DepositRow) + 'static) {
        drop(self.parts.watcher.replace(Some(Box::new(watcher))));
    }

    /// Looks for something to send, now and again until there is nothing.
    pub(crate) fn wake(&self) {
        self.parts.wake();
    }

    /// Ends timers and listeners; a running attempt still writes down what it got.
    pub(crate) fn close(&self) {
        self.parts.timer.clear();
        drop(self.parts.channel.take());
        drop(self.parts.watcher.take());
    }

    /// The network is back: what waited only for it is due at once.
    pub(crate) async fn network_is_back(&self) -> Result<(), Problem> {
        for row in self.parts.sending().await? {
            let code = row.reason_code.as_deref().unwrap_or_default();
            if matches!(
                code,
                "offline" | "network" | "timeout" | "unreachable" | "failing" | UNCONFIRMED
            ) {
                self.parts
                    .change(&row.deposit_id, |row| row.next_try_at = None)
                    .await?;
            }
        }
        self.wake();
        Ok(())
    }

    /// All rows as the page shows them, newest first.
    pub(crate) async fn items(&self) -> Result<Vec<OutboxItem>, Problem> {
        self.parts.items().await
    }

    /// **Send**: from now on it goes up by itself.
    pub(crate) async fn send(&self, deposit_id: &str) -> Result<(), Problem> {
        self.queue(deposit_id, |_| ()).await
    }

    /// **Send anyway**: whatever the gate says.
    pub(crate) async fn send_anyway(&self, deposit_id: &str) -> Result<(), Problem> {
        self.queue(deposit_id, |row| row.send_anyway = true).await
    }

    /// **Edit**: what waits is a draft again. Nothing of it goes up before the next Send.
    pub(crate) async fn take_back(&self, deposit_id: &str) -> Result<(), Problem> {
        let row = self.parts.change(deposit_id, take_back).await?;
        match row.is_in_hand() {
            true => Ok(()),
            false => Err(Problem::new(
                "not_editable",
                "This message is going up or has arrived; it stays as it is.",
            )),
        }
    }

    /// **Delete**: it is gone from the list, and from the device once Undo has passed.
    pub(crate) async fn discard(&self, deposit_id: &str) -> Result<(), Problem> {
        let now = clock::now_ms();
        self.parts
            .change(deposit_id, |row| row.discarded_at = Some(now))
            .await?;
        self.parts.changed();
        Ok(())
    }

    /// **Undo**. Whether it is on its way again, not a draft.
    pub(crate) async fn restore(&self, deposit_id: &str) -> Result<bool, Problem> {
        let row = self
            .parts
            .change(deposit_id, |row| row.discarded_at = None)
            .await?;
        self.parts.changed();
        self.wake();
        Ok(is_sending(&row))
    }

    /// Tells all tabs that something in the outbox changed.
    pub(crate) fn changed(&self) {
        self.parts.changed();
    }

    /// Removes for good what was deleted long enough ago.
    pub(crate) async fn purge(&self) -> Result<(), Problem> {
        let oldest = clock::now_ms().saturating_sub(UNDO_MS);
        for row in self.parts.database.deposits().await? {
            let is_old = |at: i64| at < oldest;
            if row.discarded_at.is_some_and(is_old) {
                self.parts.database.remove_deposit(&row.deposit_id).await?;
            } else if row
                .parts
                .iter()
                .any(|part| part.removed_at.is_some_and(is_old))
            {
                let database = &self.parts.database;
                database.drop_removed_parts(&row.deposit_id, oldest).await?;
            }
        }
        Ok(())
    }

    async fn queue(
        &self,
        deposit_id: &str,
        change: impl FnOnce(&mut DepositRow),
    ) -> Result<(), Problem> {
        let now = clock::now_ms();
        self.parts
            .change(deposit_id, |row| {
                enqueue(row, now);
                change(row);
            })
            .await?;
        self.parts.changed();
        self.wake();
        Ok(())
    }
}

/// The user said to send it. A refused message starts anew, with another session.
fn enqueue(row: &mut DepositRow, now: i64) {
    match row.state {
        RowState::Recording | RowState::Deposited => return,
        RowState::Failed => begin_anew(row),
        _ => {}
    }
    for part in &mut row.parts {
        part.refusal = None;
    }
    row.state = RowState::Queued;
    row.queued_at = row.queued_at.or(Some(now));
    row.next_try_at = None;
    row.reason_code = None;
    row.reason_text = None;
}

/// The user wants to change what waits, or what was refused.
fn take_back(row: &mut DepositRow) {
    match row.state {
        RowState::Recording | RowState::Uploading | RowState::Deposited => return,
        RowState::Failed => begin_anew(row),
        _ => {}
    }
    row.state = RowState::Recorded;
    row.queued_at = None;
    row.next_try_at = None;
    row.send_anyway = false;
    row.reason_code = None;
    row.reason_text = None;
}

/// What was refused is tried again from its first byte, with another session unless a file was the reason.
fn begin_anew(row: &mut DepositRow) {
    if row.parts.iter().all(|part| part.refusal.is_none()) {
        row.session_id = None;
    }
    row.forget_uploads();
    row.failures = 0;
}

/// Whether the user has sent it, and nobody has it yet.
fn is_sending(row: &DepositRow) -> bool {
    let sent = matches!(
        row.state,
        RowState::Queued | RowState::Waiting | RowState::Uploading
    );
    sent && row.discarded_at.is_none()
}

impl Parts {
    /// Rows that the user has sent and that are not with the callee yet.
    async fn sending(&self) -> Result<Vec<DepositRow>, Problem> {
        let rows = self.database.deposits().await?;
        Ok(rows
            .into_iter()
            .filter(|row| is_sending(row) && self.is_ours(row))
            .collect())
    }

    /// Changes a row that is still to be sent; nothing if its user took it back meanwhile.
    async fn change_sending(
        &self,
        deposit_id: &str,
        change: impl FnOnce(&mut DepositRow),
    ) -> Result<Option<DepositRow>, Problem> {
        let mut is_still = false;
        let row = self
            .change(deposit_id, |row| {
                is_still = is_sending(row);
                if is_still {
                    change(row);
                }
            })
            .await?;
        Ok(is_still.then_some(row))
    }

    /// Messages for another server wait for a client of that server.
    fn is_ours(&self, row: &DepositRow) -> bool {
        row.server.is_empty() || row.server == self.server.origin()
    }

    fn change<'a>(
        &'a self,
        deposit_id: &'a str,
        change: impl FnOnce(&mut DepositRow) + 'a,
    ) -> Pin<Box<dyn Future<Output = Result<DepositRow, Problem>> + 'a>> {
        let update = self.database.update_deposit(deposit_id, change);
        Box::pin(self.changed_by(update))
    }

    async fn changed_by(
        &self,
        update: impl Future<Output = Result<DepositRow, StorageError>>,
    ) -> Result<DepositRow, Problem> {
        let row = update.await?;
        self.changed();
        Ok(row)
    }

    fn wake(&self) {
        let Some(parts) = self.itself.upgrade() else {
            return;
        };
        self.timer.clear();
        self.standing_by.set(false);
        if self.running.replace(true) {
            self.run_again.set(true);
            return;
        }
        wasm_bindgen_futures::spawn_local(async move {
            parts.run().await;
            parts.running.set(false);
        });
    }

    /// Step after step until nothing is due, then a timer for what comes next.
    async fn run(&self) {
        loop {
            self.run_again.set(false);
            match self.step().await {
                Some(Ok(Step::Did)) => {}
                Some(Ok(Step::Idle)) if self.run_again.get() => {}
                Some(Ok(Step::WaitUntil(_))) if self.run_again.get() => {}
                Some(Ok(Step::Idle)) => return,
                Some(Ok(Step::WaitUntil(at))) => return self.wake_at(at),
                Some(Err(problem)) => {
                    self.listener.problem(problem);
                    return self.wake_after(BROKEN_MS);
                }
                None => return self.wake_after(LOCKED_MS),
            }
        }
    }

    /// One step under the lock; `None` while another tab holds it, which is then asked for a sign of life.
    async fn step(&self) -> Option<Result<Step, Problem>> {
        let now = clock::now_ms();
        let silent = self.silent_since.get();
        let claim = match silent {
            Some(since) if now.saturating_sub(since) >= SILENT_MS => Claim::FromTheSilent,
            _ => Claim::IfFree,
        };
        let done = lock::with_lock(claim, async {
            self.sending.set(true);
            // Whoever else waits need not take the lock from this one.
            self.tell_others(&Notice::Sending);
            let step = step::take(self).await;
            self.sending.set(false);
            step
        })
        .await;
        self.silent_since.set(match done {
            Some(_) => None,
            None => silent.or(Some(now)),
        });
        if done.is_none() {
            self.tell_others(&Notice::WhoSends);
        }
        done
    }

    fn wake_at(&self, at: i64) {
        let wait = at.saturating_sub(clock::now_ms()).clamp(50, 3_600_000);
        self.wake_after(u32::try_from(wait).unwrap_or(LOCKED_MS));
    }

    fn wake_after(&self, milliseconds: u32) {
        let parts = Weak::clone(&self.itself);
        self.timer.after(milliseconds, move || {
            if let Some(parts) = parts.upgrade() {
                parts.wake();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{DepositRow, RowState, enqueue, take_back};
    use crate::storage::{Attempt, PartRow};

    fn row(state: RowState) -> DepositRow {
        DepositRow {
            state,
            session_id: Some("used".to_owned()),
            upload_url: Some("https://edge.example/deposits/1.0".to_owned()),
            sent: 7,
            failures: 3,
            next_try_at: Some(99),
            ..DepositRow::default()
        }
    }

    #[test]
    fn send_queues_a_draft_at_once_and_keeps_what_was_sent() {
        for state in [RowState::Recorded, RowState::Interrupted, RowState::Waiting] {
            let mut row = row(state);
            enqueue(&mut row, 5);
            assert_eq!(row.state, RowState::Queued);
            assert_eq!((row.queued_at, row.next_try_at), (Some(5), None));
            assert_eq!((row.sent, row.session_id.is_some()), (7, true));
        }
    }

    #[test]
    fn send_of_a_refused_message_starts_anew_with_another_session() {
        let mut row = row(RowState::Failed);
        enqueue(&mut row, 5);
        assert_eq!(row.state, RowState::Queued);
        assert_eq!((row.session_id, row.upload_url), (None, None));
        assert_eq!((row.sent, row.failures), (0, 0));
    }

    #[test]
    fn send_changes_nothing_while_recording_or_after_the_receipt() {
        for state in [RowState::Recording, RowState::Deposited] {
            let mut changed = row(state);
            enqueue(&mut changed, 5);
            assert_eq!(changed, row(state));
        }
    }

    #[test]
    fn send_after_a_refused_file_keeps_the_session() {
        let mut row = row(RowState::Failed);
        row.parts = vec![PartRow {
            refusal: Some("too large".to_owned()),
            upload_url: Some("https://edge.example/deposits/1.1".to_owned()),
            ..PartRow::default()
        }];
        enqueue(&mut row, 5);
        assert_eq!(row.session_id.as_deref(), Some("used"));
        assert_eq!(row.parts, [PartRow::default()], "tried again");
    }

    #[test]
    fn edit_makes_a_draft_of_what_waits_and_leaves_what_goes_up() {
        for state in [RowState::Queued, RowState::Waiting, RowState::Failed] {
            let mut row = row(state);
            row.attempts = vec![Attempt::default()];
            take_back(&mut row);
            assert!(row.is_in_hand() && row.state == RowState::Recorded);
            assert_eq!((row.next_try_at, row.queued_at), (None, None));
            assert_eq!(row.attempts.len(), 1, "what began before is not forgotten");
        }
        for state in [RowState::Uploading, RowState::Deposited] {
            let mut changed = row(state);
            take_back(&mut changed);
            assert_eq!(changed, row(state));
        }
    }

    #[test]
    fn sending_again_keeps_the_place_in_the_queue() {
        let mut row = row(RowState::Waiting);
        row.queued_at = Some(1);
        enqueue(&mut row, 5);
        assert_eq!(row.queued_at, Some(1));
    }
}
