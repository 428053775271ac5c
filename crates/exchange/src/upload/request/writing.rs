//! Bytes on their way in: what a POST or PATCH brings, and the end of it.

use deposit::{
    tus::{Algorithm, Checksum, Headers, Metadata, Patch, TusError, parse_creation, parse_patch},
    upload::Progress,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::visit::{Visit, answered, content_length};
use crate::{
    mailbox::deposit::{
        Content, PartAsk, PartRefusal, Scan, effective_kind, encode, keeps_in_rows, size_limit,
    },
    sql::SqlError,
    upload::{
        Step, answer, rows,
        state::{self, Phase, Upload},
    },
};

impl Visit<'_> {
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
    pub(super) fn begin(
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
        let epoch = self.new_epoch();
        upload.epoch = epoch;
        state::save(self.sql, &upload)?;
        if content_length(self.head) == Some(0) {
            return self.received(epoch);
        }
        Ok(Step::Receive { epoch })
    }

    /// A name for the newest writer that no other ever had: an upload may be forgotten and made again while an
    /// old writer goes on. 48 random bits, which the edge's storage holds exactly.
    fn new_epoch(&self) -> i64 {
        let drawn = self.context.entropy.bytes::<6>();
        drawn
            .iter()
            .fold(0, |epoch, byte| epoch << 8 | i64::from(*byte))
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
