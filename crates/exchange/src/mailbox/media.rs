//! Media: small ones in the mailbox's own database in rows of at most [`CHUNK_BYTES`], large ones in the blob
//! store. Reading them by ranges, and removing them for good.

use super::range::Range;
use crate::{
    context::Context,
    effect::Effect,
    front,
    http::{Body, Request, Response},
    problem,
    rendition::{self, Order},
    sql::{Sql, SqlError, Value},
    wakeup,
};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE media_chunks (media_id TEXT NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (media_id, position)) WITHOUT ROWID",
];

/// Kind of the wake-ups at which a blob is deleted; the key is the blob's.
pub const WAKEUP: &str = "blob";

/// Size of every row but the last of a medium.
pub const CHUNK_BYTES: usize = 1_000_000;
const CHUNK: u64 = CHUNK_BYTES as u64;

const BLOB_RETRY_MS: i64 = 60_000;

/// A medium as it lies in storage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Medium {
    /// Id in the media chunks.
    pub(crate) media_id: String,
    /// Key in the blob store, if the bytes are there.
    pub(crate) blob_key: Option<String>,
    /// Checked content type.
    pub(crate) content_type: String,
    /// Length in bytes.
    pub(crate) size: u64,
    /// Changes with the content.
    pub(crate) etag: String,
    /// What a browser calls the saved file.
    pub(crate) file_name: String,
    /// Whether it is only to be saved, whatever it is.
    pub(crate) is_file: bool,
}

/// Stores a whole medium under a fresh id.
pub fn store(sql: &dyn Sql, media_id: &str, bytes: &[u8]) -> Result<(), SqlError> {
    for (position, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let parameters: [Value; 3] = [media_id.into(), position.into(), chunk.to_vec().into()];
        sql.query(
            "INSERT INTO media_chunks (media_id, position, bytes) VALUES (?, ?, ?)",
            &parameters,
        )?;
    }
    Ok(())
}

/// At most `length` bytes from `offset`; only the rows that hold them are read.
pub fn read(sql: &dyn Sql, media_id: &str, offset: u64, length: u64) -> Result<Vec<u8>, SqlError> {
    let first = offset / CHUNK;
    let last = offset.saturating_add(length).saturating_sub(1) / CHUNK;
    let rows = sql.query(
        "SELECT bytes FROM media_chunks WHERE media_id = ? AND position BETWEEN ? AND ? ORDER BY position",
        &[media_id.into(), first.into(), last.into()],
    )?;
    let held: Vec<u8> = rows.iter().flat_map(|row| row.blob(0)).collect();
    let skip = usize::try_from(offset % CHUNK).unwrap_or(usize::MAX);
    let take = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(held.into_iter().skip(skip).take(take).collect())
}

/// Removes a medium from the database; absent is fine.
pub fn remove(sql: &dyn Sql, media_id: &str) -> Result<(), SqlError> {
    sql.query(
        "DELETE FROM media_chunks WHERE media_id = ?",
        &[media_id.into()],
    )?;
    Ok(())
}

/// Deletes a blob, and again until the store has said that it is gone.
pub fn remove_blob(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    let due = context.now_ms.saturating_add(BLOB_RETRY_MS);
    wakeup::set(sql, WAKEUP, key, due)?;
    Ok(vec![Effect::DeleteBlob {
        key: key.to_owned(),
    }])
}

pub(super) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    remove_blob(sql, context, key)
}

pub(super) fn on_blob_deleted(
    sql: &dyn Sql,
    key: &str,
    gone: bool,
) -> Result<Vec<Effect>, SqlError> {
    if gone {
        wakeup::clear(sql, WAKEUP, key)?;
    }
    Ok(Vec::new())
}

/// The answer with a medium's bytes, whole or in the range that was asked for.
pub(super) fn serve(
    sql: &dyn Sql,
    request: &Request,
    medium: &Medium,
) -> Result<Response, SqlError> {
    let (mut response, span) = headed(request, medium);
    if let Some((offset, length)) = span {
        response.body = match &medium.blob_key {
            Some(key) => Body::Blob {
                key: key.clone(),
                offset,
                length,
            },
            None => Body::Bytes(read(sql, &medium.media_id, offset, length)?),
        };
    }
    Ok(response)
}

