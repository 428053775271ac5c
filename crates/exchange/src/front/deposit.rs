//! Where a deposit goes: whole and small straight into the mailbox, everything else through an upload of
//! its own. The token and the tus version are checked here, before a byte of the body.

use deposit::{
    token::SessionClaims,
    tus::{Headers, Metadata, TusError, check_version, parse_creation},
};

use super::{Arrival, BodyRule, DEPOSIT_ID, Forward, Routed, address, forwarded, request_id};
use crate::{
    object::Object,
    problem::{self, Refusal, response_of},
};

/// The largest body that goes to the mailbox in one piece.
const SINGLE_BYTES: u64 = 1 << 20;

impl Arrival<'_> {
    /// `POST /deposits`.
    pub(super) fn create_deposit(&self) -> Routed {
        if self.head.method != "POST" {
            return self.only("POST", forwarded(self.forward(Object::Directory(0), &[])));
        }
        let session = self.session_claims()?;
        if session.expires_at_ms <= self.now_ms {
            return Err(self.token_refusal(deposit::token::TokenError::Expired));
        }
        let creation = parse_creation(Headers(&self.head.headers))
            .map_err(|error| self.tus_refusal(&error))?;
        self.check_callee(&session, &creation.metadata)?;
        let id = creation.metadata.deposit_id.clone();
        let id = id.unwrap_or_else(|| request_id(self.head).to_owned());
        let part = creation.metadata.part_number();
        let length = self
            .head
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let whole = creation.with_upload && creation.length == length;
        let single = whole && length.is_some_and(|length: u64| length <= SINGLE_BYTES);
        let object = if single {
            Object::Mailbox(session.mailbox.clone())
        } else {
            upload_object(&session, &id, part)
        };
        let body = if single {
            BodyRule::Whole(SINGLE_BYTES)
        } else {
            BodyRule::Stream
        };
        Ok(forwarded(Forward {
            body,
            session_key: Some(session_key(&session)),
            ..self.forward(object, &[(DEPOSIT_ID, &id)])
        }))
    }

    /// `HEAD`, `PATCH` and `DELETE /deposits/{deposit id}.{part}`: an upload of the token's own session, so
    /// that somebody else's is simply not there. An expired token may finish what it began.
    pub(super) fn upload(&self, name: &str) -> Routed {
        let method = self.head.method.as_str();
        if !["HEAD", "PATCH", "DELETE"].contains(&method) {
            return self.only("HEAD", forwarded(self.forward(Object::Directory(0), &[])));
        }
        let session = self.session_claims()?;
        check_version(method, Headers(&self.head.headers))
            .map_err(|error| self.tus_refusal(&error))?;
        let (id, part) = upload_name(name).ok_or_else(|| self.refuse(problem::NOT_FOUND, ""))?;
        let body = if method == "PATCH" {
            BodyRule::Stream
        } else {
            BodyRule::Whole(0)
        };
        Ok(forwarded(Forward {
            body,
            session_key: Some(session_key(&session)),
            ..self.forward(upload_object(&session, id, part), &[(DEPOSIT_ID, id)])
        }))
    }

    /// `GET /sessions/current`: open to expired tokens too.
    pub(super) fn session_status(&self) -> Routed {
        let session = self.session_claims()?;
        self.only(
            "GET",
            forwarded(self.forward(Object::Mailbox(session.mailbox), &[])),
        )
    }

    /// A client that says for whom it deposits is told when its token is for somebody else.
    fn check_callee(&self, session: &SessionClaims, metadata: &Metadata) -> Result<(), Refusal> {
        let Some(callee) = metadata.get("callee") else {
            return Ok(());
        };
        if address(self.settings, callee).as_ref() == Some(&session.mailbox) {
            return Ok(());
        }
        Err(self.refuse(problem::TOKEN_FOREIGN, "This token is for another mailbox."))
    }

    fn tus_refusal(&self, error: &TusError) -> Refusal {
        let mut response = response_of(
            error.status(),
            error.code(),
            "The upload protocol was not followed",
            &error.to_string(),
            request_id(self.head),
        );
        response.headers.extend(error.headers());
        Refusal::Answer(Box::new(response))
    }
}

fn session_key(session: &SessionClaims) -> String {
    format!("session:{}", session.session())
}

fn upload_object(session: &SessionClaims, id: &str, part: u32) -> Object {
    Object::Upload(format!("{}/{id}/{part}", session.session()))
}

/// `<deposit id>.<part>`, the last segment of an upload's address.
fn upload_name(name: &str) -> Option<(&str, u32)> {
    let (id, part) = name.rsplit_once('.')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let named = (1..=64).contains(&id.len()) && id.bytes().all(plain);
    let part = part
        .parse()
        .ok()
        .filter(|part| *part < deposit::tus::MAX_PARTS)?;
    named.then_some((id, part))
}
