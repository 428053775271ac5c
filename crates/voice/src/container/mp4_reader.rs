//! An Opus stream out of MP4, whole or in fragments as recorders write it. Every offset and length is checked
//! against the bytes that are there.

use std::borrow::Cow;

use super::header::Head;
use super::stream::{Packets, Stream};

/// The first Opus track, as far as the file goes.
pub(super) fn read(file: &[u8]) -> Option<Stream<'_>> {
    let (first, _) = split_box(file)?;
    if first.name != b"ftyp" {
        return None;
    }
    let moov = boxes(file).find(|found| found.name == b"moov")?.body;
    let track = boxes(moov).find_map(|trak| Track::read(moov, &trak))?;
    let mut samples = Samples {
        file,
        packets: Packets::default(),
        left: file.len(),
    };
    samples.whole(track.tables);
    samples.fragments(&track);
    let fragmented = child(moov, b"mvex").is_some();
    let whole = Stream::new(track.head, samples.packets, 0)?;
    Some(match track.played.filter(|_| !fragmented) {
        Some(played) => whole.ending_after(played),
        None => whole,
    })
}

/// What the index says of the track.
struct Track<'a> {
    number: u32,
    head: Head,
    /// Box `stbl`.
    tables: &'a [u8],
    /// Size of a packet in fragments that do not say it.
    default_size: usize,
    /// Samples at 48 kHz, if an edit list says them.
    played: Option<u64>,
}

impl<'a> Track<'a> {
    fn read(moov: &'a [u8], trak: &Box<'a>) -> Option<Self> {
        let trak = Some(trak.body).filter(|_| trak.name == b"trak")?;
        let mdia = child(trak, b"mdia")?;
        let tables = child(child(mdia, b"minf")?, b"stbl")?;
        let (entry, _) = split_box(child(tables, b"stsd")?.get(8..)?)?;
        let head = head(entry.body.get(28..).filter(|_| entry.name == b"Opus")?)?;
        let tkhd = child(trak, b"tkhd")?;
        let number = word(tkhd, if tkhd.first() == Some(&1) { 20 } else { 12 })?;
        Some(Self {
            number,
            head,
            tables,
            default_size: default_size(moov, number).unwrap_or(0),
            played: played(moov, trak),
        })
    }
}

/// `dOps`: the fields of the header packet, their bytes the other way round.
fn head(boxes: &[u8]) -> Option<Head> {
    let fields = child(boxes, b"dOps")?.first_chunk::<11>()?;
    let [0, channels @ 1..=2, s0, s1, r0, r1, r2, r3, g0, g1, 0] = *fields else {
        return None;
    };
    Some(Head {
        channels,
        pre_skip: u16::from_be_bytes([s0, s1]),
        input_rate: u32::from_be_bytes([r0, r1, r2, r3]),
        gain: i16::from_be_bytes([g0, g1]),
    })
}

/// From `trex`.
fn default_size(moov: &[u8], track: u32) -> Option<usize> {
    let trex = boxes(child(moov, b"mvex")?)
        .filter(|found| found.name == b"trex")
        .find(|found| word(found.body, 4) == Some(track))?;
    usize::try_from(word(trex.body, 16)?).ok()
}

/// From `elst`, where that has one entry as we write it.
fn played(moov: &[u8], trak: &[u8]) -> Option<u64> {
    let mvhd = child(moov, b"mvhd")?;
    let timescale = word(mvhd, if mvhd.first() == Some(&1) { 20 } else { 12 })?;
    let elst = child(child(trak, b"edts")?, b"elst")?;
    let one = elst.first() == Some(&0) && word(elst, 4) == Some(1);
    let duration = u64::from(word(elst, 8).filter(|_| one)?);
    let samples = duration.checked_mul(u64::from(crate::SAMPLE_RATE))?;
    samples
        .checked_div(u64::from(timescale))
        .filter(|&samples| samples > 0)
}

/// Packets as the index finds them.
struct Samples<'a> {
    file: &'a [u8],
    packets: Packets<'a>,
    /// All packets together have no more bytes than the file.
    left: usize,
}

impl<'a> Samples<'a> {
    /// Takes the packet of this size at this place and says where the next one is; nothing where the file ends.
    fn take(&mut self, at: usize, size: usize) -> Option<usize> {
        let end = at.checked_add(size)?;
        self.left = self.left.checked_sub(size.max(1))?;
        self.packets.push(Cow::Borrowed(self.file.get(at..end)?));
        Some(end)
    }

    /// The packets of `stbl`: sizes from `stsz`, in chunks by `stsc`, which begin where `stco` says.
    fn whole(&mut self, tables: &[u8]) -> Option<()> {
        let stsz = child(tables, b"stsz")?;
        let same = size(stsz, 4)?;
        let mut sizes = stsz.get(12..)?.chunks_exact(4);
        let mut next_size = || match same {
            0 => sizes.next().and_then(|size_of| size(size_of, 0)),
            same => Some(same),
        };
        let mut runs = child(tables, b"stsc")?
            .get(8..)?
            .chunks_exact(12)
            .peekable();
        let mut in_chunk = 0;
        for (number, offset) in offsets(tables)?.enumerate() {
            let begins = |run: &&[u8]| size(run, 0) == number.checked_add(1);
            if let Some(run) = runs.next_if(begins) {
                in_chunk = size(run, 4)?;
            }
            let mut at = offset?;
            for _ in 0..in_chunk {
                at = self.take(at, next_size()?)?;
            }
        }
        Some(())
    }

