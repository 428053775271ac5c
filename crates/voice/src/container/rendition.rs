//! The same Opus packets in another container: no sound is decoded, none is encoded again.
//!
//! Gain: a message's `gain_db` brings it to -16 LUFS. It goes into the output gain of the Opus header, which every
//! decoder applies in all three containers; players do nothing and none applies it twice. `R128_TRACK_GAIN` (RFC 7845
//! section 5.2.1) comes on top of that and aims at -23 LUFS, so it is always -7 dB here: only players that make all
//! tracks equally loud read it. Without a measured gain there is no tag.

use super::stream::Stream;
use super::{mp4, mp4_reader, ogg, webm, webm_reader};

/// -23 LUFS less -16 LUFS, in 256ths of a decibel.
const R128_TRACK_GAIN: i16 = -7 * 256;
/// Our renditions have one stream each, so that its number says nothing.
const SERIAL: u32 = 0x4166_7462;

/// A container that a browser may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 7845.
    Ogg,
    /// Matroska as browsers read it.
    Webm,
    /// ISO base media file format, not fragmented.
    Mp4,
}

/// What a rendition is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rendition {
    /// Its container.
    pub format: Format,
    /// How much louder to play, if it was measured.
    pub gain_db: Option<f32>,
    /// How much sound to leave out at the beginning.
    pub trim_start_ms: u64,
    /// How much sound to leave out at the end.
    pub trim_end_ms: u64,
}

impl Format {
    /// The container of this name: `ogg`, `webm` or `mp4`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ogg" => Some(Self::Ogg),
            "webm" => Some(Self::Webm),
            "mp4" => Some(Self::Mp4),
            _ => None,
        }
    }
}

impl Rendition {
    /// The file; nothing if `file` is no Opus that can be read here. The same input gives the same bytes.
    pub fn of(self, file: &[u8]) -> Option<Vec<u8>> {
        Some(self.write(read(file)?))
    }

    fn write(self, stream: Stream<'_>) -> Vec<u8> {
        let stream = stream
            .trimmed(self.trim_start_ms, self.trim_end_ms)
            .amplified(self.gain_db.unwrap_or(0.0));
        match self.format {
            Format::Ogg => ogg::write(&stream, SERIAL, &self.comments()),
            Format::Webm => webm::write(&stream),
            Format::Mp4 => mp4::write(&stream),
        }
    }

    fn comments(self) -> Vec<String> {
        let tag = |_| format!("R128_TRACK_GAIN={R128_TRACK_GAIN}");
        self.gain_db.map(tag).into_iter().collect()
    }
}

/// The stream in a file, whichever of the three containers it is.
fn read(file: &[u8]) -> Option<Stream<'_>> {
    ogg::read(file)
        .or_else(|| webm_reader::read(file))
        .or_else(|| mp4_reader::read(file))
}
