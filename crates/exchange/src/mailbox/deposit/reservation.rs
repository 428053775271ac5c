//! Reservations: the authoritative check of the right to deposit, before any body byte.

use deposit::{
    attachment::{self, AttachmentError},
    tus::{Kind, Metadata},
};

use super::{
    Answered, PartAnswer, PartName, Reserved, conflict, effective_kind, gone, refuse, size_limit,
    store::{self, PartState, StoredPart},
    sweep,
};
use crate::{
    context::Context,
    mailbox::{
        account, address, block,
        session::{self, Session, SessionState},
        share,
    },
    sql::{Sql, SqlError},
};

/// How long bytes may take to come.
pub(super) const RESERVATION_MS: i64 = 48 * 3_600_000;
/// So many deposits of one session may be under way at once.
const OPEN_DEPOSITS: usize = 10;

/// What a sender says before it sends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Declared length, if known.
    pub(super) length: Option<u64>,
    /// Hash of the whole part, if known.
    pub(super) sha256: Option<String>,
    pub(super) metadata: Metadata,
    /// Whether the token's time is over.
    pub(super) late: bool,
}

/// What the mailbox says to a part that somebody wants to deposit.
pub(super) enum Admission {
    /// It is known already, or refused.
    Settled(PartAnswer),
    /// Its bytes may come. Nothing is written yet.
    Open {
        part: Box<StoredPart>,
        /// Whether it was reserved before.
        renewed: bool,
    },
}

/// Reserves a part, or finds what became of it.
pub(super) fn reserve(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
    wanted: &Wanted,
) -> Result<Answered, SqlError> {
    let answer = match admit(sql, context, name, wanted)? {
        Admission::Settled(answer) => answer,
        Admission::Open { part, renewed } => {
            store::put_part(sql, &part)?;
            if !renewed {
                sweep::watch(sql, &part)?;
            }
            PartAnswer::Reserved(Box::new(reserved(&part)))
        }
    };
    Ok((answer, Vec::new()))
}

/// Checks the right to deposit a part; whoever goes on with it writes it.
pub(super) fn admit(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
    wanted: &Wanted,
) -> Result<Admission, SqlError> {
    let known = store::part(sql, name)?;
    let answer = match (store::committed(sql, name)?, known) {
        (Some(committed), known) => match known {
            Some(part) if wanted.fits(&part) => PartAnswer::Committed {
                size: part.size(),
                receipt: committed.receipt,
            },
            _ => conflict(),
        },
        (None, Some(part)) if part.state == PartState::Held => {
            if wanted.fits(&part) {
                PartAnswer::Held { size: part.size() }
            } else {
                conflict()
            }
        }
        (None, Some(part)) if is_open(&part, context) => return renew(sql, context, part, wanted),
        (None, _) => return begin(sql, context, name, wanted),
    };
    Ok(Admission::Settled(answer))
}

/// What became of a part.
pub(super) fn find(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
) -> Result<PartAnswer, SqlError> {
    let Some(part) = store::part(sql, name)? else {
        return Ok(PartAnswer::Unknown);
    };
    Ok(match part.state {
        PartState::Committed => {
            store::committed(sql, name)?.map_or_else(gone, |committed| PartAnswer::Committed {
                size: part.size(),
                receipt: committed.receipt,
            })
        }
        PartState::Held => PartAnswer::Held { size: part.size() },
        PartState::Reserved if is_open(&part, context) => {
            PartAnswer::Reserved(Box::new(reserved(&part)))
        }
        PartState::Reserved | PartState::Dead => gone(),
    })
}

/// The sender takes a part back. What is committed stays.
pub(super) fn drop(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
) -> Result<Answered, SqlError> {
    let found = find(sql, context, name)?;
    let (Some(part), PartAnswer::Held { .. } | PartAnswer::Reserved(_)) =
        (store::part(sql, name)?, &found)
    else {
        return Ok((found, Vec::new()));
    };
    let effects = sweep::kill(sql, context, part)?;
    Ok((PartAnswer::Dropped, effects))
}

/// Whether bytes may still come.
pub(super) fn is_open(part: &StoredPart, context: &Context<'_>) -> bool {
    part.state == PartState::Reserved && context.now_ms < part.expires_at_ms
}

