//! An Opus stream out of WebM or Matroska (RFC 9559), also out of the endless kind that recorders write. Every
//! length is checked against the bytes that are there.

use std::borrow::Cow;

use super::header::Head;
use super::stream::{Packets, Stream};
use super::webm::{AUDIO, id};

/// Several packets in one block. No recorder writes Opus so.
const LACING: u8 = 0x06;

/// The first Opus track, as far as the file goes.
pub(super) fn read(file: &[u8]) -> Option<Stream<'_>> {
    let (first, mut rest) = Element::read(file)?;
    if first.name != id::EBML {
        return None;
    }
    let mut reading = Reading::default();
    while let Some((element, after)) = Element::read(rest) {
        rest = match element.name {
            // What lies inside is read as if it lay beside: then it does not matter whether a size is known.
            id::SEGMENT | id::TRACKS | id::CLUSTER | id::BLOCK_GROUP => element.inside,
            _ => {
                reading.take(&element)?;
                after
            }
        };
    }
    let (_, head) = reading.track?;
    Stream::new(head, reading.packets, reading.padding)
}

#[derive(Default)]
struct Reading<'a> {
    /// Number and header.
    track: Option<(u64, Head)>,
    packets: Packets<'a>,
    /// Samples of the newest packet that are not played.
    padding: u64,
}

impl<'a> Reading<'a> {
    fn take(&mut self, element: &Element<'a>) -> Option<()> {
        let body = element.body;
        match element.name {
            id::TRACK_ENTRY if self.track.is_none() => self.track = track(body?),
            id::SIMPLE_BLOCK | id::BLOCK => self.block(body?)?,
            id::DISCARD_PADDING => {
                self.padding = number(body?).saturating_mul(48) / 1_000_000;
            }
            _ => {}
        }
        Some(())
    }

    fn block(&mut self, body: &'a [u8]) -> Option<()> {
        let (track, rest) = vint(body, Marker::Dropped)?;
        if self.track.is_none_or(|(ours, _)| ours != track) {
            return Some(());
        }
        let (&[_, _, flags], packet) = rest.split_first_chunk::<3>()?;
        self.padding = 0;
        self.packets.push(Cow::Borrowed(packet));
        (flags & LACING == 0).then_some(())
    }
}

/// Number and header of a track, if it is Opus.
fn track(entry: &[u8]) -> Option<(u64, Head)> {
    let (mut name, mut codec, mut header, mut kind) = (0, None, None, 0);
    let mut rest = entry;
    while let Some((element, after)) = Element::read(rest) {
        let body = element.body?;
        match element.name {
            id::TRACK_NUMBER => name = number(body),
            id::TRACK_TYPE => kind = number(body),
            id::CODEC_ID => codec = Some(body),
            id::CODEC_PRIVATE => header = Some(body),
            id::CONTENT_ENCODINGS => return None,
            _ => {}
        }
        rest = after;
    }
    let opus = codec?.starts_with(b"A_OPUS") && kind == AUDIO;
    let head = Head::read(header?).filter(|_| opus)?;
    Some((name, head))
}

struct Element<'a> {
    name: u32,
    /// Its bytes; nothing where they are not all there, or have no known end.
    body: Option<&'a [u8]>,
    /// Where its bytes begin, up to the end of the file.
    inside: &'a [u8],
}

impl<'a> Element<'a> {
    /// The element that `bytes` begins with, and what comes after it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (name, rest) = vint(bytes, Marker::Kept)?;
        let (size, inside) = vint(rest, Marker::Dropped)?;
        let split = usize::try_from(size)
            .ok()
            .and_then(|size| inside.split_at_checked(size));
        let element = Self {
            name: u32::try_from(name).ok()?,
            body: split.map(|(body, _)| body),
            inside,
        };
        Some((element, split.map_or(&[], |(_, after)| after)))
    }
}

/// Whether the bit that tells the length of a number is a part of it: in names it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    Kept,
    Dropped,
}

/// A number of variable length (RFC 8794 section 4). An unknown size reads as one that no file has.
fn vint(bytes: &[u8], marker: Marker) -> Option<(u64, &[u8])> {
    let zeros = bytes.first()?.leading_zeros();
    let length = usize::try_from(zeros).ok()?.checked_add(1)?;
    let (digits, rest) = bytes.split_at_checked(length).filter(|_| length <= 8)?;
    let value = number(digits);
    let bits = u32::try_from(length).ok()?.saturating_mul(7);
    let most = 1_u64.checked_shl(bits)?.saturating_sub(1);
    Some(match marker {
        Marker::Kept => (value, rest),
        Marker::Dropped if value & most == most => (u64::MAX, rest),
        Marker::Dropped => (value & most, rest),
    })
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, &byte| (value << 8) | u64::from(byte))
}
