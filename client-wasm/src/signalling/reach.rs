//! Whether calls ring on this page: judged anew after all that happens, told when it changes. Only what the
//! registrar has confirmed counts.

use core::cell::Cell;

/// This browser cannot take calls.
const NO_WEBRTC: &str = "no_webrtc";
/// No connection stands; it is tried again.
const OFFLINE: &str = "offline";
/// The registrar does not know this sign-in any more.
const LOGIN_EXPIRED: &str = "login_expired";
/// The registrar refuses for now; it is tried again.
const REFUSED: &str = "refused";
/// Nobody is signed in.
const SIGNED_OUT: &str = "signed_out";

/// Whether calls ring here, or why they do not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Rings,
    Not(&'static str),
}

/// What can be seen of it at one moment.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    /// This browser has peer connections.
    pub(super) can_talk: bool,
    /// The registration stands.
    pub(super) is_registered: bool,
    /// The connection was lost or refused, or there is no network for one.
    pub(super) is_away: bool,
}

/// What the page was told, and what the registrar said.
#[derive(Default)]
pub(super) struct Reach {
    told: Cell<Option<Standing>>,
    refusal: Cell<Option<&'static str>>,
}

impl Reach {
    /// The registrar is asked anew, perhaps by somebody else.
    pub(super) fn ask(&self) {
        self.refusal.set(None);
    }

    /// The registrar did not take us.
    pub(super) fn refuse(&self, status: u16) {
        let reason = match status {
            401 | 403 | 404 | 407 => LOGIN_EXPIRED,
            _ => REFUSED,
        };
        self.refusal.set(Some(reason));
    }

    /// Nobody is signed in any more.
    pub(super) fn leave(&self) -> Option<Standing> {
        self.ask();
        self.change(Standing::Not(SIGNED_OUT))
    }

    /// What is to be told, if it is news. While the first answer is awaited nothing is known.
    pub(super) fn look(&self, sight: Sight) -> Option<Standing> {
        let refusal = self.refusal.get();
        let standing = match refusal {
            _ if !sight.can_talk => Standing::Not(NO_WEBRTC),
            _ if sight.is_registered => {
                self.ask();
                Standing::Rings
            }
            Some(LOGIN_EXPIRED) => Standing::Not(LOGIN_EXPIRED),
            _ if sight.is_away => Standing::Not(OFFLINE),
            Some(reason) => Standing::Not(reason),
            None if self.told.get() == Some(Standing::Rings) => Standing::Not(OFFLINE),
            None => return None,
        };
        self.change(standing)
    }

    fn change(&self, standing: Standing) -> Option<Standing> {
        let before = self.told.replace(Some(standing));
        (before != Some(standing)).then_some(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, Sight, Standing};

    const ASKING: Sight = Sight {
        can_talk: true,
        is_registered: false,
        is_away: false,
    };
    const REGISTERED: Sight = Sight {
        is_registered: true,
        ..ASKING
    };
    const AWAY: Sight = Sight {
        is_away: true,
        ..ASKING
    };

    #[test]
    fn nothing_is_said_before_the_first_answer_and_nothing_twice() {
        let reach = Reach::default();
        assert_eq!(reach.look(ASKING), None);
        assert_eq!(reach.look(REGISTERED), Some(Standing::Rings));
        assert_eq!(reach.look(REGISTERED), None);
    }

    #[test]
    fn a_lost_connection_stays_said_until_the_registrar_has_answered_again() {
        let reach = Reach::default();
        reach.look(REGISTERED);
        assert_eq!(reach.look(AWAY), Some(Standing::Not("offline")));
        assert_eq!(reach.look(ASKING), None, "connected, and not registered");
        assert_eq!(reach.look(REGISTERED), Some(Standing::Rings));
        assert_eq!(
            reach.look(ASKING),
            Some(Standing::Not("offline")),
            "a registration that has run out without an answer"
        );
    }

    #[test]
    fn an_ended_sign_in_is_said_before_a_lost_connection_and_until_somebody_signs_in() {
        let reach = Reach::default();
        reach.refuse(503);
        assert_eq!(reach.look(ASKING), Some(Standing::Not("refused")));
        assert_eq!(reach.look(AWAY), Some(Standing::Not("offline")));
        reach.refuse(403);
        assert_eq!(reach.look(AWAY), Some(Standing::Not("login_expired")));
        reach.ask();
        assert_eq!(reach.look(REGISTERED), Some(Standing::Rings));
        assert_eq!(reach.leave(), Some(Standing::Not("signed_out")));
    }

    #[test]
    fn a_browser_that_cannot_talk_is_not_rung_wherever_it_is_registered() {
        let reach = Reach::default();
        let poor = Sight {
            can_talk: false,
            ..REGISTERED
        };
        assert_eq!(reach.look(poor), Some(Standing::Not("no_webrtc")));
    }
}
