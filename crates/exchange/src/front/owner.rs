//! The routes of people with an account, and of the operator: to the line for who they are, to the mailbox for
//! what they have.

use super::{
    ADMIN, Arrival, BodyRule, Forward, GENERATION, GREETING_BYTES, NETWORK, OWN_NUMBERS, RESOURCE,
    Routed, address, forwarded, percent_decoded, query_value,
};
use crate::{
    json,
    object::{DIRECTORY_SHARDS, Object},
    problem::{self, Refusal},
};

/// A rendition is made of the whole medium also where only its head is asked for.
fn with_content(mut forward: Forward) -> Forward {
    let rendition = query_value(&forward.request.query, "format").is_some();
    if rendition && forward.request.method == "HEAD" {
        "GET".clone_into(&mut forward.request.method);
    }
    forward
}

impl Arrival<'_> {
    pub(super) fn login(&self) -> Routed {
        #[derive(serde::Deserialize)]
        struct Login {
            address: String,
        }
        let body: Login = json::read(self.head)?;
        // An address that cannot exist is answered like one that does not.
        let address = address(self.settings, &body.address)
            .ok_or_else(|| self.refuse(problem::BAD_CREDENTIALS, ""))?;
        let mut forward = self.forward(Object::Line(address), &[]);
        let network = forward.request.header(NETWORK).unwrap_or_default();
        forward.questions = self.may_sign_in(network);
        Ok(forwarded(forward))
    }

    pub(super) fn account(&self) -> Routed {
        let login = self.login_claims()?;
        let generation = login.generation.to_string();
        let found = [(GENERATION, generation.as_str())];
        self.only(
            "POST",
            forwarded(self.forward(Object::Line(login.address), &found)),
        )
    }

    pub(super) fn greeting(&self, token: &str) -> Routed {
        let claims = self.media_claims(token)?;
        let mut forward = self.forward(
            Object::Mailbox(claims.mailbox),
            &[(RESOURCE, &claims.resource)],
        );
        "/greeting".clone_into(&mut forward.request.path);
        self.only("GET", forwarded(forward))
    }

    /// The owner's calls. Media also open with the short-lived token of their address.
    pub(super) fn mailbox(&self, rest: &[&str]) -> Routed {
        if let (["messages", _, "media"], Some(token)) =
            (rest, query_value(&self.head.query, "token"))
        {
            let claims = self.media_claims(&token)?;
            let found = [(RESOURCE, claims.resource.as_str())];
            let forward = self.forward(Object::Mailbox(claims.mailbox), &found);
            return self.only("GET", forwarded(with_content(forward)));
        }
        let login = self.login_claims()?;
        let generation = login.generation.to_string();
        let found = [(GENERATION, generation.as_str())];
        let mut forward = self.forward(Object::Mailbox(login.address), &found);
        if rest == ["greeting"] {
            forward.body = BodyRule::Whole(GREETING_BYTES);
        }
        if let ["messages", _, "media"] = rest {
            forward = with_content(forward);
        }
        Ok(forwarded(forward))
    }

    /// The owner's calls as ladders. Its caller opens one with the token of its address.
    pub(super) fn calls(&self, id: Option<&str>) -> Routed {
        if let (Some(_), Some(token)) = (id, query_value(&self.head.query, "token")) {
            let claims = self.media_claims(&token)?;
            let found = [(RESOURCE, claims.resource.as_str())];
            let forward = self.forward(Object::Mailbox(claims.mailbox), &found);
            return self.only("GET", forwarded(forward));
        }
        let login = self.login_claims()?;
        let generation = login.generation.to_string();
        let found = [(GENERATION, generation.as_str())];
        self.only(
            "GET",
            forwarded(self.forward(Object::Mailbox(login.address), &found)),
        )
    }

    /// `/admin/calls?address=` and `/admin/calls/{id}?address=`: anybody's, for the operator.
    fn calls_of(&self, rest: &[&str]) -> Routed {
        let address = query_value(&self.head.query, "address")
            .and_then(|text| address(self.settings, &text))
            .ok_or_else(|| {
                let detail = "Say whose calls: ?address= is not an address of ours.";
                self.refuse(problem::INVALID_FIELD, detail)
            })?;
        let mut forward = self.forward(Object::Mailbox(address), &[(ADMIN, "1")]);
        forward.request.path = format!("/{}", rest.join("/"));
        self.only("GET", forwarded(forward))
    }

    pub(super) fn admin(&self, rest: &[&str]) -> Routed {
        if rest == ["first-run"] {
            return self.only("GET", forwarded(self.forward(Object::Directory(0), &[])));
        }
        self.check_admin()?;
        let (user, what) = match rest {
            ["users"] => return self.only("GET", forwarded(self.forward(self.directory()?, &[]))),
            ["calls"] | ["calls", _] => return self.calls_of(rest),
            ["users", user, what @ ..] => (user, what),
            _ => return Err(self.refuse(problem::NOT_FOUND, "")),
        };
        let address = percent_decoded(user)
            .and_then(|text| address(self.settings, &text))
            .ok_or_else(|| {
                self.refuse(problem::INVALID_FIELD, "This is not an address of ours.")
            })?;
        Ok(forwarded(match what {
            [] | ["login"] => self.forward(Object::Line(address), &[]),
            ["numbers"] => {
                let mut forward = self.forward(Object::Line(address), &[]);
                OWN_NUMBERS.clone_into(&mut forward.request.path);
                forward
            }
            ["numbers", number] => {
                let (questions, number) = self.about_number(&address, number)?;
                let mut forward = self.forward(Object::Line(address), &[]);
                forward.request.path = format!("{OWN_NUMBERS}/{number}");
                forward.questions = questions;
                forward
            }
            what => {
                let mut forward = self.forward(Object::Mailbox(address), &[(ADMIN, "1")]);
                forward.request.path = format!("/mailbox/{}", what.join("/"));
                forward
            }
        }))
    }

    /// The shard where a list goes on.
    fn directory(&self) -> Result<Object, Refusal> {
        let after = query_value(&self.head.query, "after").filter(|after| !after.is_empty());
        let Some(after) = after else {
            return Ok(Object::Directory(0));
        };
        let shard = after
            .split_once(':')
            .and_then(|(shard, _)| shard.parse().ok());
        shard
            .filter(|shard| *shard < DIRECTORY_SHARDS)
            .map(Object::Directory)
            .ok_or_else(|| self.refuse(problem::INVALID_FIELD, "Unknown value of after."))
    }
}
