//! A part that comes whole in its POST: reserved, checked and committed in one transaction.

use deposit::{
    token::{SessionClaims, verify_session},
    tus::{Algorithm, Checksum, Creation, Headers, TusError, parse_creation},
    upload::Progress,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{
    Answered, PartAnswer, PartName, commit, refuse,
    reservation::{self, Admission, Wanted},
};
use crate::{
    context::Context,
    effect::Effect,
    front,
    http::{Request, Response},
    mailbox::address,
    problem::{self, Refusal},
    sql::Sql,
    upload::answer,
};

/// `POST /deposits` with the whole body in it.
pub fn on_post(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), Refusal> {
    let claims = session_claims(context, request)?;
    let creation =
        parse_creation(Headers(&request.headers)).map_err(|error| breach(request, &error))?;
    check_body(request, &creation)?;
    let name = name(request, &claims, &creation)?;
    let late = claims.expires_at_ms <= context.now_ms;
    let (told, effects) = deposit(sql, context, request, &name, creation, late)?;
    Ok((respond(request, &name, told), effects))
}

/// The session that the request's token stands for; its signature is right and it is for this mailbox.
pub fn session_claims(context: &Context<'_>, request: &Request) -> Result<SessionClaims, Refusal> {
    let refuse = |problem, detail: &str| Refusal::of(request, problem, detail);
    let token = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| refuse(problem::SESSION_REQUIRED, ""))?;
    let claims = verify_session(token, &context.settings.token_keys).map_err(|error| {
        let request_id = request.header(front::REQUEST_ID).unwrap_or("");
        let title = "The token is not taken";
        let response =
            problem::response_of(401, error.code(), title, &error.to_string(), request_id);
        Refusal::Answer(Box::new(response))
    })?;
    if claims.mailbox != address(context) {
        return Err(refuse(
            problem::TOKEN_FOREIGN,
            "This token is for another mailbox.",
        ));
    }
    Ok(claims)
}

fn deposit(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    name: &PartName,
    creation: Creation,
    late: bool,
) -> Result<Answered, Refusal> {
    let size = request.body.len() as u64;
    let sha256 = deposit::hex(&Sha256::digest(&request.body));
    let wanted = Wanted {
        length: Some(size),
        sha256: Some(sha256.clone()),
        metadata: creation.metadata,
        late,
    };
    let (part, renewed) = match reservation::admit(sql, context, name, &wanted)? {
        Admission::Open { part, renewed } => (*part, renewed),
        Admission::Settled(answer) => return Ok((answer, Vec::new())),
    };
    let complete = commit::Complete {
        upload_id: part.upload_id.clone(),
        size,
        sha256,
        // What an earlier request said of this part still holds.
        metadata: part.metadata.clone(),
        content: commit::Bytes::Here(request.body.clone()),
    };
    let answered = commit::complete_at_once(sql, context, part, renewed, complete)?;
    Ok(answered)
}

fn check_body(request: &Request, creation: &Creation) -> Result<(), Refusal> {
    if creation.length != Some(request.body.len() as u64) {
        return Err(breach(request, &TusError::Number("upload-length")));
    }
    if creation
        .checksum
        .as_ref()
        .is_some_and(|checksum| !fits(checksum, &request.body))
    {
        return Err(breach(request, &TusError::ChecksumMismatch));
    }
    let hash: [u8; 32] = Sha256::digest(&request.body).into();
    let declared = [creation.sha256, creation.metadata.sha256];
    if declared
        .into_iter()
        .flatten()
        .any(|declared| declared != hash)
    {
        return Err(breach(request, &TusError::DigestMismatch));
    }
    Ok(())
}

fn fits(checksum: &Checksum, body: &[u8]) -> bool {
    match checksum.algorithm {
        Algorithm::Sha1 => Sha1::digest(body).to_vec() == checksum.digest,
        Algorithm::Sha256 => Sha256::digest(body).to_vec() == checksum.digest,
    }
}

/// The deposit's id is the client's, or else what the front has drawn for this request.
fn name(
    request: &Request,
    claims: &SessionClaims,
    creation: &Creation,
) -> Result<PartName, Refusal> {
    let drawn = request.header(front::DEPOSIT_ID).map(str::to_owned);
    let deposit_id = creation.metadata.deposit_id.clone().or(drawn);
    Ok(PartName {
        session_id: claims.session(),
        deposit_id: deposit_id
            .ok_or_else(|| Refusal::of(request, problem::BAD_REQUEST, "There is no deposit id."))?,
        part: creation.metadata.part_number(),
    })
}

fn respond(request: &Request, name: &PartName, told: PartAnswer) -> Response {
    let standing = |size: u64, receipt: Option<&str>| {
        let end = Progress {
            offset: size,
            length: Some(size),
        };
        answer::created(answer::progress(201, end, None, receipt), name)
    };
    match told {
        PartAnswer::Committed { size, receipt } => standing(size, Some(&receipt)),
        PartAnswer::Held { size } => standing(size, None),
        PartAnswer::Refused(refusal) => answer::refused(request, &refusal),
        PartAnswer::Reserved(_) | PartAnswer::Unknown | PartAnswer::Dropped => {
            let refused = refuse(503, "unavailable", "Please try again later.");
            match refused {
                PartAnswer::Refused(refusal) => answer::refused(request, &refusal),
                _ => Response::status(503),
            }
        }
    }
}

fn breach(request: &Request, error: &TusError) -> Refusal {
    Refusal::Answer(Box::new(answer::tus(request, error)))
}
