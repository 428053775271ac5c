//! What happens on the page right now: the state word, the callee, the running call and its microphone.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use super::callee::{Callee, Party};
use super::talk::Talk;
use crate::client::{ClientEvent, Listener};
use crate::media::Microphone;
use crate::signalling::{Conversation, Farewell};
use crate::storage::{DepositRow, RowState, SessionRow};
use crate::timer::Timer;

/// A microphone that nobody speaks into is let go after this long.
const MICROPHONE_MS: u32 = 60_000;

/// The element's states (interface section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing goes on.
    Idle,
    /// The call was placed.
    Calling,
    /// It rings.
    Ringing,
    /// The callee answered.
    Talking,
    /// The voicemail answered.
    Greeting,
    /// The call is over.
    Ended,
    /// The recorder is open.
    Ready,
    /// Sound is being written.
    Recording,
    /// The recorder holds.
    Paused,
    /// A draft is there.
    Review,
    /// Sent by the user.
    Queued,
    /// Held back.
    Waiting,
    /// Going up.
    Uploading,
    /// In the mailbox.
    Deposited,
    /// Refused.
    Failed,
}

impl State {
    /// The word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Calling => "calling",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Greeting => "greeting",
            Self::Ended => "ended",
            Self::Ready => "ready",
            Self::Recording => "recording",
            Self::Paused => "paused",
            Self::Review => "review",
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Uploading => "uploading",
            Self::Deposited => "deposited",
            Self::Failed => "failed",
        }
    }

    /// Whether the stage shows a message on its way rather than a call or a recorder.
    fn is_sending(self) -> bool {
        matches!(
            self,
            Self::Review | Self::Queued | Self::Waiting | Self::Uploading | Self::Failed
        )
    }

    fn of(row: RowState) -> Option<Self> {
        match row {
            RowState::Queued => Some(Self::Queued),
            RowState::Waiting => Some(Self::Waiting),
            RowState::Uploading => Some(Self::Uploading),
            RowState::Deposited => Some(Self::Deposited),
            RowState::Failed => Some(Self::Failed),
            RowState::Recording | RowState::Interrupted | RowState::Recorded => None,
        }
    }
}

/// The state word and what belongs to it.
pub(crate) struct Stage {
    listener: Listener,
    state: Cell<State>,
    callee: RefCell<Callee>,
    deposit: RefCell<Option<String>>,
    session: RefCell<Option<SessionRow>>,
    conversation: RefCell<Option<Rc<Conversation>>>,
    talk: RefCell<Option<Rc<Talk>>>,
    /// Who called us, and how he names himself.
    party: RefCell<Option<(String, Option<String>)>>,
    microphone: Rc<RefCell<Option<Rc<Microphone>>>>,
    microphone_timer: Timer,
    greeting_over: Cell<bool>,
    /// Until when the voicemail dialled last may call back.
    call_back_until: Cell<i64>,
    generation: Cell<u32>,
    /// Gives up waiting for the voicemail's BYE.
    pub(crate) farewell: Timer,
}

impl Stage {
    /// An idle stage.
    pub(crate) fn new(listener: Listener, to: Option<String>) -> Self {
        let mut callee = Callee::default();
        callee.choose(to);
        Self {
            listener,
            state: Cell::new(State::Idle),
            callee: RefCell::new(callee),
            deposit: RefCell::new(None),
            session: RefCell::new(None),
            conversation: RefCell::new(None),
            talk: RefCell::new(None),
            party: RefCell::new(None),
            microphone: Rc::default(),
            microphone_timer: Timer::default(),
            greeting_over: Cell::new(false),
            call_back_until: Cell::new(0),
            generation: Cell::new(0),
            farewell: Timer::default(),
        }
    }

    /// The state now.
    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    /// Takes a state and says so, unless it is the same.
    pub(crate) fn enter(&self, state: State) {
        if self.state.replace(state) == state {
            return;
        }
        // The next call goes to the address dialled, whoever answered there before.
        if state == State::Idle {
            self.callee.borrow_mut().forget_answer();
        }
        let (to, display_name) = match self.party.borrow().clone() {
            Some((party, name)) => (Some(party), name),
            None => (self.callee(), self.callee.borrow().name()),
        };
        self.listener.emit(ClientEvent::State {
            state: state.word(),
            to,
            display_name,
        });
        if state == State::Idle {
            self.party.take();
        }
    }

