//! The commit: once, when all parts are in, in the transaction of the last part. Message, receipt and the
//! intents to tell the owner are written together.

use deposit::{
    receipt::{Receipt, ReceiptPart, sign},
    tus::Metadata,
};
use sha2::{Digest, Sha256};

use super::{
    Answered, Checked, PartAnswer, PartName, PartRefusal, Scan, conflict, effective_kind, gone,
    refuse,
    reservation::{check_session, has_room, is_open, too_large},
    size_limit,
    store::{self, Committed, PartState, StoredPart},
    sweep,
};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{
        address, media,
        message::{self, NewMessage, NewPart},
        notification,
        session::Session,
    },
    sql::{Sql, SqlError},
};

/// A part with all its bytes.
pub(super) struct Complete {
    pub(super) upload_id: String,
    pub(super) size: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
    pub(super) metadata: Metadata,
    pub(super) content: Bytes,
}

/// Where the bytes are.
pub(super) enum Bytes {
    Here(Vec<u8>),
    /// In the blob store; the upload has looked at them.
    Blob(Checked),
}

/// Takes a complete part, and commits the deposit if it was the last.
pub(super) fn complete(
    sql: &dyn Sql,
    context: &Context<'_>,
    name: &PartName,
    complete: Complete,
) -> Result<Answered, SqlError> {
    let Some(part) = store::part(sql, name)? else {
        return Ok((gone(), Vec::new()));
    };
    match part.state {
        PartState::Committed | PartState::Held => repeated(sql, &part, &complete),
        PartState::Reserved if part.upload_id == complete.upload_id && is_open(&part, context) => {
            take(sql, context, Standing::Written(part), complete)
        }
        PartState::Reserved | PartState::Dead => Ok((gone(), Vec::new())),
    }
}

/// A part that came whole with its request; `renewed` says that it was reserved before.
pub(super) fn complete_at_once(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: StoredPart,
    renewed: bool,
    complete: Complete,
) -> Result<Answered, SqlError> {
    let standing = if renewed {
        Standing::Written(part)
    } else {
        Standing::Fresh(part)
    };
    take(sql, context, standing, complete)
}

/// A part about to be taken.
enum Standing {
    /// Its row is there.
    Written(StoredPart),
    /// Nobody has heard of it before this request.
    Fresh(StoredPart),
}

impl Standing {
    const fn part(&self) -> &StoredPart {
        match self {
            Self::Written(part) | Self::Fresh(part) => part,
        }
    }
}

/// The same part again: the same answer. Other content under its name is a conflict.
fn repeated(sql: &dyn Sql, part: &StoredPart, complete: &Complete) -> Result<Answered, SqlError> {
    let same = part.size() == complete.size && part.sha256 == complete.sha256;
    let answer = match store::committed(sql, &part.name)? {
        _ if !same => conflict(),
        Some(committed) => PartAnswer::Committed {
            size: part.size(),
            receipt: committed.receipt,
        },
        None => PartAnswer::Held { size: part.size() },
    };
    Ok((answer, Vec::new()))
}

fn take(
    sql: &dyn Sql,
    context: &Context<'_>,
    standing: Standing,
    complete: Complete,
) -> Result<Answered, SqlError> {
    let session = match check_session(sql, &standing.part().name)? {
        Ok(session) => session,
        Err(refusal) => return refused(sql, context, standing, refusal),
    };
    let checked = match check(context, &complete) {
        Ok(checked) => checked,
        Err(refusal) => return refused(sql, context, standing, refusal),
    };
    if !has_room(sql, context, complete.size, &standing.part().upload_id)? {
        return Ok((
            refuse(503, "mailbox_full", "The mailbox is full."),
            Vec::new(),
        ));
    }
    let fresh = matches!(standing, Standing::Fresh(_));
    let held = hold(sql, standing.part(), complete, checked)?;
    if let Some(parts) = whole_deposit(sql, &held)? {
        return commit(sql, context, &session, &parts, &held);
    }
    store::put_part(sql, &held)?;
    if fresh {
        sweep::watch(sql, &held)?;
    }
    Ok((PartAnswer::Held { size: held.size() }, Vec::new()))
}

