//! One request at one upload: who asks, what about, and what is stored of it.

use deposit::{
    token::{SessionClaims, verify_session},
    tus::{Headers, TusError, check_version},
    upload::Progress,
};

use crate::{
    context::Context,
    http::{Request, Response},
    mailbox::deposit::{PartAsk, PartName, PartRequest},
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
    upload::{
        Step,
        answer::{self, described, progress},
        state::{self, Phase, Upload},
    },
};

/// One request's surroundings.
pub(super) struct Visit<'a> {
    pub(super) sql: &'a dyn Sql,
    pub(super) context: &'a Context<'a>,
    pub(super) head: &'a Request,
    pub(super) name: PartName,
    pub(super) claims: SessionClaims,
}

impl<'a> Visit<'a> {
    /// Checks the token. A session sees its own uploads only; to others they do not exist.
    pub(super) fn new(
        sql: &'a dyn Sql,
        context: &'a Context<'a>,
        head: &'a Request,
    ) -> Result<Self, Box<Step>> {
        let name = name(&context.object).ok_or_else(|| Box::new(answer::unknown(head)))?;
        let token = bearer(head).unwrap_or_default();
        let claims = verify_session(token, &context.settings.token_keys).map_err(|error| {
            let code = error.code();
            Box::new(answer::refuse(head, 401, code, &error.to_string()))
        })?;
        if claims.session() != name.session_id {
            return Err(Box::new(answer::unknown(head)));
        }
        Ok(Self {
            sql,
            context,
            head,
            name,
            claims,
        })
    }

    /// HEAD.
    pub(super) fn describe(&self) -> Result<Step, SqlError> {
        if let Err(error) = check_version("HEAD", Headers(&self.head.headers)) {
            return Ok(self.breach(&error));
        }
        let Some(upload) = self.load()? else {
            return Ok(self.ask(PartAsk::Find));
        };
        Ok(match &upload.phase {
            Phase::Held => self.ask(PartAsk::Find),
            Phase::Open | Phase::Committed { .. } => {
                answered(described(self.standing(200, &upload), &upload.metadata))
            }
            Phase::Gone | Phase::Refused(_) => answer::gone(self.head),
        })
    }

    /// DELETE.
    pub(super) fn terminate(&self) -> Result<Step, SqlError> {
        if let Err(error) = check_version("DELETE", Headers(&self.head.headers)) {
            return Ok(self.breach(&error));
        }
        let phase = self.load()?.map(|upload| upload.phase);
        Ok(match phase {
            None | Some(Phase::Open | Phase::Held) => self.ask(PartAsk::Drop),
            Some(Phase::Committed { .. }) => self.already_deposited(),
            Some(Phase::Gone | Phase::Refused(_)) => answer::gone(self.head),
        })
    }

    pub(super) fn load(&self) -> Result<Option<Upload>, SqlError> {
        let upload = state::load(self.sql)?;
        Ok(upload.filter(|upload| self.context.now_ms < upload.reserved.expires_at_ms))
    }

    pub(super) fn ask(&self, ask: PartAsk) -> Step {
        let request = PartRequest {
            name: self.name.clone(),
            ask,
        };
        Step::Ask {
            to: Object::Mailbox(self.claims.mailbox.clone()),
            signal: Box::new(Signal::Part {
                request: Box::new(request),
            }),
        }
    }

    pub(super) fn standing_after_body(&self, upload: &Upload) -> Response {
        if self.head.method == "POST" {
            return answer::created(self.standing(201, upload), &self.name);
        }
        self.standing(204, upload)
    }

    pub(super) fn standing(&self, status: u16, upload: &Upload) -> Response {
        let receipt = match &upload.phase {
            Phase::Committed { receipt } => Some(receipt.as_str()),
            _ => None,
        };
        let expires = (upload.phase == Phase::Open).then_some(upload.reserved.expires_at_ms);
        progress(status, upload.shown(), expires, receipt)
    }

    pub(super) fn standing_of(
        &self,
        status: u16,
        standing: Progress,
        receipt: Option<&str>,
    ) -> Response {
        progress(status, standing, None, receipt)
    }

    pub(super) fn breach(&self, error: &TusError) -> Step {
        answered(answer::tus(self.head, error))
    }

    pub(super) fn superseded(&self) -> Step {
        let detail = "Another request writes this upload now.";
        answer::refuse(self.head, 409, "upload_superseded", detail)
    }

    pub(super) fn already_deposited(&self) -> Step {
        let detail = "The deposit is committed; it can no longer be taken back here.";
        answer::refuse(self.head, 409, "already_deposited", detail)
    }
}

pub(super) fn answered(response: Response) -> Step {
    Step::Answer(Box::new(response))
}

/// The token of a request.
fn bearer(head: &Request) -> Option<&str> {
    let (scheme, token) = head.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `session/deposit/part`.
fn name(object: &Object) -> Option<PartName> {
    let Object::Upload(name) = object else {
        return None;
    };
    let mut parts = name.split('/');
    let (Some(session), Some(deposit), Some(part), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some(PartName {
        session_id: session.to_owned(),
        deposit_id: deposit.to_owned(),
        part: part.parse().ok()?,
    })
}

/// The declared length of the body, if it is declared.
pub(super) fn content_length(head: &Request) -> Option<u64> {
    head.header("content-length")?.parse().ok()
}