    /// Begins a call; the number tells it from all others.
    pub(crate) fn begin(&self, callee: &str) -> u32 {
        self.party.take();
        self.callee.borrow_mut().choose(Some(callee.to_owned()));
        self.session.replace(None);
        self.deposit.replace(None);
        self.greeting_over.set(false);
        self.farewell.clear();
        self.generation.set(self.generation.get().wrapping_add(1));
        self.enter(State::Calling);
        self.generation.get()
    }

    /// Takes a call that came; the number tells it from all others.
    pub(crate) fn join(&self, party: &str, display_name: Option<&str>) -> u32 {
        self.leave();
        self.deposit.replace(None);
        let name = display_name.map(ToOwned::to_owned);
        self.party.replace(Some((party.to_owned(), name)));
        self.generation.get()
    }

    /// The voicemail dialled last may call back until then.
    pub(crate) fn expect_call_back(&self, until_ms: i64) {
        self.call_back_until.set(until_ms);
    }

    /// Whether it still may; once.
    pub(crate) fn expects_call_back(&self, now_ms: i64) -> bool {
        self.call_back_until.replace(0) >= now_ms
    }

    /// Whether this call still is the one on the stage.
    pub(crate) fn is_current(&self, generation: u32) -> bool {
        self.generation.get() == generation
    }

    /// No call is the current one any more.
    pub(crate) fn leave(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
        self.farewell.clear();
        self.set_talk(None);
        if let Some(conversation) = self.conversation.take() {
            conversation.hang_up(Farewell::HungUp);
        }
    }

    /// The page goes: who talks to us hears it now, not when nothing comes any more.
    pub(crate) fn leave_talk(&self) {
        if self.talk.borrow().is_some() {
            if let Some(conversation) = self.conversation() {
                conversation.hang_up(Farewell::Left);
            }
            self.leave();
            self.enter(State::Idle);
        }
    }

    /// The call with a person that goes on.
    pub(super) fn talk(&self) -> Option<Rc<Talk>> {
        self.talk.borrow().clone()
    }

    /// A call with a person goes on from now on, or none does.
    pub(super) fn set_talk(&self, talk: Option<Rc<Talk>>) {
        if let Some(over) = self.talk.replace(talk) {
            over.fall_silent();
        }
    }

    /// Whom messages are for: the address dialled last, or whoever answered there.
    pub(crate) fn callee(&self) -> Option<String> {
        self.callee.borrow().address()
    }

    /// The address dialled last.
    pub(crate) fn dialled(&self) -> Option<String> {
        self.callee.borrow().dialled()
    }

    /// Who answered in the place of the address dialled last.
    pub(crate) fn answerer(&self) -> Option<Party> {
        self.callee.borrow().answered()
    }

    /// What the server calls whoever answered, if messages for this address are for him.
    pub(crate) fn name_of(&self, address: &str) -> Option<String> {
        let is_about = self.callee().as_deref() == Some(address);
        self.callee.borrow().name().filter(|_| is_about)
    }

    /// Somebody has answered the call on the stage: messages are for him from now on.
    pub(crate) fn answered_by(&self, party: Party) {
        self.callee.borrow_mut().answered_by(party);
    }

    /// Whom a message is for that is begun for this address, or for whoever was called last.
    pub(crate) fn meant(&self, said: Option<String>) -> Option<String> {
        self.callee.borrow_mut().meant(said)
    }

    /// Messages are for this very address from now on.
    pub(crate) fn set_callee(&self, callee: String) {
        self.callee.borrow_mut().turn_to(Some(callee));
    }

    /// The session of the last call.
    pub(crate) fn session(&self) -> Option<SessionRow> {
        self.session.borrow().clone()
    }

    /// Keeps the session of a call, and who answered as it says; not where that call is not the one on the stage any
    /// more: what is said there now is for somebody else.
    pub(crate) fn take_session(&self, generation: u32, session: &SessionRow) -> bool {
        if !self.is_current(generation) {
            return false;
        }
        let is_callee = self.callee().as_ref() == Some(&session.dialled);
        if is_callee && session.called_party != session.dialled {
            self.answered_by(Party {
                address: session.called_party.clone(),
                name: Some(session.display_name.clone()).filter(|name| !name.is_empty()),
            });
        }
        self.session.replace(Some(session.clone()));
        true
    }

    /// The running call.
    pub(crate) fn conversation(&self) -> Option<Rc<Conversation>> {
        self.conversation.borrow().clone()
    }

    /// Keeps or forgets the running call.
    pub(crate) fn set_conversation(&self, conversation: Option<Rc<Conversation>>) {
        if conversation.is_none() {
            self.set_talk(None);
        }
        drop(self.conversation.replace(conversation));
    }