/// A refusal for good: the upload is gone.
fn refused(
    sql: &dyn Sql,
    context: &Context<'_>,
    standing: Standing,
    refusal: PartAnswer,
) -> Result<Answered, SqlError> {
    let effects = match standing {
        Standing::Written(part) => sweep::kill(sql, context, part)?,
        Standing::Fresh(_) => Vec::new(),
    };
    Ok((refusal, effects))
}

/// Looks at the bytes: length, hash, and what they are.
fn check(context: &Context<'_>, complete: &Complete) -> Result<Checked, PartAnswer> {
    let limit = size_limit(context.settings, effective_kind(&complete.metadata));
    if complete.size > limit {
        return Err(too_large(limit));
    }
    let declared = complete.metadata.sha256.map(|hash| deposit::hex(&hash));
    if declared.is_some_and(|declared| declared != complete.sha256) {
        return Err(digest_mismatch());
    }
    let bytes = match &complete.content {
        Bytes::Blob(checked) => return Ok(checked.clone()),
        Bytes::Here(bytes) => bytes,
    };
    let hash = deposit::hex(&Sha256::digest(bytes));
    if bytes.len() as u64 != complete.size || hash != complete.sha256 {
        return Err(digest_mismatch());
    }
    let mut scan = Scan::new();
    scan.push(bytes);
    scan.check(&complete.metadata).map_err(PartAnswer::Refused)
}

fn digest_mismatch() -> PartAnswer {
    let error = deposit::tus::TusError::DigestMismatch;
    PartAnswer::Refused(PartRefusal {
        status: error.status(),
        code: error.code().to_owned(),
        detail: error.to_string(),
    })
}

/// Writes the bytes, if they are here, and says what is known of the part now.
fn hold(
    sql: &dyn Sql,
    part: &StoredPart,
    complete: Complete,
    checked: Checked,
) -> Result<StoredPart, SqlError> {
    let in_blob = match &complete.content {
        Bytes::Here(bytes) => {
            media::store(sql, &part.upload_id, bytes)?;
            false
        }
        Bytes::Blob(_) => true,
    };
    Ok(StoredPart {
        state: PartState::Held,
        length: Some(complete.size),
        sha256: complete.sha256,
        content_type: checked.content_type,
        duration_ms: checked.duration_ms,
        in_blob,
        metadata: complete.metadata,
        ..part.clone()
    })
}

/// All parts, this one among them, if all are held. A number of parts that nobody has given is one, unless others have begun.
fn whole_deposit(sql: &dyn Sql, held: &StoredPart) -> Result<Option<Vec<StoredPart>>, SqlError> {
    let mut parts = store::parts_of(sql, &held.name.session_id)?;
    parts.retain(|part| {
        part.name.deposit_id == held.name.deposit_id
            && part.name.part != held.name.part
            && part.state != PartState::Dead
    });
    parts.push(held.clone());
    parts.sort_by_key(|part| part.name.part);
    let declared = parts.iter().find_map(|part| part.metadata.parts);
    let expected = match declared {
        Some(declared) => usize::try_from(declared).unwrap_or(usize::MAX),
        None => parts.len(),
    };
    let all_held = parts.iter().all(|part| part.state == PartState::Held);
    let numbered = parts
        .iter()
        .zip(0u32..)
        .all(|(part, number)| part.name.part == number);
    Ok((all_held && numbered && parts.len() == expected).then_some(parts))
}

