//! `Upload-Metadata`: what the sender says of a part. Known keys are checked when they are read, unknown
//! ones are kept as they came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TusError;
use crate::{
    attachment::clean_name,
    encoding::{base64, base64_bytes},
    text::is_title,
};

/// No deposit has more parts.
pub const MAX_PARTS: u32 = 10;
/// A written message has no more bytes of UTF-8.
pub const MAX_TEXT_BYTES: u64 = 16 << 10;
/// The longest header that is read.
const MAX_HEADER: usize = 8192;
/// The most peaks of a waveform.
const MAX_PEAKS: usize = 1024;

/// What a part is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Recorded sound.
    #[default]
    Voice,
    /// Recorded pictures and sound.
    Video,
    /// A file.
    Attachment,
    /// A written message.
    Text,
}

/// What is said of a part; serialised as the plain list of keys and values.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct Metadata {
    raw: BTreeMap<String, String>,
    /// `filetype`: media type as the sender believes; lower case.
    pub filetype: Option<String>,
    /// `duration_ms`.
    pub duration_ms: Option<u32>,
    /// `recorded_at`, Unix time in milliseconds.
    pub recorded_at_ms: Option<i64>,
    /// `sha256` of the whole part (64 hexadecimal digits on the wire).
    pub sha256: Option<[u8; 32]>,
    /// `deposit_id`: the client's UUID, lower case.
    pub deposit_id: Option<String>,
    /// `kind`.
    pub kind: Option<Kind>,
    /// `part`, from 0.
    pub part: Option<u32>,
    /// `parts`, 1 to [`MAX_PARTS`].
    pub parts: Option<u32>,
    /// `trim_start_ms`.
    pub trim_start_ms: Option<u32>,
    /// `trim_end_ms`.
    pub trim_end_ms: Option<u32>,
    /// `gain_db`.
    pub gain_db: Option<f32>,
    /// `waveform`: peaks from 0 to 255 (bytes, base64 once more inside the value).
    pub waveform: Option<Vec<u8>>,
    /// `title`: one line, at most [`crate::text::MAX_TITLE`] characters.
    pub title: Option<String>,
    /// `filename` of an attachment, cleaned; foreign clients send what their system calls it.
    pub filename: Option<String>,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Attachment => "attachment",
            Self::Text => "text",
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Voice, Self::Video, Self::Attachment, Self::Text]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl Metadata {
    /// Reads the header's value; empty means no metadata.
    pub fn parse(header: &str) -> Result<Self, TusError> {
        if header.len() > MAX_HEADER {
            return Err(TusError::Metadata("the header is too long".to_owned()));
        }
        let mut raw = BTreeMap::new();
        for pair in header.split(',').map(str::trim) {
            if pair.is_empty() && header.trim().is_empty() {
                continue;
            }
            let (key, value) = read_pair(pair)?;
            if raw.insert(key.clone(), value).is_some() {
                return Err(TusError::MetadataTwice(key));
            }
        }
        Self::from_values(raw)
    }

    /// Checks known keys among plain (decoded) values.
    pub fn from_values(raw: BTreeMap<String, String>) -> Result<Self, TusError> {
        let value = Values(&raw);
        let metadata = Self {
            filetype: value.read("filetype", media_type)?,
            duration_ms: value.read("duration_ms", decimal)?,
            recorded_at_ms: value.read("recorded_at", crate::time::parse_rfc3339)?,
            sha256: value.read("sha256", crate::hex_bytes)?,
            deposit_id: value.read("deposit_id", uuid)?,
            kind: value.read("kind", Kind::read)?,
            part: value.read("part", |text| {
                decimal(text).filter(|part| *part < MAX_PARTS)
            })?,
            parts: value.read("parts", parts)?,
            trim_start_ms: value.read("trim_start_ms", decimal)?,
            trim_end_ms: value.read("trim_end_ms", decimal)?,
            gain_db: value.read("gain_db", gain)?,
            waveform: value.read("waveform", waveform)?,
            title: value.read("title", |text| is_title(text).then(|| text.to_owned()))?,
            filename: raw.get("filename").map(|name| clean_name(name)),
            raw: BTreeMap::new(),
        };
        let outside = metadata
            .parts
            .is_some_and(|parts| metadata.part_number() >= parts);
        if outside {
            return Err(TusError::MetadataValue("part".to_owned()));
        }
        Ok(Self { raw, ..metadata })
    }

    /// The same with the keys of `later` added; a key that differs is refused.
    pub fn merge(&self, later: &Self) -> Result<Self, TusError> {
        let mut raw = self.raw.clone();
        for (key, value) in &later.raw {
            match raw.get(key) {
                Some(known) if known != value => {
                    return Err(TusError::MetadataConflict(key.clone()));
                }
                _ => raw.insert(key.clone(), value.clone()),
            };
        }
        Self::from_values(raw)
    }

    /// The value of any key as it came.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.raw.get(key).map(String::as_str)
    }

    /// The header that says this.
    #[must_use]
    pub fn to_header(&self) -> String {
        let pairs: Vec<String> = self
            .raw
            .iter()
            .map(|(key, value)| {
                format!("{key} {}", base64(value.as_bytes()))
                    .trim_end()
                    .to_owned()
            })
            .collect();
        pairs.join(",")
    }

    /// `part`, 0 if it was not given.
    #[must_use]
    pub fn part_number(&self) -> u32 {
        self.part.unwrap_or(0)
    }

    /// `kind`, voice if it was not given.
    #[must_use]
    pub fn kind_or_voice(&self) -> Kind {
        self.kind.unwrap_or_default()
    }
}

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = TusError;

    fn try_from(raw: BTreeMap<String, String>) -> Result<Self, TusError> {
        Self::from_values(raw)
    }
}

impl From<Metadata> for BTreeMap<String, String> {
    fn from(metadata: Metadata) -> Self {
        metadata.raw
    }
}

fn read_pair(pair: &str) -> Result<(String, String), TusError> {
    let malformed = || TusError::Metadata(pair.chars().take(40).collect());
    let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
    let named = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let value = base64_bytes(value).and_then(|bytes| String::from_utf8(bytes).ok());
    match value {
        Some(value) if named => Ok((key.to_owned(), value)),
        _ => Err(malformed()),
    }
}

struct Values<'a>(&'a BTreeMap<String, String>);

impl Values<'_> {
    fn read<T>(&self, key: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, TusError> {
        self.0
            .get(key)
            .map(|text| read(text).ok_or_else(|| TusError::MetadataValue(key.to_owned())))
            .transpose()
    }
}

fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn parts(text: &str) -> Option<u32> {
    decimal(text).filter(|parts| (1..=MAX_PARTS).contains(parts))
}

fn gain(text: &str) -> Option<f32> {
    text.parse().ok().filter(|gain: &f32| gain.abs() <= 60.0)
}

fn waveform(text: &str) -> Option<Vec<u8>> {
    base64_bytes(text).filter(|peaks| peaks.len() <= MAX_PEAKS)
}

/// `type/subtype` with parameters, without anything that could break out of a header.
fn media_type(text: &str) -> Option<String> {
    let (bare, _) = text.split_once(';').unwrap_or((text, ""));
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let (main, sub) = bare.trim().split_once('/')?;
    let printable = text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    (token(main) && token(sub) && printable && text.len() <= 127).then(|| text.to_ascii_lowercase())
}

/// A UUID in its usual form, any version.
fn uuid(text: &str) -> Option<String> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    (groups == [8, 4, 4, 4, 12] && digits).then(|| text.to_ascii_lowercase())
}
