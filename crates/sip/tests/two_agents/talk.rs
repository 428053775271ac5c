//! Calls between two people: changes of the session from both sides, collisions, timers, lost frames and connections.

use sip::call::event::{EndCause, Event};

use crate::talkers::{Loss, Wire};

/// Frames of three changes and a key.
const STEPS: usize = 11;

#[test]
fn either_side_changes_the_session_and_both_know_the_same() {
    let mut wire = Wire::talking();
    for (end, wish) in [(0, "held"), (1, "with a picture"), (0, "plain")] {
        wire.wish(end, wish);
        let agreed = Some((wish.to_owned(), format!("answer to {wish}")));
        assert_eq!(wire.ends[0].agreed, agreed);
        assert_eq!(wire.ends[1].agreed, agreed);
        let expected = [
            format!("{end} INVITE"),
            format!("{} 200 INVITE", 1 - end),
            format!("{end} ACK"),
        ];
        assert_eq!(wire.transcript, expected);
        wire.transcript.clear();
    }
}

#[test]
fn an_update_changes_the_session_without_an_ack() {
    let mut wire = Wire::talking();
    wire.act(1, |bob, now| {
        let call = bob.call.expect("a call");
        bob.offered = Some("held".to_owned());
        let sent = bob
            .agent
            .command(call, |call| call.propose_update("held", now));
        assert_eq!(sent, Some(true));
    });
    assert_eq!(wire.transcript, ["1 UPDATE", "0 200 UPDATE"]);
    let answer = "answer to held".to_owned();
    let agreed = Some(("held".to_owned(), answer.clone()));
    assert_eq!(wire.ends[0].agreed, agreed);
    let last = wire.ends[1].events.last();
    assert_eq!(last, Some(&Event::Changed { sdp: Some(answer) }));
}

/// Both offer at the same moment: both are refused with 491, the answerer tries again first, then the caller.
#[test]
fn offers_that_meet_are_both_refused_and_tried_again_one_after_the_other() {
    let mut wire = Wire::talking();
    wire.holds_frames = true;
    wire.wish(0, "by the caller");
    wire.wish(1, "by the answerer");
    wire.holds_frames = false;
    wire.settle();
    let refused = Event::ChangeRefused { status: 491 };
    for end in &wire.ends {
        assert_eq!(end.events.last(), Some(&refused));
    }
    wire.transcript.clear();
    wire.advance(2_000);
    assert_eq!(wire.transcript, ["1 INVITE", "0 200 INVITE", "1 ACK"]);
    wire.advance(2_000);
    assert_eq!(wire.transcript[3..], ["0 INVITE", "1 200 INVITE", "0 ACK"]);
    assert_eq!(wire.ends[0].agreed, wire.ends[1].agreed);
    let (offer, _) = wire.ends[0].agreed.clone().expect("a session");
    assert_eq!(offer, "by the caller");
}

#[test]
fn an_offer_waits_for_the_answer_to_the_one_before() {
    let mut wire = Wire::talking();
    wire.ends[1].is_slow = true;
    wire.wish(0, "first");
    wire.wish(0, "second");
    wire.wish(1, "third");
    assert_eq!(wire.transcript, ["0 INVITE"], "one at a time");
    let Some(Event::Offered { id, .. }) = wire.ends[1].events.last().cloned() else {
        panic!("no offer came");
    };
    wire.ends[1].is_slow = false;
    wire.act(1, |bob, now| {
        let call = bob.call.expect("a call");
        bob.agent
            .command(call, |call| call.reject_change(id, 488, now));
    });
    wire.advance(10_000);
    assert_eq!(wire.ends[0].agreed, wire.ends[1].agreed);
    assert_eq!(wire.ends[0].wish, None, "second was taken");
    assert_eq!(wire.ends[1].wish, None, "third was taken");
}

