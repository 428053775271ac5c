//! What the bytes of a part really are. A sender's word about its content is compared, never believed: media
//! are served with the type found here.

use deposit::tus::{Kind, Metadata};

use super::{PartRefusal, effective_kind, ogg::OggMeter};

/// So much of the beginning is looked at.
const HEAD_BYTES: usize = 64 << 10;

/// A look at the bytes of a part, as they pass by.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    head: Vec<u8>,
    length: u64,
    ogg: OggMeter,
}

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checked {
    /// The type to serve it with.
    pub content_type: String,
    /// Measured for Ogg Opus; as declared for all else that plays; 0 for what does not.
    pub duration_ms: i64,
}

/// A container that we know by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Container {
    Ogg,
    Matroska,
    Mp4,
    Wave,
    Mpeg,
    Flac,
    Png,
    Jpeg,
    Gif,
    Webp,
    Pdf,
}

impl Scan {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        let room = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.ogg.push(bytes);
    }

    /// Compares what was seen with what was said.
    pub fn check(&self, metadata: &Metadata) -> Result<Checked, PartRefusal> {
        if self.length == 0 {
            return Err(refusal(400, "part_empty", "There is nothing in it."));
        }
        match effective_kind(metadata) {
            Kind::Voice | Kind::Video => self.check_media(metadata),
            Kind::Text => self.check_text(),
            Kind::Attachment => Ok(self.attachment()),
        }
    }

    fn check_media(&self, metadata: &Metadata) -> Result<Checked, PartRefusal> {
        let declared = metadata.filetype.as_deref();
        let found = Container::of(&self.head).filter(|container| container.plays());
        let Some(container) = found else {
            let detail = "The bytes are no sound or video that is known here.";
            return Err(refusal(415, "media_unrecognised", detail));
        };
        if !declared.is_none_or(|declared| container.may_be(declared)) {
            let detail = "The bytes are of another type than declared.";
            return Err(refusal(415, "media_type_mismatch", detail));
        }
        let declared_ms = metadata.duration_ms.map_or(0, i64::from);
        Ok(Checked {
            content_type: self.media_type(container, declared).to_owned(),
            duration_ms: self.ogg.duration_ms().unwrap_or(declared_ms),
        })
    }

    /// A written message is UTF-8 and nothing else.
    fn check_text(&self) -> Result<Checked, PartRefusal> {
        let whole = self.length == self.head.len() as u64;
        if !whole || core::str::from_utf8(&self.head).is_err() {
            return Err(refusal(415, "text_not_utf8", "A text must be UTF-8."));
        }
        Ok(Checked {
            content_type: "text/plain; charset=utf-8".to_owned(),
            duration_ms: 0,
        })
    }

    /// Whatever is not known goes out as mere bytes, which no browser shows.
    fn attachment(&self) -> Checked {
        let found = Container::of(&self.head);
        let content_type = found.map_or("application/octet-stream", |container| {
            self.media_type(container, None)
        });
        Checked {
            content_type: content_type.to_owned(),
            duration_ms: self.ogg.duration_ms().unwrap_or(0),
        }
    }

    fn media_type(&self, container: Container, declared: Option<&str>) -> &'static str {
        let video = declared.is_some_and(|declared| declared.starts_with("video/"));
        match container {
            Container::Ogg if self.holds(b"\x80theora") => "video/ogg",
            Container::Ogg => "audio/ogg",
            Container::Matroska if self.holds(b"V_VP") || self.holds(b"V_AV1") => "video/webm",
            Container::Matroska => "audio/webm",
            Container::Mp4 if video => "video/mp4",
            Container::Mp4 => "audio/mp4",
            Container::Wave => "audio/wav",
            Container::Mpeg => "audio/mpeg",
            Container::Flac => "audio/flac",
            Container::Png => "image/png",
            Container::Jpeg => "image/jpeg",
            Container::Gif => "image/gif",
            Container::Webp => "image/webp",
            Container::Pdf => "application/pdf",
        }
    }

    fn holds(&self, mark: &[u8]) -> bool {
        self.head.windows(mark.len()).any(|window| window == mark)
    }
}

impl Container {
    fn of(head: &[u8]) -> Option<Self> {
        let at = |offset: usize, mark: &[u8]| {
            head.get(offset..)
                .is_some_and(|rest| rest.starts_with(mark))
        };
        Some(match head {
            [b'O', b'g', b'g', b'S', 0, ..] => Self::Ogg,
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::Matroska,
            _ if at(4, b"ftyp") => Self::Mp4,
            _ if at(0, b"RIFF") && at(8, b"WAVE") => Self::Wave,
            _ if at(0, b"RIFF") && at(8, b"WEBP") => Self::Webp,
            [b'I', b'D', b'3', ..] => Self::Mpeg,
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Self::Mpeg,
            _ if at(0, b"fLaC") => Self::Flac,
            _ if at(0, b"\x89PNG\r\n\x1a\n") => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            _ if at(0, b"GIF8") => Self::Gif,
            _ if at(0, b"%PDF-") => Self::Pdf,
            _ => return None,
        })
    }

    const fn plays(self) -> bool {
        matches!(
            self,
            Self::Ogg | Self::Matroska | Self::Mp4 | Self::Wave | Self::Mpeg | Self::Flac
        )
    }

    /// Whether a declared type can be this container. A type that says nothing fits all.
    fn may_be(self, declared: &str) -> bool {
        let bare = declared.split(';').next().unwrap_or_default().trim();
        let (_, sub) = bare.split_once('/').unwrap_or_default();
        if bare == "application/octet-stream" {
            return true;
        }
        let names: &[&str] = match self {
            Self::Ogg => &["ogg", "opus", "x-ogg"],
            Self::Matroska => &["webm", "x-matroska", "matroska"],
            Self::Mp4 => &["mp4", "x-m4a", "m4a", "aac", "quicktime", "3gpp"],
            Self::Wave => &["wav", "x-wav", "wave", "vnd.wave"],
            Self::Mpeg => &["mpeg", "mp3", "x-mp3"],
            Self::Flac => &["flac", "x-flac"],
            _ => &[],
        };
        names.contains(&sub)
    }
}

fn refusal(status: u16, code: &str, detail: &str) -> PartRefusal {
    PartRefusal {
        status,
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