/// The whole medium with what the front is to make of it.
pub(super) fn serve_rendition(
    sql: &dyn Sql,
    request: &Request,
    medium: &Medium,
    order: &Order,
) -> Result<Response, SqlError> {
    if let Some(unchanged) = rendition::unchanged(request, order) {
        return Ok(unchanged);
    }
    let body = match &medium.blob_key {
        Some(key) => Body::Blob {
            key: key.clone(),
            offset: 0,
            length: medium.size,
        },
        None => Body::Bytes(read(sql, &medium.media_id, 0, medium.size)?),
    };
    let order = serde_json::to_string(order).unwrap_or_default();
    let response = Response::status(200).with_header(rendition::ORDER, order);
    Ok(Response { body, ..response })
}

/// The same for bytes that are at hand.
pub(crate) fn serve_bytes(request: &Request, medium: &Medium, bytes: &[u8]) -> Response {
    let (mut response, span) = headed(request, medium);
    if let Some((offset, length)) = span {
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = usize::try_from(length).unwrap_or(usize::MAX);
        let part: Vec<u8> = bytes.iter().skip(skip).take(take).copied().collect();
        response.body = Body::Bytes(part);
    }
    response
}

/// The answer without its body, and which bytes (offset and length) the body is, if there is one.
fn headed(request: &Request, medium: &Medium) -> (Response, Option<(u64, u64)>) {
    let etag = format!("\"{}\"", medium.etag);
    if request.header("if-none-match") == Some(etag.as_str()) {
        return (Response::status(304).with_header("etag", etag), None);
    }
    let fresh = request.header("if-range").is_none_or(|tag| tag == etag);
    let asked = request.header("range").filter(|_| fresh);
    let (status, first, length) = match Range::read(asked, medium.size) {
        Range::Whole => (200, 0, medium.size),
        Range::Part { first, last } => (206, first, last.saturating_sub(first).saturating_add(1)),
        Range::Outside => return (outside(request, medium), None),
    };
    let mut response = described(status, medium, &etag);
    if status == 206 {
        let last = first.saturating_add(length).saturating_sub(1);
        let range = format!("bytes {first}-{last}/{}", medium.size);
        response = response.with_header("content-range", range);
    }
    response = response.with_header("content-length", length.to_string());
    (
        response,
        Some((first, length)).filter(|_| request.method != "HEAD"),
    )
}

/// The name under which a browser saves a medium.
pub(crate) fn file_name(name: &str, content_type: &str) -> String {
    let bare = content_type.split(';').next().unwrap_or("").trim();
    let extension = match bare {
        "audio/ogg" | "application/ogg" => "ogg",
        "audio/webm" | "video/webm" => "webm",
        "audio/mp4" => "m4a",
        "video/mp4" => "mp4",
        "audio/wav" => "wav",
        "text/plain" => "txt",
        _ => "bin",
    };
    format!("{name}.{extension}")
}

/// A file's name in a header: as it is where it is plain ASCII, else in the extended form as well (RFC 6266
/// section 4.3, RFC 8187 section 3.2).
fn named(name: &str) -> String {
    let simple = |character: char| {
        character.is_ascii_alphanumeric() || " !#$&+-.^_`|~()".contains(character)
    };
    let fallback: String = name
        .chars()
        .map(|character| if simple(character) { character } else { '_' })
        .collect();
    if fallback == name {
        return format!("filename=\"{name}\"");
    }
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("filename=\"{fallback}\"; filename*=UTF-8''{escaped}")
}

/// What is said of a medium beside its bytes: nothing in it may run in a browser.
fn described(status: u16, medium: &Medium, etag: &str) -> Response {
    let playable = ["audio/", "video/"]
        .iter()
        .any(|kind| medium.content_type.starts_with(kind));
    let shown = if playable && !medium.is_file {
        "inline"
    } else {
        "attachment"
    };
    let disposition = format!("{shown}; {}", named(&medium.file_name));
    Response::status(status)
        .with_header("content-type", medium.content_type.as_str())
        .with_header("accept-ranges", "bytes")
        .with_header("etag", etag)
        .with_header("cache-control", "private, no-cache")
        .with_header("content-disposition", disposition)
        .with_header(
            "content-security-policy",
            "default-src 'none'; media-src 'self'; sandbox",
        )
        .with_header("cross-origin-resource-policy", "cross-origin")
        .with_header("x-content-type-options", "nosniff")
}

fn outside(request: &Request, medium: &Medium) -> Response {
    let request_id = request.header(front::REQUEST_ID).unwrap_or("");
    problem::response(problem::RANGE_NOT_SATISFIABLE, "", request_id)
        .with_header("content-range", format!("bytes */{}", medium.size))
}
