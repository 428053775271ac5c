//! Large media in the blob store (R2): streamed out in ranges, deleted by name.

use exchange::http;
use worker::{Env, Range, ResponseBody, Result};

use crate::{binding, message};

/// Takes the blob's name out of an object's answer.
pub(crate) fn named(head: &mut http::Response) -> Option<(String, u64, u64)> {
    let position = head
        .headers
        .iter()
        .position(|(name, _)| name == message::BLOB)?;
    let (_, value) = head.headers.remove(position);
    serde_json::from_str(&value).ok()
}

/// `length` bytes from `offset`, as a stream; nothing if the blob is not there.
pub(crate) async fn open(
    env: &Env,
    key: String,
    offset: u64,
    length: u64,
) -> Result<Option<ResponseBody>> {
    let bucket = binding::media(env)?;
    let range = Range::OffsetWithLength { offset, length };
    let Some(object) = bucket.get(key).range(range).execute().await? else {
        return Ok(None);
    };
    object.body().map(|body| body.response_body()).transpose()
}

/// A whole blob; nothing if it is not there.
pub(crate) async fn whole(env: &Env, key: String) -> Result<Option<Vec<u8>>> {
    let object = binding::media(env)?.get(key).execute().await?;
    match object.as_ref().and_then(worker::Object::body) {
        Some(body) => body.bytes().await.map(Some),
        None => Ok(None),
    }
}

/// Every part of a large blob has exactly this size, except the last.
const PART_BYTES: u64 = 5 << 20;

/// Writes `length` bytes, which `read` gives from any offset on in pieces, under `key`.
pub(crate) async fn store(
    env: &Env,
    key: &str,
    length: u64,
    read: impl Fn(u64) -> Result<Vec<u8>>,
) -> Result<()> {
    let bucket = binding::media(env)?;
    if length <= PART_BYTES {
        let bytes = gather(&read, 0, length)?;
        return bucket.put(key, bytes).execute().await.map(drop);
    }
    let upload = bucket.create_multipart_upload(key).execute().await?;
    let mut parts = Vec::new();
    let mut offset = 0;
    while offset < length {
        let size = PART_BYTES.min(length.saturating_sub(offset));
        let number = u16::try_from(parts.len().saturating_add(1)).unwrap_or(u16::MAX);
        parts.push(
            upload
                .upload_part(number, gather(&read, offset, size)?)
                .await?,
        );
        offset = offset.saturating_add(size);
    }
    upload.complete(parts).await.map(drop)
}

/// Exactly `length` bytes from `start`.
fn gather(read: impl Fn(u64) -> Result<Vec<u8>>, start: u64, length: u64) -> Result<Vec<u8>> {
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(wanted);
    while bytes.len() < wanted {
        let piece = read(start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)))?;
        if piece.is_empty() {
            return Err(worker::Error::RustError("bytes are missing".to_owned()));
        }
        bytes.extend_from_slice(&piece);
    }
    bytes.truncate(wanted);
    Ok(bytes)
}

/// Deletes a blob; missing is success.
pub(crate) async fn delete(env: &Env, key: &str) -> bool {
    match binding::media(env) {
        Ok(bucket) => bucket.delete(key).await.is_ok(),
        Err(_) => false,
    }
}
