//! One call of this page, ours or somebody else's.

use sip::call::Call;
use sip::call::event::Event as CallEvent;
use sip::user_agent::event::CallHandle;

use super::connection::Agent;
use crate::clock;
use crate::queue::Queue;

/// Why a call is ended here: the `Reason` of its BYE or CANCEL (RFC 3326, cause values of Q.850).
#[derive(Clone, Copy)]
pub(crate) enum Farewell {
    /// Somebody has hung up.
    HungUp,
    /// The page was left.
    Left,
    /// Nothing comes through to the other side any more.
    Lost,
    /// It went wrong here.
    Failed,
}

impl Farewell {
    const fn reason(self) -> &'static str {
        match self {
            Self::HungUp => "Q.850;cause=16;text=\"Normal call clearing\"",
            Self::Left => "Q.850;cause=16;text=\"Page left\"",
            Self::Lost => "Q.850;cause=41;text=\"Connection lost\"",
            Self::Failed => "Q.850;cause=31;text=\"Call failed\"",
        }
    }
}

/// One call. Dropping it hangs up.
pub(crate) struct Conversation {
    agent: Agent,
    handle: CallHandle,
    events: Queue<CallEvent>,
}

impl Conversation {
    pub(super) fn new(agent: Agent, handle: CallHandle, events: Queue<CallEvent>) -> Self {
        Self {
            agent,
            handle,
            events,
        }
    }

    /// What happens in the call, in order.
    pub(crate) fn events(&self) -> Queue<CallEvent> {
        self.events.clone()
    }

    /// Does something with the call as crate `sip` offers it; nothing where it is over.
    pub(crate) fn command<Outcome>(
        &self,
        command: impl FnOnce(&mut Call, i64) -> Outcome,
    ) -> Option<Outcome> {
        let now = clock::now_ms();
        self.agent
            .command(|rules| rules.command(self.handle, |call| command(call, now)))
    }

    /// Answers an INFO with 200.
    pub(crate) fn accept_info(&self, id: u32) {
        self.command(|call, _| call.accept_info(id));
    }

    /// Refuses an INFO.
    pub(crate) fn reject_info(&self, id: u32, status: u16) {
        self.command(|call, _| call.reject_info(id, status));
    }

    /// Sends an INFO.
    pub(crate) fn send_info(&self, content_type: &str, body: &[u8]) {
        self.command(|call, now| call.send_info(content_type, body, now));
    }

    /// Rejects a call that came.
    pub(crate) fn reject(&self, status: u16) {
        let now = clock::now_ms();
        self.agent
            .command(|rules| rules.reject(self.handle, status, now));
    }

    /// Ends the call whatever its state.
    pub(crate) fn hang_up(&self, farewell: Farewell) {
        self.command(|call, now| call.hang_up(Some(farewell.reason()), None, now));
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.hang_up(Farewell::Failed);
        self.agent.forget(self.handle);
    }
}
