//! What the tabs see of the outbox: rows are read anew after every change, and the page hears of rows
//! that took another state, whoever changed them.

use super::channel::Notice;
use super::item::OutboxItem;
use super::{LOCKED_MS, Parts, is_sending};
use crate::capture::living;
use crate::client::ClientEvent;
use crate::problem::Problem;
use crate::storage::{DepositRow, RowState};

impl Parts {
    /// All rows as the page shows them, newest first.
    pub(super) async fn items(&self) -> Result<Vec<OutboxItem>, Problem> {
        let rows = self.rows().await?;
        self.items_of(&rows).await
    }

    async fn rows(&self) -> Result<Vec<DepositRow>, Problem> {
        let mut rows = self.database.deposits().await?;
        // Recorders die without a word, and a full device cannot even write that down.
        if rows.iter().any(|row| row.state == RowState::Recording) {
            let living = living().await.unwrap_or_default();
            for row in &mut rows {
                let is_dead = row.state == RowState::Recording && !living.contains(&row.deposit_id);
                row.state = if is_dead {
                    RowState::Interrupted
                } else {
                    row.state
                };
            }
        }
        rows.sort_by_key(|row| core::cmp::Reverse(row.created_at));
        Ok(rows)
    }

    async fn items_of(&self, rows: &[DepositRow]) -> Result<Vec<OutboxItem>, Problem> {
        let sessions = self.database.sessions().await?;
        let end = |row: &DepositRow| {
            let id = row.session_id.as_ref()?;
            let session = sessions.iter().find(|session| session.id == *id)?;
            session.expires_at
        };
        Ok(rows
            .iter()
            .map(|row| OutboxItem::new(row, end(row)))
            .collect())
    }

    /// A row changed: this tab looks again, and all others are told.
    pub(super) fn changed(&self) {
        self.tell(Notice::Outbox);
    }

    /// Tells this tab and all others.
    pub(super) fn tell(&self, notice: Notice) {
        self.tell_others(&notice);
        self.heard(notice);
    }

    /// Tells all others.
    pub(super) fn tell_others(&self, notice: &Notice) {
        if let Some(channel) = self.channel.borrow().as_ref() {
            channel.tell(notice);
        }
    }

    /// This or another tab has told something.
    pub(super) fn heard(&self, notice: Notice) {
        match notice {
            Notice::Outbox => self.refresh(),
            Notice::WhoSends if self.sending.get() => self.tell_others(&Notice::Sending),
            Notice::WhoSends => {}
            Notice::Sending => self.silent_since.set(None),
            Notice::Progress {
                deposit_id,
                sent,
                total,
            } => self.listener.emit(ClientEvent::Progress {
                deposit_id,
                sent,
                total,
            }),
        }
    }

    /// Reads the rows anew and tells the page; requests that come meanwhile are served by one more look.
    fn refresh(&self) {
        let Some(parts) = self.itself.upgrade() else {
            return;
        };
        if self.refreshing.replace(true) {
            self.refresh_again.set(true);
            return;
        }
        wasm_bindgen_futures::spawn_local(async move {
            loop {
                parts.refresh_again.set(false);
                if let Err(problem) = parts.look().await {
                    parts.listener.problem(problem);
                }
                if !parts.refresh_again.get() {
                    break;
                }
            }
            parts.refreshing.set(false);
        });
    }

    async fn look(&self) -> Result<(), Problem> {
        let rows = self.rows().await?;
        let items = self.items_of(&rows).await?;
        self.listener.emit(ClientEvent::Outbox { items });
        if rows.iter().any(|row| is_sending(row) && self.is_ours(row)) {
            self.stand_by();
        }
        let first_look = !self.looked.replace(true);
        for row in &rows {
            self.compare(row, first_look);
        }
        Ok(())
    }

    /// Something is to be sent, perhaps by another tab: this one takes over if that one falls silent.
    fn stand_by(&self) {
        if !self.running.get() && !self.standing_by.replace(true) {
            self.wake_after(LOCKED_MS);
        }
    }

    /// Keeps the row's state, and says what it was before.
    fn note(&self, row: &DepositRow) -> Option<RowState> {
        let mut known = self.known.borrow_mut();
        if let Some((_, state)) = known.iter_mut().find(|(id, _)| *id == row.deposit_id) {
            return Some(core::mem::replace(state, row.state));
        }
        known.push((row.deposit_id.clone(), row.state));
        None
    }

    fn compare(&self, row: &DepositRow, first_look: bool) {
        let before = self.note(row);
        if before == Some(row.state) || first_look {
            return;
        }
        if let Some(watcher) = self.watcher.borrow().as_ref() {
            watcher(row);
        }
        if row.state == RowState::Deposited {
            self.listener.emit(ClientEvent::Deposited {
                deposit_id: row.deposit_id.clone(),
                receipt: row.receipt.clone().unwrap_or_default(),
                message_id: row.message_id.clone().unwrap_or_default(),
            });
        }
    }
}
