//! Everything that an upload can be refused for: one table of code, text and status.

use thiserror::Error;

use crate::upload::ProgressError;

/// Why a request is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TusError {
    /// `Tus-Resumable` is missing or another version.
    #[error("only tus 1.0.0 is spoken")]
    Version,
    /// Not `application/offset+octet-stream`.
    #[error("the content type must be application/offset+octet-stream")]
    ContentType,
    /// A header that must be a whole number is missing or is not one.
    #[error("the header {0} is missing or not a valid number")]
    Number(&'static str),
    /// Neither `Upload-Length` nor `Upload-Defer-Length`.
    #[error("Upload-Length or Upload-Defer-Length: 1 is needed")]
    LengthMissing,
    /// `Upload-Metadata` is not a list of keys and base64 values.
    #[error("Upload-Metadata is malformed near {0:?}")]
    Metadata(String),
    /// A known key has a value that it cannot have.
    #[error("the metadata {0} has an invalid value")]
    MetadataValue(String),
    /// A key is there twice.
    #[error("the metadata {0} is given twice")]
    MetadataTwice(String),
    /// A key differs from what was said before.
    #[error("the metadata {0} differs from what was given before")]
    MetadataConflict(String),
    /// `Upload-Checksum` is malformed.
    #[error("the checksum is malformed")]
    Checksum,
    /// An algorithm that is not offered.
    #[error("the checksum algorithm is not one of sha1, sha256")]
    ChecksumAlgorithm,
    /// The body has another checksum.
    #[error("the body does not have the given checksum")]
    ChecksumMismatch,
    /// `Repr-Digest` is malformed.
    #[error("Repr-Digest is malformed")]
    Digest,
    /// The whole upload has another hash than was declared.
    #[error("the upload does not have the declared SHA-256")]
    DigestMismatch,
    /// `Upload-Concat` is not offered.
    #[error("concatenation is not offered")]
    Concatenation,
    /// Offset, length or size do not fit.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

impl TusError {
    /// The stable code on which clients branch.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "tus_version",
            Self::ContentType => "wrong_content_type",
            Self::Number(_) => "header_invalid",
            Self::LengthMissing => "upload_length_missing",
            Self::Metadata(_) => "metadata_malformed",
            Self::MetadataValue(_) => "metadata_invalid",
            Self::MetadataTwice(_) => "metadata_twice",
            Self::MetadataConflict(_) => "metadata_conflict",
            Self::Checksum => "checksum_malformed",
            Self::ChecksumAlgorithm => "checksum_unsupported",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::Digest => "digest_malformed",
            Self::DigestMismatch => "digest_mismatch",
            Self::Concatenation => "concatenation_unsupported",
            Self::Progress(ProgressError::Offset { .. }) => "upload_offset_mismatch",
            Self::Progress(ProgressError::Beyond { .. }) => "upload_beyond_length",
            Self::Progress(ProgressError::TooLarge { .. }) => "upload_too_large",
            Self::Progress(ProgressError::Length) => "upload_length_conflict",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Version => 412,
            Self::ContentType => 415,
            Self::MetadataConflict(_)
            | Self::Progress(ProgressError::Offset { .. } | ProgressError::Length) => 409,
            Self::Progress(ProgressError::TooLarge { .. } | ProgressError::Beyond { .. }) => 413,
            Self::ChecksumMismatch => 460,
            Self::DigestMismatch => 422,
            _ => 400,
        }
    }

    /// Headers that go with the answer.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("tus-resumable".to_owned(), super::VERSION.to_owned())];
        if *self == Self::Version {
            headers.push(("tus-version".to_owned(), super::VERSION.to_owned()));
        }
        if let Self::Progress(ProgressError::Offset { held, .. }) = self {
            headers.push(("upload-offset".to_owned(), held.to_string()));
        }
        headers
    }
}
