//! How many calls one connection may begin.

use super::FlowState;
use crate::context::Context;

const MINUTE_MS: i64 = 60_000;

impl FlowState {
    /// Counts an INVITE; false when the minute's share is used up. 0 is no limit.
    pub(super) fn may_invite(&mut self, context: &Context<'_>) -> bool {
        let limit = context.settings.limit_invites_per_minute;
        if context.now_ms.saturating_sub(self.minute_ms) >= MINUTE_MS {
            self.minute_ms = context.now_ms;
            self.invites = 0;
        }
        self.invites = self.invites.saturating_add(1);
        limit == 0 || self.invites <= limit
    }
}