/// Whether this session may (still) deposit this: not revoked, its caller not blocked, not used up. A refusal
/// comes back as the answer.
pub(super) fn check_session(
    sql: &dyn Sql,
    name: &PartName,
) -> Result<Result<Session, PartAnswer>, SqlError> {
    let Some(session) = session::find(sql, &name.session_id)? else {
        let detail = "This mailbox did not issue this session.";
        return Ok(Err(refuse(403, "token_foreign", detail)));
    };
    let blocked = match &session.caller.address {
        Some(caller) => block::is_blocked(sql, caller)?,
        None => false,
    };
    if blocked || session.state == SessionState::Revoked {
        let detail = "The owner of the mailbox has revoked this session.";
        return Ok(Err(refuse(403, "session_revoked", detail)));
    }
    if session.state == SessionState::Deposited {
        let detail = "A message was left with this session already; a new call gives a new one.";
        return Ok(Err(refuse(403, "session_used", detail)));
    }
    Ok(Ok(session))
}

/// Whether so many bytes more find room in the mailbox.
pub(super) fn has_room(
    sql: &dyn Sql,
    context: &Context<'_>,
    size: u64,
    except: &str,
) -> Result<bool, SqlError> {
    let used = account::counters(sql)?.bytes_used.unsigned_abs();
    let total = used
        .saturating_add(store::bytes_on_the_way(sql, except)?)
        .saturating_add(size);
    Ok(total <= context.settings.mailbox_quota_bytes)
}

/// The refusal of a part that is too long for its kind.
pub(super) fn too_large(limit: u64) -> PartAnswer {
    let detail = format!("At most {limit} bytes are taken of this kind.");
    refuse(413, "upload_too_large", &detail)
}

impl Wanted {
    /// Whether this may be the same content as a stored part.
    fn fits(&self, part: &StoredPart) -> bool {
        self.length.is_none_or(|length| length == part.size())
            && self.sha256.as_ref().is_none_or(|hash| *hash == part.sha256)
    }
}

fn reserved(part: &StoredPart) -> Reserved {
    Reserved {
        upload_id: part.upload_id.clone(),
        blob_key: part.blob_key.clone(),
        expires_at_ms: part.expires_at_ms,
        length: part.length,
        metadata: part.metadata.clone(),
    }
}

/// The same part again: the same reservation, with what is said of it now and was not before.
fn renew(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: StoredPart,
    wanted: &Wanted,
) -> Result<Admission, SqlError> {
    let session = match check_session(sql, &part.name)? {
        Ok(session) => session,
        Err(refusal) => return Ok(Admission::Settled(refusal)),
    };
    let other_length = part
        .length
        .zip(wanted.length)
        .is_some_and(|(known, now)| known != now);
    if other_length {
        return Ok(Admission::Settled(conflict()));
    }
    let metadata = match part.metadata.merge(&wanted.metadata) {
        Ok(metadata) => metadata,
        Err(error) => {
            let refusal = refuse(error.status(), error.code(), &error.to_string());
            return Ok(Admission::Settled(refusal));
        }
    };
    let part = StoredPart {
        length: part.length.or(wanted.length),
        metadata,
        ..part
    };
    if let Some(refusal) = check_part(sql, context, &session, &part)? {
        return Ok(Admission::Settled(refusal));
    }
    Ok(Admission::Open {
        part: Box::new(part),
        renewed: true,
    })
}

fn begin(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
    wanted: &Wanted,
) -> Result<Admission, SqlError> {
    if wanted.late {
        let refusal = refuse(401, "token_expired", "The token has expired.");
        return Ok(Admission::Settled(refusal));
    }
    let session = match check_session(sql, name)? {
        Ok(session) => session,
        Err(refusal) => return Ok(Admission::Settled(refusal)),
    };
    let part = new_part(context, name, wanted);
    if let Some(refusal) = check_part(sql, context, &session, &part)? {
        return Ok(Admission::Settled(refusal));
    }
    Ok(Admission::Open {
        part: Box::new(part),
        renewed: false,
    })
}

fn new_part(context: &Context<'_>, name: &PartName, wanted: &Wanted) -> StoredPart {
    let upload_id = context.entropy.hex(16);
    StoredPart {
        name: name.clone(),
        blob_key: format!("m/{}/{upload_id}", address(context)),
        upload_id,
        state: PartState::Reserved,
        length: wanted.length,
        sha256: String::new(),
        content_type: String::new(),
        duration_ms: 0,
        in_blob: false,
        metadata: wanted.metadata.clone(),
        reserved_at_ms: context.now_ms,
        expires_at_ms: context.now_ms.saturating_add(RESERVATION_MS),
    }
}

