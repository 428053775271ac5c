//! Whom messages are for: the address that was dialled, or whoever answered there because the call was sent on.

/// Somebody who answered, as the server vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    /// `sip:user@host`.
    pub(crate) address: String,
    /// What the server calls him.
    pub(crate) name: Option<String>,
}

/// Whom the call element is about.
#[derive(Debug, Default)]
pub(super) struct Callee {
    dialled: Option<String>,
    answered: Option<Party>,
}

impl Callee {
    /// An address is dialled, or chosen without a call.
    pub(super) fn choose(&mut self, address: Option<String>) {
        self.dialled = address;
        self.answered = None;
    }

    /// Somebody has answered the call to the address dialled.
    pub(super) fn answered_by(&mut self, party: Party) {
        self.answered = Some(party);
    }

    /// The call is over, and so is what came of it.
    pub(super) fn forget_answer(&mut self) {
        self.answered = None;
    }

    /// The address dialled last.
    pub(super) fn dialled(&self) -> Option<String> {
        self.dialled.clone()
    }

    /// Who answered in its place.
    pub(super) fn answered(&self) -> Option<Party> {
        self.answered.clone()
    }

    /// Whom messages are for now.
    pub(super) fn address(&self) -> Option<String> {
        match &self.answered {
            Some(party) => Some(party.address.clone()),
            None => self.dialled.clone(),
        }
    }

    /// His name, where the server told it.
    pub(super) fn name(&self) -> Option<String> {
        self.answered.as_ref().and_then(|party| party.name.clone())
    }

    /// Whom a message is for that is begun for this address, or for nobody in particular: whoever says the address
    /// dialled means whoever answered there.
    pub(super) fn meant(&mut self, said: Option<String>) -> Option<String> {
        if said.is_some() && said != self.dialled {
            self.turn_to(said);
        }
        self.address()
    }

    /// It is about this very address from now on, whoever was dialled.
    pub(super) fn turn_to(&mut self, address: Option<String>) {
        if address != self.address() {
            self.choose(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Callee, Party};

    const BOB: &str = "sip:bob@example.com";
    const CAROL: &str = "sip:carol@example.com";
    const DAVE: &str = "sip:dave@example.com";

    fn some(address: &str) -> Option<String> {
        Some(address.to_owned())
    }

    /// Bob was dialled, and Carol's voicemail answered.
    fn sent_on() -> Callee {
        let mut callee = Callee::default();
        callee.choose(some(BOB));
        callee.answered_by(Party {
            address: CAROL.to_owned(),
            name: some("Carol"),
        });
        callee
    }

    #[test]
    fn messages_are_for_whoever_answered_until_somebody_else_is_named() {
        for (said, meant) in [
            (None, CAROL),
            (Some(BOB), CAROL),
            (Some(CAROL), CAROL),
            (Some(DAVE), DAVE),
        ] {
            let mut callee = sent_on();
            let said = said.map(str::to_owned);
            assert_eq!(callee.meant(said.clone()), some(meant), "{said:?}");
            assert_eq!(callee.address(), some(meant), "{said:?}");
            let name = (meant == CAROL).then(|| "Carol".to_owned());
            assert_eq!(callee.name(), name, "{said:?}");
        }
    }

    #[test]
    fn after_another_one_was_named_the_address_dialled_means_itself() {
        let mut callee = sent_on();
        callee.meant(some(DAVE));
        assert_eq!(callee.meant(some(BOB)), some(BOB));
        let mut callee = sent_on();
        callee.forget_answer();
        assert_eq!(callee.meant(some(BOB)), some(BOB));
        let mut callee = sent_on();
        callee.choose(some(BOB));
        assert_eq!(callee.meant(None), some(BOB), "called once more");
    }

    #[test]
    fn what_is_recorded_anew_stays_for_whom_it_was() {
        for (address, name) in [(BOB, None), (CAROL, some("Carol")), (DAVE, None)] {
            let mut callee = sent_on();
            callee.turn_to(some(address));
            assert_eq!((callee.address(), callee.name()), (some(address), name));
        }
    }

    #[test]
    fn without_any_call_it_is_whoever_the_page_names() {
        let mut callee = Callee::default();
        assert_eq!(callee.meant(None), None);
        assert_eq!(callee.meant(some(DAVE)), some(DAVE));
        assert_eq!(callee.meant(None), some(DAVE));
    }
}