#[test]
fn a_session_is_refreshed_by_the_caller_for_as_long_as_both_live() {
    let mut wire = Wire::talking();
    wire.advance(4 * 900_000);
    assert_eq!(wire.transcript, ["0 UPDATE", "1 200 UPDATE"].repeat(4));
    assert_eq!(wire.ends[0].ends() + wire.ends[1].ends(), 0);
}

#[test]
fn a_session_that_nobody_refreshes_any_more_ends() {
    let mut wire = Wire::talking();
    wire.cut(0, false);
    wire.advance(1_900_000);
    let last = wire.ends[1].events.last();
    let Some(Event::Ended { cause, .. }) = last else {
        panic!("{last:?}");
    };
    assert_eq!(*cause, EndCause::TimedOut);
    let last = wire.ends[0].events.last();
    let lost = matches!(
        last,
        Some(Event::Ended {
            cause: EndCause::ConnectionLost,
            ..
        })
    );
    assert!(lost, "{last:?}");
}

#[test]
fn a_call_goes_on_after_half_a_minute_without_a_connection() {
    for (away, goes_on) in [(31_000, true), (33_000, false)] {
        let mut wire = Wire::talking();
        wire.cut(0, true);
        wire.advance(away / 2);
        // An attempt that fails gives no more time.
        wire.cut(0, true);
        wire.advance(away / 2);
        wire.reconnect(0);
        assert_eq!(wire.ends[0].ends() == 0, goes_on, "{away}");
        let resumed = wire.ends[0].events.contains(&Event::Resumed);
        assert_eq!(resumed, goes_on, "{away}");
        wire.advance(60_000);
        assert_eq!(wire.ends[0].ends() == 0, goes_on, "{away}");
    }
}

#[test]
fn who_comes_back_to_a_call_that_is_over_learns_it() {
    let mut wire = Wire::talking();
    wire.cut(0, false);
    wire.hang_up(1);
    wire.advance(40_000 - 20_000);
    wire.reconnect(0);
    wire.advance(40_000);
    assert_eq!(wire.ends[0].ends(), 1, "{:?}", wire.ends[0].events);
    assert_eq!(wire.ends[1].ends(), 1);
}

/// Hold, resume, a key, the end: whichever frame is lost, with whosever connection, whether the server keeps frames or
/// not, both come to the same end.
#[test]
fn any_frame_may_be_lost_with_either_connection() {
    for at in 1..=STEPS {
        for whose in [0, 1] {
            for keeps in [true, false] {
                story(Loss {
                    at,
                    whose,
                    away_ms: 5_000,
                    keeps,
                });
            }
        }
    }
}

fn story(loss: Loss) {
    let told = (loss.at, loss.whose, loss.keeps);
    let mut wire = Wire::talking();
    wire.loss = Some(loss);
    wire.wish(0, "held");
    wire.advance(15_000);
    wire.wish(1, "with a picture");
    wire.advance(15_000);
    wire.act(0, |anna, now| {
        let call = anna.call.expect("a call");
        let body = b"Signal=5\r\nDuration=160\r\n";
        anna.agent
            .send_info(call, "application/dtmf-relay", body, now);
    });
    wire.advance(15_000);
    wire.wish(0, "plain");
    wire.advance(45_000);
    assert!(wire.loss.is_none(), "{told:?}: nothing was lost");
    let [anna, bob] = &wire.ends;
    assert_eq!(anna.ends() + bob.ends(), 0, "{told:?}: the call goes on");
    assert_eq!(anna.agreed, bob.agreed, "{told:?} {:?}", wire.transcript);
    let (offer, _) = anna.agreed.clone().expect("a session");
    assert_eq!(offer, "plain", "{told:?}");
    wire.hang_up(1);
    wire.advance(80_000);
    for (who, end) in wire.ends.iter().enumerate() {
        assert_eq!(end.ends(), 1, "{told:?}: {who} {:?}", end.events);
        assert!(!end.agent.is_needed(), "{told:?}: {who} holds a call");
    }
}