    /// The packets of all `moof`.
    fn fragments(&mut self, track: &Track<'_>) -> Option<()> {
        for moof in boxes(self.file).filter(|found| found.name == b"moof") {
            let ours = |traf: &Box<'_>| {
                let tfhd = child(traf.body, b"tfhd");
                traf.name == b"traf" && tfhd.and_then(|tfhd| word(tfhd, 4)) == Some(track.number)
            };
            for traf in boxes(moof.body).filter(ours) {
                self.fragment(&traf, moof.at, track.default_size)?;
            }
        }
        Some(())
    }

    fn fragment(&mut self, traf: &Box<'a>, moof_at: usize, default_size: usize) -> Option<()> {
        let mut tfhd = Fields::of(child(traf.body, b"tfhd")?)?;
        tfhd.skip(4);
        let base = tfhd.long_if(0x1)?.unwrap_or(moof_at);
        tfhd.word_if(0x2)?;
        tfhd.word_if(0x8)?;
        let default_size = tfhd.word_if(0x10)?.unwrap_or(default_size);
        let mut at = base;
        for trun in boxes(traf.body).filter(|found| found.name == b"trun") {
            let mut trun = Fields::of(trun.body)?;
            let count = trun.word()?;
            if let Some(offset) = trun.word_if(0x1)? {
                let offset = u32::try_from(offset).ok()?.cast_signed();
                at = base.checked_add_signed(isize::try_from(offset).ok()?)?;
            }
            trun.word_if(0x4)?;
            for _ in 0..count {
                trun.word_if(0x100)?;
                let size = trun.word_if(0x200)?.unwrap_or(default_size);
                trun.word_if(0x400)?;
                trun.word_if(0x800)?;
                at = self.take(at, size)?;
            }
        }
        Some(())
    }
}

/// Where chunks begin: `stco` or `co64`.
fn offsets<'a>(tables: &'a [u8]) -> Option<impl Iterator<Item = Option<usize>> + use<'a>> {
    let (table, width) = match child(tables, b"stco") {
        Some(table) => (table, 4),
        None => (child(tables, b"co64")?, 8),
    };
    let offsets = table.get(8..)?.chunks_exact(width);
    Some(offsets.map(number))
}

/// The fields of a box, some of which are there only if a flag says so.
struct Fields<'a> {
    flags: u32,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        Some(Self {
            flags: word(body, 0)?,
            rest: body.get(4..)?,
        })
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn field(&mut self, width: usize) -> Option<usize> {
        let (field, rest) = self.rest.split_at_checked(width)?;
        self.rest = rest;
        number(field)
    }

    fn word(&mut self) -> Option<usize> {
        self.field(4)
    }

    /// Outer nothing: the box is too short. Inner nothing: there is no such field.
    fn word_if(&mut self, flag: u32) -> Option<Option<usize>> {
        self.field_if(flag, 4)
    }

    fn long_if(&mut self, flag: u32) -> Option<Option<usize>> {
        self.field_if(flag, 8)
    }

    fn field_if(&mut self, flag: u32, width: usize) -> Option<Option<usize>> {
        if self.flags & flag == 0 {
            return Some(None);
        }
        self.field(width).map(Some)
    }
}

/// A box with its place in what it was read from.
#[derive(Clone, Copy)]
struct Box<'a> {
    name: &'a [u8; 4],
    at: usize,
    body: &'a [u8],
}

/// The box that `bytes` begins with, and what comes after it. One that breaks off is read as far as it goes.
fn split_box(bytes: &[u8]) -> Option<(Box<'_>, &[u8])> {
    let (_, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let (length, header) = match word(bytes, 0)? {
        0 => (usize::MAX, 8),
        1 => (number(rest.get(..8)?)?, 16),
        length => (usize::try_from(length).ok()?, 8),
    };
    let length = length.min(bytes.len());
    let (whole, after) = bytes.split_at_checked(length)?;
    let found = Box {
        name,
        at: 0,
        body: whole.get(header..)?,
    };
    Some((found, after))
}

fn boxes(bytes: &[u8]) -> impl Iterator<Item = Box<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let at = bytes.len().saturating_sub(rest.len());
        let (found, after) = split_box(rest)?;
        rest = after;
        Some(Box { at, ..found })
    })
}

fn child<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|found| found.name == name)
        .map(|found| found.body)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let (_, rest) = bytes.split_at_checked(at)?;
    rest.first_chunk::<4>().copied().map(u32::from_be_bytes)
}

fn size(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word(bytes, at)?).ok()
}

fn number(bytes: &[u8]) -> Option<usize> {
    let value = bytes
        .iter()
        .fold(0_u64, |value, &byte| (value << 8) | u64::from(byte));
    usize::try_from(value).ok()
}
