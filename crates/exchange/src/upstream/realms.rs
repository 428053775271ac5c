//! Realms in which the proxy itself wants a proof. Whoever is called by it can send a challenge too (RFC 3261 22.2), in
//! any realm, and its answer looks like the proxy's own. So a realm counts as the proxy's only if the operator named
//! it, or if the proxy asked in it for something that nobody behind it saw: our registration, or a request with
//! `Max-Forwards: 0`, which must not be passed on (16.3), and whose branch the answer repeats.

use std::collections::VecDeque;

use sip::{
    Response,
    digest::{self, Challenge},
};

/// So many realms are known of either kind besides those that the operator named.
const MAX_LEARNED: usize = 4;

/// The realms of one proxy.
#[derive(Debug)]
pub(super) struct Realms {
    named: Vec<String>,
    /// Those of our registration, which no other pushes out.
    registering: VecDeque<String>,
    learned: VecDeque<String>,
}

impl Realms {
    pub(super) const fn new(named: Vec<String>) -> Self {
        Self {
            named,
            registering: VecDeque::new(),
            learned: VecDeque::new(),
        }
    }

    /// The proxy itself sent this response: what it asks in is its own.
    pub(super) fn learn(&mut self, response: &Response) {
        for realm in realms(response) {
            if !self.are_own(&realm) {
                push(&mut self.learned, realm);
            }
        }
    }

    /// The same of our registration.
    pub(super) fn learn_registering(&mut self, response: &Response) {
        for realm in realms(response) {
            if !self.named.contains(&realm) && !self.registering.contains(&realm) {
                push(&mut self.registering, realm);
            }
        }
    }

    /// The challenge to answer, out of those in the proxy's own realms.
    pub(super) fn own_challenge(&self, response: &Response) -> Option<Challenge> {
        digest::best(challenges(response).filter(|value| {
            Challenge::parse(value).is_some_and(|challenge| self.are_own(&challenge.realm))
        }))
    }

    fn are_own(&self, realm: &str) -> bool {
        let learned = self.registering.iter().chain(&self.learned);
        let mut all = self.named.iter().chain(learned);
        all.any(|known| known == realm)
    }
}

fn push(realms: &mut VecDeque<String>, realm: String) {
    realms.push_back(realm);
    if realms.len() > MAX_LEARNED {
        realms.pop_front();
    }
}

/// All realms that a response asks in.
fn realms(response: &Response) -> Vec<String> {
    let all = challenges(response).filter_map(Challenge::parse);
    all.map(|challenge| challenge.realm).collect()
}

/// A realm that a response asks in.
pub(super) fn asked(response: &Response) -> Option<String> {
    digest::best(challenges(response)).map(|challenge| challenge.realm)
}

/// The values of a 401 or 407 that ask.
fn challenges(response: &Response) -> impl Iterator<Item = &str> {
    let name = match response.status() {
        407 => "Proxy-Authenticate",
        _ => "WWW-Authenticate",
    };
    response
        .headers(name)
        .filter(|_| matches!(response.status(), 401 | 407))
}
