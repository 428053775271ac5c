//! Renditions: a message in the container that the listener's browser plays. The mailbox says what is wanted and hands
//! the deposited bytes out with it ([`order`]); the shell puts the same Opus packets into the other container and asks
//! [`answer`] for the response. Nothing made here is stored.

use serde::{Deserialize, Serialize};

use crate::{
    front,
    http::{Request, Response},
    mailbox::media::{self, Medium},
    problem::{self, Refusal},
};

/// Header from a mailbox to the front: the [`Order`] as JSON. The body is the whole deposited medium.
pub const ORDER: &str = "afterbeep-rendition";

/// A medium is taken apart in memory, so it may not be longer.
pub const MOST_BYTES: u64 = 16 << 20;
/// Changes with the bytes that renditions are made of, so that nothing held somewhere is mixed with it.
const EDITION: u8 = 1;

const OGG: &str = "audio/ogg";
const WEBM: &str = "audio/webm";
const MP4: &str = "audio/mp4";

/// What the front is to make of a medium.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Order {
    /// `ogg`, `webm` or `mp4`.
    pub format: String,
    /// How much louder to play.
    pub gain_db: Option<f32>,
    /// How much of the beginning to leave out.
    pub trim_start_ms: u64,
    /// How much of the end to leave out.
    pub trim_end_ms: u64,
    /// Type of the medium as it was deposited.
    deposited_type: String,
    deposited_etag: String,
    /// What it is called without its ending.
    name: String,
}

/// What its sender said of a sound, for [`order`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sound {
    pub(crate) gain_db: Option<f32>,
    pub(crate) trim_start_ms: u64,
    pub(crate) trim_end_ms: u64,
}

/// What a `?format=` asks for.
pub(crate) enum Asked {
    /// The bytes as they were deposited.
    Deposited,
    /// Something else of them.
    Rendition(Order),
}

/// Decides what `?format=` means for a medium. What is no Opus by its type goes out as deposited where it is in that
/// container already, and not at all otherwise.
pub(crate) fn order(
    request: &Request,
    medium: &Medium,
    name: &str,
    sound: Sound,
) -> Result<Asked, Refusal> {
    let Some(format) = front::query_value(&request.query, "format") else {
        return Ok(Asked::Deposited);
    };
    let wanted = type_of(&format).ok_or_else(|| {
        Refusal::of(
            request,
            problem::INVALID_FIELD,
            "format is ogg, webm or mp4.",
        )
    })?;
    let small = medium.size <= MOST_BYTES;
    if small && [OGG, WEBM, MP4].contains(&medium.content_type.as_str()) {
        return Ok(Asked::Rendition(Order {
            format,
            gain_db: sound.gain_db,
            trim_start_ms: sound.trim_start_ms,
            trim_end_ms: sound.trim_end_ms,
            deposited_type: medium.content_type.clone(),
            deposited_etag: medium.etag.clone(),
            name: name.to_owned(),
        }));
    }
    if container(&medium.content_type) == container(wanted) {
        return Ok(Asked::Deposited);
    }
    Err(if small {
        unavailable(request)
    } else {
        let detail = format!("Beyond {MOST_BYTES} bytes there are only the bytes as deposited.");
        Refusal::of(request, problem::FORMAT_TOO_LARGE, &detail)
    })
}

/// The answer to a request that asks for what was ordered, where the client holds it already.
pub(crate) fn unchanged(request: &Request, order: &Order) -> Option<Response> {
    let etag = format!("\"{}\"", order.etag());
    (request.header("if-none-match") == Some(etag.as_str()))
        .then(|| Response::status(304).with_header("etag", etag))
}

/// The answer from the bytes as deposited and what was made of them: nothing where they are no Opus that can be read.
#[must_use]
pub fn answer(request: &Request, order: &Order, deposited: &[u8], made: Option<&[u8]>) -> Response {
    let wanted = type_of(&order.format).unwrap_or_default();
    let (bytes, content_type, etag) = match made {
        Some(made) => (made, wanted, order.etag()),
        None if order.deposited_type == wanted => (deposited, wanted, order.deposited_etag.clone()),
        None => return refused(unavailable(request)),
    };
    let medium = Medium {
        media_id: String::new(),
        blob_key: None,
        content_type: content_type.to_owned(),
        size: bytes.len() as u64,
        etag,
        file_name: media::file_name(&order.name, content_type),
        is_file: false,
    };
    media::serve_bytes(request, &medium, bytes)
}

impl Order {
    fn etag(&self) -> String {
        format!("{}-{}{EDITION}", self.deposited_etag, self.format)
    }
}

fn unavailable(request: &Request) -> Refusal {
    let detail =
        "This sound cannot be put into that container; without format it comes as deposited.";
    Refusal::of(request, problem::FORMAT_UNAVAILABLE, detail)
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Answer(response) => *response,
        Refusal::Storage(_) => Response::status(503),
    }
}

fn type_of(format: &str) -> Option<&'static str> {
    match format {
        "ogg" => Some(OGG),
        "webm" => Some(WEBM),
        "mp4" => Some(MP4),
        _ => None,
    }
}

/// `webm` of `video/webm; codecs=vp8`.
fn container(content_type: &str) -> &str {
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    bare.split_once('/').unwrap_or_default().1
}