fn commit(
    sql: &dyn Sql,
    context: &Context<'_>,
    session: &Session,
    parts: &[StoredPart],
    last: &StoredPart,
) -> Result<Answered, SqlError> {
    let committed = Committed {
        deposit_id: last.name.deposit_id.clone(),
        message_id: message::new_id(sql, context)?,
        committed_at_ms: context.now_ms,
        receipt: String::new(),
        parts: parts.iter().map(store::KeptPart::of).collect(),
    };
    let receipt = receipt(context, session, parts, &committed)
        .ok_or_else(|| SqlError("the receipt could not be signed".to_owned()))?;
    let committed = Committed {
        receipt: receipt.clone(),
        ..committed
    };
    message::insert(sql, context, &new_message(session, parts, &committed))?;
    store::add_committed(sql, &session.id, &committed)?;
    for part in parts {
        sweep::unwatch(sql, context, part)?;
    }
    store::remove_parts(sql, &last.name)?;
    let mut effects = drop_other_deposits(sql, context, last)?;
    effects.extend(notification::announce(sql, context, &committed.message_id)?);
    let size = last.size();
    Ok((PartAnswer::Committed { size, receipt }, effects))
}

/// The session is used up: whatever else was begun with it can never be committed.
fn drop_other_deposits(
    sql: &dyn Sql,
    context: &Context<'_>,
    last: &StoredPart,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for other in store::parts_of(sql, &last.name.session_id)? {
        let open = matches!(other.state, PartState::Reserved | PartState::Held);
        if open && other.name.deposit_id != last.name.deposit_id {
            effects.extend(sweep::kill(sql, context, other)?);
        }
    }
    Ok(effects)
}

fn receipt(
    context: &Context<'_>,
    session: &Session,
    parts: &[StoredPart],
    committed: &Committed,
) -> Option<String> {
    let receipt = Receipt {
        issuer: context.settings.public_url.clone(),
        mailbox: address(context).to_owned(),
        committed_at_ms: committed.committed_at_ms,
        message_id: committed.message_id.clone(),
        session_id: session.id.clone(),
        deposit_id: committed.deposit_id.clone(),
        parts: parts
            .iter()
            .map(|part| ReceiptPart {
                part: part.name.part,
                size: part.size(),
                sha256: part.sha256.clone(),
            })
            .collect(),
    };
    sign(&receipt, &context.settings.receipt_keys)
}

fn new_message(session: &Session, parts: &[StoredPart], committed: &Committed) -> NewMessage {
    let first = parts.first();
    let metadata = first.map(|part| &part.metadata);
    let kind = metadata.map(effective_kind).unwrap_or_default();
    NewMessage {
        id: committed.message_id.clone(),
        session_id: session.id.clone(),
        deposit_id: committed.deposit_id.clone(),
        caller: session.caller.clone(),
        recorded_at: metadata
            .and_then(|metadata| metadata.recorded_at_ms)
            .map(deposit::time::rfc3339),
        kind: kind.as_str().to_owned(),
        duration_ms: first.map_or(0, |part| part.duration_ms),
        waveform: metadata.map_or_else(|| "[]".to_owned(), waveform),
        parts: parts.iter().map(new_part).collect(),
    }
}

fn new_part(part: &StoredPart) -> NewPart {
    NewPart {
        part: part.name.part,
        kind: effective_kind(&part.metadata).as_str().to_owned(),
        content_type: part.content_type.clone(),
        size: part.size(),
        sha256: part.sha256.clone(),
        duration_ms: part.duration_ms,
        media_id: part.upload_id.clone(),
        blob_key: part.in_blob.then(|| part.blob_key.clone()),
        metadata: serde_json::to_string(&part.metadata).unwrap_or_else(|_| "{}".to_owned()),
    }
}

/// Peaks from 0 to 100 as JSON, of peaks from 0 to 255.
fn waveform(metadata: &Metadata) -> String {
    let peaks = metadata.waveform.as_deref().unwrap_or_default();
    let scaled: Vec<String> = peaks
        .iter()
        .map(|peak| (u32::from(*peak).saturating_mul(100) / 255).to_string())
        .collect();
    format!("[{}]", scaled.join(","))
}