    /// Whether the greeting was heard or skipped.
    pub(crate) fn is_greeting_over(&self) -> bool {
        self.greeting_over.get()
    }

    /// The greeting was heard or skipped.
    pub(crate) fn end_greeting(&self) {
        self.greeting_over.set(true);
    }

    /// The open microphone.
    pub(crate) fn microphone(&self) -> Option<Rc<Microphone>> {
        self.microphone
            .borrow()
            .clone()
            .filter(|microphone| microphone.is_live())
    }

    /// Keeps a microphone for the call and the recorder; it is let go when nobody uses it in time.
    pub(crate) fn keep_microphone(&self, microphone: Rc<Microphone>) {
        self.microphone_timer.clear();
        drop(self.microphone.replace(Some(microphone)));
    }

    /// Lets the microphone go soon, unless somebody records.
    pub(crate) fn release_microphone_soon(&self) {
        let slot = Rc::clone(&self.microphone);
        self.microphone_timer
            .after(MICROPHONE_MS, move || drop(slot.take()));
    }

    /// Lets the microphone go: its tracks stop with the last user.
    pub(crate) fn release_microphone(&self) {
        self.microphone_timer.clear();
        drop(self.microphone.take());
    }

    /// The message the state word speaks of.
    pub(crate) fn set_deposit(&self, deposit_id: Option<String>) {
        self.deposit.replace(deposit_id);
    }

    /// The message the state word speaks of.
    pub(crate) fn deposit(&self) -> Option<String> {
        self.deposit.borrow().clone()
    }

    /// Whether a call is being placed or goes on.
    pub(crate) fn is_in_call(&self) -> bool {
        matches!(
            self.state.get(),
            State::Calling | State::Ringing | State::Talking | State::Greeting
        )
    }

    /// Whether somebody is in a call or speaks into the recorder. A greeting can be left at any time.
    pub(crate) fn is_occupied(&self) -> bool {
        matches!(
            self.state.get(),
            State::Calling | State::Ringing | State::Talking | State::Recording | State::Paused
        )
    }

    /// Whether the state word speaks of a draft or of a message on its way.
    pub(crate) fn is_about_message(&self) -> bool {
        self.state.get().is_sending() || self.state.get() == State::Deposited
    }

    /// The user has sent this message: the stage shows how it fares, unless something else goes on.
    pub(crate) fn show_sending(&self, deposit_id: &str) {
        let is_free = matches!(self.state.get(), State::Idle | State::Ready | State::Ended);
        if is_free || self.is_about_message() {
            self.set_deposit(Some(deposit_id.to_owned()));
            self.enter(State::Queued);
        }
    }

    /// A row of the outbox took another state.
    pub(crate) fn follow(&self, row: &DepositRow) {
        let is_shown = self.deposit.borrow().as_ref() == Some(&row.deposit_id);
        if !is_shown || !self.state.get().is_sending() {
            return;
        }
        if let Some(state) = State::of(row.state) {
            self.enter(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use deposit::state::DepositState;

    use super::{Listener, RowState, SessionRow, Stage, State};

    #[test]
    fn a_session_that_comes_after_the_next_call_was_placed_changes_nothing_there() {
        let (bob, carol) = ("sip:bob@example.com", "sip:carol@example.com");
        let stage = Stage::new(Listener::silent(), None);
        let first = stage.begin(bob);
        let session = SessionRow {
            dialled: bob.to_owned(),
            called_party: carol.to_owned(),
            ..SessionRow::default()
        };
        stage.leave();
        let second = stage.begin(bob);
        assert!(!stage.take_session(first, &session));
        assert_eq!(stage.callee().as_deref(), Some(bob));
        assert_eq!(stage.session(), None);
        assert!(stage.take_session(second, &session));
        assert_eq!(stage.callee().as_deref(), Some(carol));
        assert_eq!(stage.session(), Some(session));
    }

    #[test]
    fn the_element_says_of_a_sent_row_what_the_table_of_states_says() {
        for row in [
            RowState::Queued,
            RowState::Waiting,
            RowState::Uploading,
            RowState::Deposited,
            RowState::Failed,
        ] {
            let words = DepositState::from_client(row.word()).unwrap().words();
            assert_eq!(State::of(row).unwrap().word(), words.element);
        }
    }

    #[test]
    fn drafts_never_move_the_stage_by_themselves() {
        for row in [
            RowState::Recording,
            RowState::Interrupted,
            RowState::Recorded,
        ] {
            assert_eq!(State::of(row), None);
        }
    }
}
