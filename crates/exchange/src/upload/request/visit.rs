//! One request at one upload: who asks, what about, and what is stored of it.

use deposit::{
    token::{SessionClaims, verify_session},
    tus::{
        Algorithm, Checksum, Headers, Metadata, Patch, TusError, check_version, parse_creation,
        parse_patch,
    },
    upload::Progress,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{
    context::Context,
    http::{Request, Response},
    mailbox::deposit::{
        Content, PartAnswer, PartAsk, PartName, PartRefusal, PartRequest, Reserved, Scan,
        effective_kind, encode, keeps_in_rows, size_limit,
    },
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
    upload::{
        Step,
        answer::{self, created, described, progress},
        rows,
        state::{self, Phase, Upload},
    },
    wakeup,
};

/// One request's surroundings.
pub(super) struct Visit<'a> {
    sql: &'a dyn Sql,
    context: &'a Context<'a>,
    head: &'a Request,
    name: PartName,
    claims: SessionClaims,
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

    /// POST: the mailbox decides whether the part may come.
    pub(super) fn create(&self) -> Result<Step, SqlError> {
        let creation = match parse_creation(Headers(&self.head.headers)) {
            Ok(creation) => creation,
            Err(error) => return Ok(self.breach(&error)),
        };
        let limit = self.limit(&creation.metadata);
        let length = creation.length.unwrap_or(0);
        if let Err(error) = Progress::new(Some(length), limit) {
            return Ok(self.breach(&error.into()));
        }
        Ok(self.ask(PartAsk::Reserve {
            length: creation.length,
            metadata: creation.metadata,
            late: self.claims.expires_at_ms <= self.context.now_ms,
        }))
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

    /// PATCH.
    pub(super) fn patch(&self) -> Result<Step, SqlError> {
        let patch = match parse_patch(Headers(&self.head.headers)) {
            Ok(patch) => patch,
            Err(error) => return Ok(self.breach(&error)),
        };
        let Some(upload) = self.load()? else {
            return Ok(self.ask(PartAsk::Find));
        };
        match &upload.phase {
            Phase::Open => self.patch_open(upload, &patch),
            Phase::Held => Ok(self.ask(PartAsk::Find)),
            Phase::Committed { receipt } => {
                Ok(self.patch_settled(&patch, upload.progress.offset, Some(receipt)))
            }
            Phase::Refused(refusal) => Ok(answered(answer::refused(self.head, refusal))),
            Phase::Gone => Ok(answer::gone(self.head)),
        }
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

    /// The mailbox has answered.
    pub(super) fn told(&self, told: PartAnswer) -> Result<Step, SqlError> {
        match told {
            PartAnswer::Reserved(reserved) => self.reserved(reserved),
            PartAnswer::Held { size } => self.taken(size, None),
            PartAnswer::Committed { size, receipt } => self.taken(size, Some(receipt)),
            PartAnswer::Dropped => self.dropped(),
            PartAnswer::Unknown => self.unknown(),
            PartAnswer::Refused(refusal) => self.refused(refusal),
        }
    }

    /// One piece of a body.
    pub(super) fn append(&self, epoch: i64, bytes: &[u8]) -> Result<Option<Step>, SqlError> {
        let Some(mut upload) = self.writing(epoch)? else {
            return Ok(Some(self.superseded()));
        };
        let limit = self.limit(&upload.metadata);
        let advanced = match upload.progress.advance(bytes.len() as u64, limit) {
            Ok(advanced) => advanced,
            Err(error) => return Ok(Some(self.breach(&error.into()))),
        };
        rows::add(self.sql, upload.progress.offset, bytes)?;
        upload.progress = advanced;
        upload.hash.update(bytes);
        state::save(self.sql, &upload)?;
        Ok(None)
    }

    /// The end of a body.
    pub(super) fn received(&self, epoch: i64) -> Result<Step, SqlError> {
        let Some(mut upload) = self.writing(epoch)? else {
            return Ok(self.superseded());
        };
        if let Some(checksum) = self.checksum()
            && !self.fits(&checksum, upload.settled.offset)?
        {
            self.roll_back(&mut upload)?;
            return Ok(self.breach(&TusError::ChecksumMismatch));
        }
        upload.unverified = false;
        if upload.progress.is_complete() {
            state::save(self.sql, &upload)?;
            return self.complete(&upload);
        }
        upload.settle();
        state::save(self.sql, &upload)?;
        Ok(answered(self.standing_after_body(&upload)))
    }

    /// The bytes are in the blob store: the mailbox may take them.
    pub(super) fn complete_from_blob(&self) -> Result<Step, SqlError> {
        let Some(upload) = self.load()? else {
            return Ok(answer::gone(self.head));
        };
        if !upload.progress.is_complete() || upload.phase != Phase::Open {
            return Ok(self.superseded());
        }
        let mut scan = Scan::new();
        rows::each(self.sql, 0, |bytes| scan.push(bytes))?;
        match scan.check(&upload.metadata) {
            Ok(checked) => Ok(self.ask_complete(
                &upload,
                Content::Blob {
                    content_type: checked.content_type,
                    duration_ms: checked.duration_ms,
                },
            )),
            Err(refusal) => self.refuse_for_good(upload, refusal),
        }
    }

    fn load(&self) -> Result<Option<Upload>, SqlError> {
        let upload = state::load(self.sql)?;
        Ok(upload.filter(|upload| self.context.now_ms < upload.reserved.expires_at_ms))
    }

    /// The upload, if the writer of this epoch is still the newest.
    fn writing(&self, epoch: i64) -> Result<Option<Upload>, SqlError> {
        let upload = self.load()?;
        Ok(upload.filter(|upload| upload.epoch == epoch && upload.phase == Phase::Open))
    }

    fn patch_open(&self, mut upload: Upload, patch: &Patch) -> Result<Step, SqlError> {
        let coming = content_length(self.head).unwrap_or(0);
        if let Err(error) = self.extend(&mut upload, patch, coming) {
            return Ok(self.breach(&error));
        }
        if upload.progress.is_complete() && patch.offset == upload.progress.offset && coming == 0 {
            // The bytes are all here; only the mailbox has not taken them yet.
            state::save(self.sql, &upload)?;
            return self.complete(&upload);
        }
        self.begin(upload, patch.length, patch.checksum.is_some())
    }

    /// Adds what a PATCH says to what is known, and sees whether its body will fit; a contradiction changes
    /// nothing.
    fn extend(&self, upload: &mut Upload, patch: &Patch, coming: u64) -> Result<(), TusError> {
        let held = upload.from(patch.offset);
        held.continue_at(patch.offset)?;
        let metadata = upload.metadata.merge(&patch.metadata)?;
        let limit = self.limit(&metadata);
        let held = match patch.length {
            Some(length) => held.declare(length, limit)?,
            None => held,
        };
        held.advance(coming, limit)?;
        upload.metadata = metadata;
        Ok(())
    }

    /// Makes this request the only writer, from the offset that was shown.
    fn begin(
        &self,
        mut upload: Upload,
        length: Option<u64>,
        with_checksum: bool,
    ) -> Result<Step, SqlError> {
        if upload.unverified || upload.progress.is_complete() {
            self.roll_back(&mut upload)?;
        }
        upload.settle();
        upload.progress.length = upload.progress.length.or(length);
        upload.unverified = with_checksum;
        upload.epoch = upload.epoch.saturating_add(1);
        let epoch = upload.epoch;
        state::save(self.sql, &upload)?;
        if content_length(self.head) == Some(0) {
            return self.received(epoch);
        }
        Ok(Step::Receive { epoch })
    }

    fn roll_back(&self, upload: &mut Upload) -> Result<(), SqlError> {
        rows::truncate(self.sql, upload.settled.offset)?;
        upload.roll_back();
        state::save(self.sql, upload)
    }

    /// Every byte is in: checks the declared hash and gives the part to the mailbox.
    fn complete(&self, upload: &Upload) -> Result<Step, SqlError> {
        let hash = upload.hash.finish();
        let declared = [upload.metadata.sha256, self.repr_digest()];
        if declared
            .into_iter()
            .flatten()
            .any(|declared| declared != hash)
        {
            let error = TusError::DigestMismatch;
            let refusal = PartRefusal {
                status: error.status(),
                code: error.code().to_owned(),
                detail: error.to_string(),
            };
            return self.refuse_for_good(upload.clone(), refusal);
        }
        if !keeps_in_rows(self.context.settings, upload.progress.offset) {
            return Ok(Step::Store {
                key: upload.reserved.blob_key.clone(),
                length: upload.progress.offset,
            });
        }
        let mut bytes = Vec::new();
        rows::each(self.sql, 0, |row| bytes.extend_from_slice(row))?;
        let base64 = encode(&bytes);
        Ok(self.ask_complete(upload, Content::Bytes { base64 }))
    }

    fn ask_complete(&self, upload: &Upload, content: Content) -> Step {
        self.ask(PartAsk::Complete {
            upload_id: upload.reserved.upload_id.clone(),
            size: upload.progress.offset,
            sha256: deposit::hex(&upload.hash.finish()),
            metadata: upload.metadata.clone(),
            content,
        })
    }

    /// Lets the bytes go and tells the mailbox; the sender hears the reason, now and when it asks again.
    fn refuse_for_good(&self, mut upload: Upload, refusal: PartRefusal) -> Result<Step, SqlError> {
        upload.phase = Phase::Refused(refusal);
        rows::truncate(self.sql, 0)?;
        state::save(self.sql, &upload)?;
        Ok(self.ask(PartAsk::Drop))
    }

    /// The mailbox expects the part.
    fn reserved(&self, reserved: Reserved) -> Result<Step, SqlError> {
        let upload = self.adopt(reserved)?;
        match self.head.method.as_str() {
            "POST" => self.created(upload),
            "HEAD" => self.describe(),
            "PATCH" => self.patch(),
            _ => Ok(answer::unavailable(self.head)),
        }
    }

    /// Takes the body of a POST, if nothing of the part is here yet.
    fn created(&self, upload: Upload) -> Result<Step, SqlError> {
        let creation = match parse_creation(Headers(&self.head.headers)) {
            Ok(creation) => creation,
            Err(error) => return Ok(self.breach(&error)),
        };
        let fresh = upload.phase == Phase::Open && upload.shown().offset == 0;
        if creation.with_upload && fresh {
            return self.begin(upload, creation.length, creation.checksum.is_some());
        }
        Ok(answered(created(self.standing(201, &upload), &self.name)))
    }

    /// Takes over a reservation, or goes on with the upload it belongs to.
    fn adopt(&self, reserved: Reserved) -> Result<Upload, SqlError> {
        let expires_at_ms = reserved.expires_at_ms;
        let known = self.load()?;
        let same = known
            .as_ref()
            .is_some_and(|known| known.reserved.upload_id == reserved.upload_id);
        let upload = match known {
            Some(mut known) if same => {
                // The mailbox has checked that nothing contradicts what was said before.
                let merged = known.metadata.merge(&reserved.metadata);
                known.metadata = merged.unwrap_or(known.metadata);
                known.progress.length = known.progress.length.or(reserved.length);
                known.reserved = reserved;
                known
            }
            known => {
                rows::truncate(self.sql, 0)?;
                let mut upload = Upload::new(&self.claims.mailbox, reserved);
                upload.epoch = known.map_or(0, |known| known.epoch);
                upload
            }
        };
        state::save(self.sql, &upload)?;
        wakeup::set(self.sql, "expire", "", expires_at_ms)?;
        Ok(upload)
    }

    /// The mailbox holds the part, with the receipt once the whole deposit is committed.
    fn taken(&self, size: u64, receipt: Option<String>) -> Result<Step, SqlError> {
        let finishing = self.note_taken(size, receipt.as_deref())?;
        let standing = |status| {
            self.standing_of(
                status,
                Progress {
                    offset: size,
                    length: Some(size),
                },
                receipt.as_deref(),
            )
        };
        Ok(match self.head.method.as_str() {
            "POST" => answered(created(standing(201), &self.name)),
            "HEAD" => answered(standing(200)),
            "PATCH" if finishing => answered(standing(204)),
            "PATCH" => match parse_patch(Headers(&self.head.headers)) {
                Ok(patch) => self.patch_settled(&patch, size, receipt.as_deref()),
                Err(error) => self.breach(&error),
            },
            _ => self.already_deposited(),
        })
    }

    /// Writes down that the mailbox has it. Whether this very request brought the last byte.
    fn note_taken(&self, size: u64, receipt: Option<&str>) -> Result<bool, SqlError> {
        let Some(mut upload) = self.load()? else {
            return Ok(false);
        };
        let finishing = upload.phase == Phase::Open && upload.progress.is_complete();
        upload.phase = receipt.map_or(Phase::Held, |receipt| Phase::Committed {
            receipt: receipt.to_owned(),
        });
        upload.progress = Progress {
            offset: size,
            length: Some(size),
        };
        rows::truncate(self.sql, 0)?;
        state::save(self.sql, &upload)?;
        Ok(finishing)
    }

    /// A PATCH of a part that the mailbox has: at its end it is a question for the receipt.
    fn patch_settled(&self, patch: &Patch, size: u64, receipt: Option<&str>) -> Step {
        let end = Progress {
            offset: size,
            length: Some(size),
        };
        if patch.offset == size && content_length(self.head).is_none_or(|length| length == 0) {
            return answered(self.standing_of(204, end, receipt));
        }
        let error = match end.continue_at(patch.offset) {
            Err(error) => error,
            Ok(()) => deposit::upload::ProgressError::Beyond { length: size },
        };
        let response = answer::tus(self.head, &error.into());
        answered(match receipt {
            Some(receipt) => response.with_header(answer::RECEIPT, receipt),
            None => response,
        })
    }

    fn dropped(&self) -> Result<Step, SqlError> {
        let upload = self.load()?;
        if let Some(Phase::Refused(refusal)) = upload.as_ref().map(|upload| &upload.phase)
            && self.head.method != "DELETE"
        {
            return Ok(answered(answer::refused(self.head, refusal)));
        }
        if let Some(mut upload) = upload {
            upload.phase = Phase::Gone;
            rows::truncate(self.sql, 0)?;
            state::save(self.sql, &upload)?;
        }
        Ok(answered(
            Response::status(204).with_header("tus-resumable", deposit::tus::VERSION),
        ))
    }

    fn unknown(&self) -> Result<Step, SqlError> {
        match self.load()? {
            Some(upload) if matches!(upload.phase, Phase::Refused(_)) => self.dropped(),
            Some(_) => {
                super::expire(self.sql)?;
                Ok(answer::gone(self.head))
            }
            None => Ok(answer::unknown(self.head)),
        }
    }

    /// The mailbox says no. What may succeed later leaves everything as it is.
    fn refused(&self, refusal: PartRefusal) -> Result<Step, SqlError> {
        let response = answer::refused(self.head, &refusal);
        if refusal.status < 500
            && self.head.method != "POST"
            && let Some(mut upload) = self.load()?
            && upload.phase == Phase::Open
        {
            rows::truncate(self.sql, 0)?;
            upload.phase = Phase::Refused(refusal);
            state::save(self.sql, &upload)?;
        }
        Ok(answered(response))
    }

    fn ask(&self, ask: PartAsk) -> Step {
        let request = PartRequest {
            name: self.name.clone(),
            ask,
        };
        Step::Ask {
            to: Object::Mailbox(self.claims.mailbox.clone()),
            signal: Box::new(Signal::Part { request }),
        }
    }

    fn standing_after_body(&self, upload: &Upload) -> Response {
        if self.head.method == "POST" {
            return created(self.standing(201, upload), &self.name);
        }
        self.standing(204, upload)
    }

    fn standing(&self, status: u16, upload: &Upload) -> Response {
        let receipt = match &upload.phase {
            Phase::Committed { receipt } => Some(receipt.as_str()),
            _ => None,
        };
        let expires = (upload.phase == Phase::Open).then_some(upload.reserved.expires_at_ms);
        progress(status, upload.shown(), expires, receipt)
    }

    fn standing_of(&self, status: u16, standing: Progress, receipt: Option<&str>) -> Response {
        progress(status, standing, None, receipt)
    }

    fn breach(&self, error: &TusError) -> Step {
        answered(answer::tus(self.head, error))
    }

    fn superseded(&self) -> Step {
        let detail = "Another request writes this upload now.";
        answer::refuse(self.head, 409, "upload_superseded", detail)
    }

    fn already_deposited(&self) -> Step {
        let detail = "The deposit is committed; it can no longer be taken back here.";
        answer::refuse(self.head, 409, "already_deposited", detail)
    }

    fn limit(&self, metadata: &Metadata) -> u64 {
        size_limit(self.context.settings, effective_kind(metadata))
    }

    fn checksum(&self) -> Option<Checksum> {
        let text = Headers(&self.head.headers).get("upload-checksum")?;
        Checksum::parse(text).ok()
    }

    fn repr_digest(&self) -> Option<[u8; 32]> {
        let text = Headers(&self.head.headers).get("repr-digest")?;
        deposit::tus::parse_repr_digest(text).ok().flatten()
    }

    /// Whether the bytes from `offset` on have this checksum.
    fn fits(&self, checksum: &Checksum, offset: u64) -> Result<bool, SqlError> {
        let digest = match checksum.algorithm {
            Algorithm::Sha1 => self.digest::<Sha1>(offset)?,
            Algorithm::Sha256 => self.digest::<Sha256>(offset)?,
        };
        Ok(digest == checksum.digest)
    }

    fn digest<D: Digest>(&self, offset: u64) -> Result<Vec<u8>, SqlError> {
        let mut hash = D::new();
        rows::each(self.sql, offset, |bytes| hash.update(bytes))?;
        Ok(hash.finalize().to_vec())
    }
}

fn answered(response: Response) -> Step {
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
fn content_length(head: &Request) -> Option<u64> {
    head.header("content-length")?.parse().ok()
}