fn check_part(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: &Session,
    part: &StoredPart,
) -> Result<Option<PartAnswer>, SqlError> {
    if let Some(refusal) = check_name(part) {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = check_size(sql, context, part)? {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = check_siblings(sql, context, part)? {
        return Ok(Some(refusal));
    }
    check_network(sql, context, session, part)
}

/// A file whose name says that it is something to be run is not passed on. One without a name goes out as what
/// its bytes are.
fn check_name(part: &StoredPart) -> Option<PartAnswer> {
    let name = part.metadata.filename.as_deref()?;
    let is_file = effective_kind(&part.metadata) == Kind::Attachment;
    let refused = is_file && attachment::media_type(name).is_none();
    let error = AttachmentError::Type;
    refused.then(|| refuse(415, error.code(), &error.to_string()))
}

/// Size by kind, and room in the mailbox.
fn check_size(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: &StoredPart,
) -> Result<Option<PartAnswer>, SqlError> {
    let limit = size_limit(context.settings, effective_kind(&part.metadata));
    if part.size() > limit {
        return Ok(Some(too_large(limit)));
    }
    if has_room(sql, context, part.size(), &part.upload_id)? {
        return Ok(None);
    }
    Ok(Some(refuse(507, "mailbox_full", "The mailbox is full.")))
}

/// What one network has reserved in all its sessions. Like all limits by network it can be turned off.
fn check_network(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: &Session,
    part: &StoredPart,
) -> Result<Option<PartAnswer>, SqlError> {
    let settings = context.settings;
    let network = session.caller.network.as_deref().unwrap_or_default();
    if settings.limit_sessions_per_hour == 0 || network.is_empty() || part.size() == 0 {
        return Ok(None);
    }
    if share::is_used_up(sql, context, &session.caller, part.size())? {
        let detail = "Messages from your network fill their share of this mailbox.";
        return Ok(Some(refuse(507, "network_share_full", detail)));
    }
    let share = share::bytes(context);
    let reserved = store::bytes_on_the_way_from(sql, network, &part.upload_id)?;
    let fits = reserved == 0 || reserved.saturating_add(part.size()) <= share;
    Ok((!fits).then(|| too_much("this network")))
}

fn too_much(whose: &str) -> PartAnswer {
    let detail = format!("Too much is under way for {whose}; finish or remove something first.");
    refuse(429, "too_many_uploads", &detail)
}

/// One session may neither begin without end nor fill the mailbox with reservations; the parts of one deposit
/// must agree on their number.
fn check_siblings(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: &StoredPart,
) -> Result<Option<PartAnswer>, SqlError> {
    let mut all = store::parts_of(sql, &part.name.session_id)?;
    all.retain(|other| {
        other.name != part.name && (other.state == PartState::Held || is_open(other, context))
    });
    let mut deposits: Vec<&str> = all
        .iter()
        .map(|other| other.name.deposit_id.as_str())
        .collect();
    deposits.push(&part.name.deposit_id);
    deposits.dedup();
    let sum = |size: &dyn Fn(&StoredPart) -> u64| {
        let sizes = all.iter().map(size);
        sizes.fold(size(part), u64::saturating_add)
    };
    let settings = context.settings;
    let most = settings
        .max_video_bytes
        .saturating_add(settings.max_voice_bytes);
    // A part of unknown length may still bring all that its kind allows, one of unknown kind all that any does.
    let possible = |part: &StoredPart| {
        let largest = settings.max_video_bytes.max(settings.max_voice_bytes);
        let kind = part.metadata.kind;
        let limit = kind.map_or(largest, |kind| size_limit(settings, kind));
        part.length.unwrap_or(limit)
    };
    if deposits.len() > OPEN_DEPOSITS
        || sum(&StoredPart::size) > most
        || sum(&possible) > most.saturating_mul(2)
    {
        return Ok(Some(too_much("this session")));
    }
    let disagree = all.iter().any(|other| {
        other.name.deposit_id == part.name.deposit_id
            && other
                .metadata
                .parts
                .zip(part.metadata.parts)
                .is_some_and(|(known, now)| known != now)
    });
    Ok(disagree.then(|| {
        let error = deposit::tus::TusError::MetadataConflict("parts".to_owned());
        refuse(error.status(), error.code(), &error.to_string())
    }))
}
