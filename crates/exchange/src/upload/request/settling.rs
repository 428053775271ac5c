//! What the mailbox said, and what becomes of the upload by it.

use deposit::{
    tus::{Headers, Patch, parse_creation, parse_patch},
    upload::{Progress, ProgressError},
};

use super::visit::{Visit, answered, content_length};
use crate::{
    http::Response,
    mailbox::deposit::{PartAnswer, PartRefusal, Reserved},
    sql::SqlError,
    upload::{
        Step,
        answer::{self, created},
        rows,
        state::{self, Phase, Upload},
    },
    wakeup,
};

impl Visit<'_> {
    /// The mailbox has answered.
    pub(super) fn told(&self, told: PartAnswer) -> Result<Step, SqlError> {
        match told {
            PartAnswer::Reserved(reserved) => self.reserved(*reserved),
            PartAnswer::Held { size } => self.taken(size, None),
            PartAnswer::Committed { size, receipt } => self.taken(size, Some(receipt)),
            PartAnswer::Dropped => self.dropped(),
            PartAnswer::Unknown => self.unknown(),
            PartAnswer::Refused(refusal) => self.refused(refusal),
        }
    }

    /// The mailbox expects the part, or did: a reply may be so late that its reservation has run out, or that another
    /// one has followed. Nothing begins by that, least of all anew what was acknowledged.
    fn reserved(&self, reserved: Reserved) -> Result<Step, SqlError> {
        let known = self.load()?;
        if reserved.expires_at_ms <= self.context.now_ms || is_followed(&reserved, known.as_ref()) {
            return Ok(answer::unavailable(self.head));
        }
        let upload = self.adopt(known, reserved)?;
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

    /// Takes over a reservation, or goes on with the upload it belongs to. One that was refused here while the
    /// mailbox still expects it (the process died in between, or the refusal was for an older upload) begins anew.
    fn adopt(&self, known: Option<Upload>, reserved: Reserved) -> Result<Upload, SqlError> {
        let expires_at_ms = reserved.expires_at_ms;
        let same = known.as_ref().is_some_and(|known| {
            let lives = !matches!(known.phase, Phase::Gone | Phase::Refused(_));
            lives && known.reserved.upload_id == reserved.upload_id
        });
        let upload = match known {
            Some(mut known) if same => {
                // The mailbox has checked that nothing contradicts what was said before.
                let merged = known.metadata.merge(&reserved.metadata);
                known.metadata = merged.unwrap_or(known.metadata);
                known.progress.length = known.progress.length.or(reserved.length);
                known.reserved = reserved;
                known
            }
            _ => {
                rows::truncate(self.sql, 0)?;
                Upload::new(&self.claims.mailbox, reserved)
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
    pub(super) fn patch_settled(&self, patch: &Patch, size: u64, receipt: Option<&str>) -> Step {
        let end = Progress {
            offset: size,
            length: Some(size),
        };
        if patch.offset == size && content_length(self.head).is_none_or(|length| length == 0) {
            return answered(self.standing_of(204, end, receipt));
        }
        let error = match end.continue_at(patch.offset) {
            Err(error) => error,
            Ok(()) => ProgressError::Beyond { length: size },
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

    /// The mailbox says no. What may succeed later leaves everything as it is, and so does an answer to a
    /// question that was asked before the present upload began.
    fn refused(&self, refusal: PartRefusal) -> Result<Step, SqlError> {
        let response = answer::refused(self.head, &refusal);
        if refusal.status < 500
            && self.head.method != "POST"
            && let Some(mut upload) = self.load()?
            && upload.phase == Phase::Open
            && upload.progress.is_complete()
        {
            rows::truncate(self.sql, 0)?;
            upload.phase = Phase::Refused(refusal);
            state::save(self.sql, &upload)?;
        }
        Ok(answered(response))
    }
}

/// Whether an upload goes on that was reserved after this one.
fn is_followed(reserved: &Reserved, known: Option<&Upload>) -> bool {
    known.is_some_and(|known| {
        !matches!(known.phase, Phase::Gone | Phase::Refused(_))
            && known.reserved.upload_id != reserved.upload_id
            && known.reserved.expires_at_ms > reserved.expires_at_ms
    })
}
