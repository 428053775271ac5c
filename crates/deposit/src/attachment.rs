//! Attachments: which files may go along with a message, and under which names. Both ends refuse by the same
//! rules, the sender's before it copies a byte.
//!
//! A file is judged by the end of its name, because that is what the receiver's system opens it by. What its
//! bytes really are is the edge's to find out before it serves them.

use thiserror::Error;

use crate::{text::is_plain, tus::MAX_PARTS};

/// The most files of one message; the first part is the message itself.
pub const MAX_FILES: u32 = MAX_PARTS - 1;
/// The most bytes of one file.
pub const MAX_BYTES: u64 = 20 << 20;
/// The most bytes of all files of one message.
pub const MAX_TOTAL_BYTES: u64 = 50 << 20;
/// The most characters of a file's name.
pub const MAX_NAME: usize = 120;

/// Ends of names, with the media types that they stand for. Nothing in here runs where it is opened.
const TYPES: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("zip", "application/zip"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
];

/// Why a file does not go along.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum AttachmentError {
    /// A type that is not in the list.
    #[error(
        "files of this type are not sent: only pictures, PDF, text, office documents, sound, video and ZIP"
    )]
    Type,
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("the file is larger than 20 MB")]
    TooLarge,
    /// More than [`MAX_TOTAL_BYTES`] with those that are there already.
    #[error("all files together are larger than 50 MB")]
    TooLargeTogether,
    /// More than [`MAX_FILES`].
    #[error("a message takes at most 9 files")]
    TooMany,
}

impl AttachmentError {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Type => "attachment_type",
            Self::Empty => "part_empty",
            Self::TooLarge => "upload_too_large",
            Self::TooLargeTogether => "attachments_too_large",
            Self::TooMany => "attachments_too_many",
        }
    }
}

/// What a message has already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Load {
    /// Files.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    /// Whether a file of this name and size may come to it; its media type.
    pub fn take(self, name: &str, size: u64) -> Result<&'static str, AttachmentError> {
        let media_type = media_type(name).ok_or(AttachmentError::Type)?;
        match size {
            0 => Err(AttachmentError::Empty),
            _ if size > MAX_BYTES => Err(AttachmentError::TooLarge),
            _ if self.files >= MAX_FILES => Err(AttachmentError::TooMany),
            _ if self.bytes.saturating_add(size) > MAX_TOTAL_BYTES => {
                Err(AttachmentError::TooLargeTogether)
            }
            _ => Ok(media_type),
        }
    }
}

/// The media type that the end of a file's name stands for; nothing for what is not sent.
#[must_use]
pub fn media_type(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(end))
        .map(|(_, media_type)| *media_type)
}

/// The ends of all names that are taken, with their dots.
pub fn endings() -> impl Iterator<Item = String> {
    TYPES.iter().map(|(end, _)| format!(".{end}"))
}

/// The name of a file as it travels: no folders, nothing invisible, not too long, its end kept.
#[must_use]
pub fn clean_name(name: &str) -> String {
    let bare = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = bare
        .chars()
        .filter(|character| is_plain(*character))
        .collect();
    let plain = plain.trim().trim_start_matches('.');
    let (stem, end) = match plain.rsplit_once('.') {
        Some((stem, end)) if end.chars().count() <= 10 => (stem, format!(".{end}")),
        _ => (plain, String::new()),
    };
    let room = MAX_NAME.saturating_sub(end.chars().count());
    let stem: String = stem.chars().take(room).collect();
    match stem.trim_end() {
        "" => format!("file{end}"),
        stem => format!("{stem}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        AttachmentError, Load, MAX_BYTES, MAX_FILES, MAX_NAME, MAX_TOTAL_BYTES, clean_name,
    };

    #[test]
    fn what_may_be_sent_is_told_by_the_end_of_the_name() {
        for (name, expected) in [
            ("Photo.JPG", Ok("image/jpeg")),
            ("paper.final.pdf", Ok("application/pdf")),
            ("invoice.pdf.exe", Err(AttachmentError::Type)),
            ("page.html", Err(AttachmentError::Type)),
            ("drawing.svg", Err(AttachmentError::Type)),
            ("README", Err(AttachmentError::Type)),
            ("macro.docm", Err(AttachmentError::Type)),
        ] {
            assert_eq!(Load::default().take(name, 1), expected, "{name}");
        }
    }

    #[test]
    fn sizes_and_numbers_have_limits() {
        let take = |files, bytes, size| Load { files, bytes }.take("a.pdf", size);
        assert_eq!(take(0, 0, 0), Err(AttachmentError::Empty));
        assert_eq!(take(0, 0, MAX_BYTES), Ok("application/pdf"));
        assert_eq!(take(0, 0, MAX_BYTES + 1), Err(AttachmentError::TooLarge));
        assert_eq!(take(MAX_FILES, 9, 1), Err(AttachmentError::TooMany));
        assert_eq!(
            take(3, MAX_TOTAL_BYTES, 1),
            Err(AttachmentError::TooLargeTogether)
        );
    }

    #[test]
    fn the_words_of_a_refusal_name_the_limits_as_they_are() {
        assert_eq!(MAX_BYTES >> 20, 20);
        assert!(AttachmentError::TooLarge.to_string().contains("20 MB"));
        assert_eq!(MAX_TOTAL_BYTES >> 20, 50);
        assert!(
            AttachmentError::TooLargeTogether
                .to_string()
                .contains("50 MB")
        );
        assert_eq!(MAX_FILES, 9);
        assert!(AttachmentError::TooMany.to_string().contains("9 files"));
    }

    #[test]
    fn names_travel_without_folders_and_without_what_cannot_be_seen() {
        for (name, clean) in [
            ("Plan für Bob.pdf", "Plan für Bob.pdf"),
            ("/etc/passwd.txt", "passwd.txt"),
            ("C:\\temp\\a.png", "a.png"),
            ("a\r\nb\0.txt", "ab.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            (".hidden.pdf", "hidden.pdf"),
            ("..", "file"),
            (" .pdf", "pdf"),
            ("", "file"),
        ] {
            assert_eq!(clean_name(name), clean, "{name:?}");
            assert_eq!(clean_name(clean), clean, "cleaned once is clean");
        }
        let long = format!("{}.pdf", "ä".repeat(400));
        let clean = clean_name(&long);
        assert_eq!(clean.chars().count(), MAX_NAME);
        assert!(clean.ends_with("ä.pdf"));
    }
}
