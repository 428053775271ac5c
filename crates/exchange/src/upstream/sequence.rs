//! CSeq numbers on the proxy's side. A request that is repeated with an answer to a challenge needs a higher one there
//! (RFC 3261 22.2), and every later request of its dialog one that is higher still (12.2.1.1). So each number of our
//! people becomes four on that side, one for each attempt, and nothing about a dialog is remembered: the number that a
//! request had here stands in our Via, and the attempt that a callee accepted stands in its Contact as our people see
//! it, because the ACK must name it. Numbers are taken modulo 2^29, so that four times as many stay below 2^31; no
//! dialog is long enough to pass such a border but by a chance of one in ten million.

use sip::{Method, NameAddr, Request, Response, Uri};

/// One number here is so many there.
const ATTEMPTS: u32 = 4;
/// The last attempt: the first one, the answer to a challenge, one to a stale nonce, one to a second server.
pub(super) const LAST_ATTEMPT: u32 = ATTEMPTS - 1;
/// Numbers here differ as far as this goes.
const NUMBERS: u32 = 1 << 29;
/// Parameter of our Via: the number that the request has here.
const NUMBER: &str = "cseq";
/// Parameter of a callee's Contact: the attempt that it answered.
const ATTEMPT: &str = "attempt";
/// Between a branch and the attempt, where it is not the first.
const MARK: char = '~';
/// Between the attempt and what nobody can guess.
const SECRET: char = '.';

/// The number of this attempt on the proxy's side.
fn outside(number: u32, attempt: u32) -> u32 {
    let number = number.checked_rem(NUMBERS).unwrap_or_default();
    number.saturating_mul(ATTEMPTS).saturating_add(attempt)
}

/// Takes the attempt out of the target of a request inside a dialog.
pub(super) fn take_attempt(request: &mut Request) -> Option<u32> {
    let attempt: u32 = request.uri().param(ATTEMPT)?.parse().ok()?;
    let mut uri: Uri = request.uri().clone();
    uri.params.remove(ATTEMPT);
    request.set_uri(uri);
    (attempt <= LAST_ATTEMPT).then_some(attempt)
}

/// Numbers a request as this attempt; `acknowledged` is the attempt of the INVITE that a PRACK is about (RFC 3262 7.2).
pub(super) fn leave(request: &mut Request, attempt: u32, acknowledged: u32) {
    let (number, method) = request.cseq();
    request.set_cseq(outside(number, attempt), &method);
    if let Some(mut via) = request.pop_via() {
        via.params.set(NUMBER, number.to_string());
        if attempt > 0 {
            let branch = format!("{}{MARK}{attempt}", via.branch());
            via.params.set("branch", branch);
        }
        request.push_via(&via);
    }
    if let Some(rack) = request
        .header("RAck")
        .and_then(|rack| about(rack, acknowledged))
    {
        request.set_header("RAck", &rack);
    }
}

/// `RSeq CSeq method` with the number of the proxy's side.
fn about(rack: &str, attempt: u32) -> Option<String> {
    let mut parts = rack.split_ascii_whitespace();
    let (response, number, method) = (parts.next()?, parts.next()?, parts.next()?);
    let number = outside(number.parse().ok()?, attempt);
    Some(format!("{response} {number} {method}"))
}

/// Which request of ours a response says to answer.
#[derive(Debug)]
pub(super) struct Origin {
    /// The branch that it has here.
    pub(super) branch: String,
    pub(super) attempt: u32,
    /// What [`sign`] added.
    pub(super) secret: Option<String>,
}

/// See [`Origin`].
pub(super) fn origin(response: &Response) -> Option<Origin> {
    let via = response.top_via()?;
    let Some((branch, attempt)) = via.branch().rsplit_once(MARK) else {
        return Some(Origin {
            branch: via.branch().to_owned(),
            attempt: 0,
            secret: None,
        });
    };
    let (attempt, secret) = match attempt.split_once(SECRET) {
        Some((attempt, secret)) => (attempt, Some(secret.to_owned())),
        None => (attempt, None),
    };
    Some(Origin {
        branch: branch.to_owned(),
        attempt: attempt.parse().ok()?,
        secret,
    })
}

/// Adds to the branch what only whoever got the request can repeat.
pub(super) fn sign(request: &mut Request, secret: &str) {
    if let Some(mut via) = request.pop_via() {
        let branch = format!("{}{SECRET}{secret}", via.branch());
        via.params.set("branch", branch);
        request.push_via(&via);
    }
}

/// Gives a response the number and branch that its request has here.
pub(super) fn arrive(response: &mut Response) {
    let Some(Origin {
        branch, attempt, ..
    }) = origin(response)
    else {
        return;
    };
    let (_, method) = response.cseq();
    if let Some(mut via) = response.pop_via() {
        let number = via.params.get(NUMBER).and_then(|text| text.parse().ok());
        via.params.remove(NUMBER);
        via.params.set("branch", branch);
        response.push_via(&via);
        if let Some(number) = number {
            response.set_cseq(number, &method);
        }
    }
    if attempt == 0 || method != Method::Invite || !(101..300).contains(&response.status()) {
        return;
    }
    if let [contact] = response.contacts().as_slice()
        && contact.uri.is_sip()
    {
        let contact = NameAddr {
            uri: contact
                .uri
                .clone()
                .with_param(ATTEMPT, &attempt.to_string()),
            ..contact.clone()
        };
        response.set_header("Contact", &contact.to_string());
    }
}

#[cfg(test)]
mod tests {
    use sip::{Method, Request};

    use super::{LAST_ATTEMPT, leave, outside, take_attempt};

    #[test]
    fn a_prack_names_the_attempt_that_its_target_says() {
        let uri = "sip:eve@x.test;attempt=2;transport=ws".parse();
        let mut prack = Request::new(Method::from("PRACK"), uri.expect("URI"));
        prack.set_cseq(6, &Method::from("PRACK"));
        prack.add_header("RAck", "9 5 INVITE");
        let named = take_attempt(&mut prack);
        assert_eq!(named, Some(2));
        leave(&mut prack, 0, named.unwrap_or_default());
        assert_eq!(prack.uri().to_string(), "sip:eve@x.test;transport=ws");
        let expected = format!("9 {} INVITE", outside(5, 2));
        assert_eq!(prack.header("RAck"), Some(expected.as_str()));
        assert!(prack.cseq().0 > outside(5, LAST_ATTEMPT));
    }

    #[test]
    fn numbers_rise_with_every_attempt_and_stay_below_the_limit() {
        for number in [0_u32, 1, 2, 9_999, (1 << 29) - 2, 1 << 30, (1 << 31) - 2] {
            let all: Vec<u32> = (0..=LAST_ATTEMPT)
                .map(|attempt| outside(number, attempt))
                .chain([outside(number + 1, 0)])
                .collect();
            assert!(
                all.is_sorted_by(|one, next| one < next),
                "{number}: {all:?}"
            );
            assert!(all.iter().all(|number| *number < 1 << 31), "{all:?}");
        }
    }
}
