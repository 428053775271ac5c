//! tus 1.0.0 over the [`crate::upload`] core: what the headers of each request ask for and what answers
//! say. Extensions: creation, creation-with-upload, creation-defer-length, expiration, checksum, termination.
//! Concatenation is refused, never ignored: a partial upload must not become a message.

mod checksum;
mod error;
mod metadata;

pub use self::{
    checksum::{Algorithm, Checksum, parse_repr_digest},
    error::TusError,
    metadata::{Kind, MAX_PARTS, MAX_TEXT_BYTES, Metadata},
};

/// The only version spoken.
pub const VERSION: &str = "1.0.0";
/// `Tus-Extension`.
pub const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination";
/// `Tus-Checksum-Algorithm`.
pub const CHECKSUM_ALGORITHMS: &str = "sha1,sha256";
/// The content type of every request that carries bytes.
pub const CONTENT_TYPE: &str = "application/offset+octet-stream";

/// The headers of a request, names in lower case.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a>(pub &'a [(String, String)]);

/// What a POST to `/deposits` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// Declared length; nothing with `Upload-Defer-Length: 1`.
    pub length: Option<u64>,
    /// What is known of the part.
    pub metadata: Metadata,
    /// Whether bytes follow in the body (creation-with-upload).
    pub with_upload: bool,
    /// Checksum of the body.
    pub checksum: Option<Checksum>,
    /// `Repr-Digest` with SHA-256 (RFC 9530).
    pub sha256: Option<[u8; 32]>,
}

/// What a PATCH of an upload asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Where the body belongs.
    pub offset: u64,
    /// The length, declared now.
    pub length: Option<u64>,
    /// Keys not given before.
    pub metadata: Metadata,
    /// Checksum of the body.
    pub checksum: Option<Checksum>,
    /// `Repr-Digest` with SHA-256 (RFC 9530), of the whole upload.
    pub sha256: Option<[u8; 32]>,
}

impl<'a> Headers<'a> {
    /// The first header with this lower-case name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.trim())
    }

    fn number(self, name: &'static str) -> Result<Option<u64>, TusError> {
        self.get(name)
            .map(|text| number(text).ok_or(TusError::Number(name)))
            .transpose()
    }

    /// Whether a body comes with the request.
    fn has_body(self) -> bool {
        self.get("transfer-encoding").is_some()
            || self
                .get("content-length")
                .is_some_and(|length| length != "0")
    }

    fn sha256(self) -> Result<Option<[u8; 32]>, TusError> {
        self.get("repr-digest").map_or(Ok(None), parse_repr_digest)
    }

    fn checksum(self) -> Result<Option<Checksum>, TusError> {
        self.get("upload-checksum").map(Checksum::parse).transpose()
    }

    fn check_content_type(self) -> Result<(), TusError> {
        let given = self.get("content-type").unwrap_or_default();
        let bare = given.split(';').next().unwrap_or_default().trim();
        if bare.eq_ignore_ascii_case(CONTENT_TYPE) {
            Ok(())
        } else {
            Err(TusError::ContentType)
        }
    }
}

/// A non-negative whole number as tus means it: digits only, within what SQLite holds exactly.
fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if plain {
        text.parse().ok()?
    } else {
        return None;
    };
    (value < (1 << 53)).then_some(value)
}

/// Refuses a foreign `Tus-Resumable`, on every method but OPTIONS. A HEAD may leave it out.
pub fn check_version(method: &str, headers: Headers<'_>) -> Result<(), TusError> {
    match headers.get("tus-resumable") {
        Some(VERSION) => Ok(()),
        None if method == "HEAD" => Ok(()),
        _ => Err(TusError::Version),
    }
}

/// Reads a POST.
pub fn parse_creation(headers: Headers<'_>) -> Result<Creation, TusError> {
    check_version("POST", headers)?;
    if headers.get("upload-concat").is_some() {
        return Err(TusError::Concatenation);
    }
    let length = match (
        headers.number("upload-length")?,
        headers.get("upload-defer-length"),
    ) {
        (Some(length), None) => Some(length),
        (None, Some("1")) => None,
        (None, None) => return Err(TusError::LengthMissing),
        _ => return Err(TusError::Number("upload-defer-length")),
    };
    let with_upload = headers.has_body();
    if with_upload {
        headers.check_content_type()?;
    }
    Ok(Creation {
        length,
        metadata: Metadata::parse(headers.get("upload-metadata").unwrap_or_default())?,
        with_upload,
        checksum: headers.checksum()?,
        sha256: headers.sha256()?,
    })
}

/// Reads a PATCH.
pub fn parse_patch(headers: Headers<'_>) -> Result<Patch, TusError> {
    check_version("PATCH", headers)?;
    headers.check_content_type()?;
    Ok(Patch {
        offset: headers
            .number("upload-offset")?
            .ok_or(TusError::Number("upload-offset"))?,
        length: headers.number("upload-length")?,
        metadata: Metadata::parse(headers.get("upload-metadata").unwrap_or_default())?,
        checksum: headers.checksum()?,
        sha256: headers.sha256()?,
    })
}

/// The headers of the answer to OPTIONS.
#[must_use]
pub fn option_headers(max_size: u64) -> Vec<(String, String)> {
    [
        ("tus-resumable", VERSION.to_owned()),
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-checksum-algorithm", CHECKSUM_ALGORITHMS.to_owned()),
        ("tus-max-size", max_size.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The headers that say where an upload stands.
#[must_use]
pub fn progress_headers(
    progress: &crate::upload::Progress,
    expires_at_ms: Option<i64>,
) -> Vec<(String, String)> {
    let mut headers = vec![
        ("tus-resumable", VERSION.to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("upload-offset", progress.offset.to_string()),
        match progress.length {
            Some(length) => ("upload-length", length.to_string()),
            None => ("upload-defer-length", "1".to_owned()),
        },
    ];
    if let Some(time_ms) = expires_at_ms {
        headers.push(("upload-expires", crate::time::http_date(time_ms)));
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests;
