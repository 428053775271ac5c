//! A whole stream into MP4 ("Encapsulation of Opus in ISO Base Media File Format" 0.8.1): the index first, an
//! edit list for what is not played at either end.

use super::stream::{Packet, Stream};

/// Samples a second, of the movie and of its one track.
const TIMESCALE: u32 = crate::SAMPLE_RATE;
/// Packets in one chunk: a second of ours.
const CHUNK: usize = 50;
const TRACK: u32 = 1;
const NO_TURN: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];
const FULL_VOLUME: u16 = 0x0100;
const ONE: u32 = 0x0001_0000;
/// "und" in three times five bits.
const NO_LANGUAGE: u16 = 0x55c4;
/// A track that is enabled and part of the movie.
const SHOWN: u32 = 3;
/// The bytes are in this file.
const HERE: u32 = 1;

/// The file.
pub(super) fn write(stream: &Stream<'_>) -> Vec<u8> {
    let mut file = boxed(
        b"ftyp",
        &[b"isom".as_slice(), &[0, 0, 2, 0], b"isomiso2mp41"],
    );
    let before = |moov: &[u8]| file.len().saturating_add(moov.len()).saturating_add(8);
    // The offsets have a fixed width: the index is as long with others in it.
    let moov = moov(stream, before(&moov(stream, 0)));
    file.extend(moov);
    let sound: Vec<u8> = stream.packets().flatten().copied().collect();
    file.extend(boxed(b"mdat", &[&sound]));
    file
}

fn moov(stream: &Stream<'_>, data_at: usize) -> Vec<u8> {
    let played = narrow(stream.samples());
    let mvhd = full(
        b"mvhd",
        0,
        &[
            &words([0, 0, TIMESCALE, played, ONE]),
            &FULL_VOLUME.to_be_bytes(),
            &[0; 10],
            &words(NO_TURN),
            &[0; 24],
            &words([2]),
        ],
    );
    let tkhd = full(
        b"tkhd",
        SHOWN,
        &[
            &words([0, 0, TRACK, 0, played, 0, 0, 0]),
            &FULL_VOLUME.to_be_bytes(),
            &[0; 2],
            &words(NO_TURN),
            &[0; 8],
        ],
    );
    let skipped = u32::from(stream.head.pre_skip);
    let edit = full(b"elst", 0, &[&words([1, played, skipped, ONE])]);
    let edts = boxed(b"edts", &[&edit]);
    let trak = boxed(b"trak", &[&tkhd, &edts, &mdia(stream, data_at)]);
    boxed(b"moov", &[&mvhd, &trak])
}

fn mdia(stream: &Stream<'_>, data_at: usize) -> Vec<u8> {
    let mdhd = full(
        b"mdhd",
        0,
        &[
            &words([0, 0, TIMESCALE, narrow(stream.end)]),
            &NO_LANGUAGE.to_be_bytes(),
            &[0; 2],
        ],
    );
    let hdlr = full(b"hdlr", 0, &[&[0; 4], b"soun", &[0; 12], b"Afterbeep\0"]);
    let smhd = full(b"smhd", 0, &[&[0; 4]]);
    let url = full(b"url ", HERE, &[]);
    let dref = full(b"dref", 0, &[&words([1]), &url]);
    let dinf = boxed(b"dinf", &[&dref]);
    let minf = boxed(b"minf", &[&smhd, &dinf, &stbl(stream, data_at)]);
    boxed(b"mdia", &[&mdhd, &hdlr, &minf])
}

fn stbl(stream: &Stream<'_>, data_at: usize) -> Vec<u8> {
    let packets = stream.packets.as_slice();
    let sizes: Vec<u8> = words(packets.iter().map(|packet| narrow(packet.bytes.len())));
    let stsz = full(b"stsz", 0, &[&words([0, narrow(packets.len())]), &sizes]);
    let parts = [
        stsd(stream),
        stts(stream),
        stsc(packets.len()),
        stsz,
        stco(packets, data_at),
        // Four packets before the one that is sought, so that the decoder is right (group "roll").
        full(
            b"sgpd",
            1 << 24,
            &[b"roll", &words([2, 1]), &(-4_i16).to_be_bytes()],
        ),
        full(
            b"sbgp",
            0,
            &[b"roll", &words([1, narrow(packets.len()), 1])],
        ),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    boxed(b"stbl", &parts)
}

fn stsd(stream: &Stream<'_>) -> Vec<u8> {
    let head = stream.head;
    let dops = boxed(
        b"dOps",
        &[
            &[0, head.channels],
            &head.pre_skip.to_be_bytes(),
            &head.input_rate.to_be_bytes(),
            &head.gain.to_be_bytes(),
            &[0],
        ],
    );
    let entry = boxed(
        b"Opus",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1], // reserved, data reference
            &[0; 8],
            &[0, head.channels, 0, 16, 0, 0, 0, 0],
            &words([TIMESCALE << 16]),
            &dops,
        ],
    );
    full(b"stsd", 0, &[&words([1]), &entry])
}

/// How long each packet is, in runs; the last one as long as it is played.
fn stts(stream: &Stream<'_>) -> Vec<u8> {
    let mut runs: Vec<(u32, u64)> = Vec::new();
    let mut add = |samples: u64| match runs.last_mut() {
        Some((count, same)) if *same == samples => *count = count.saturating_add(1),
        _ => runs.push((1, samples)),
    };
    if let Some((last, before)) = stream.packets.split_last() {
        before.iter().for_each(|packet| add(packet.samples));
        add(last.samples.saturating_sub(stream.padding()));
    }
    let table = words(
        runs.iter()
            .flat_map(|&(count, samples)| [count, narrow(samples)]),
    );
    full(b"stts", 0, &[&words([narrow(runs.len())]), &table])
}

/// How many packets each chunk has: all the same, and the last what is left.
fn stsc(packets: usize) -> Vec<u8> {
    let (whole, rest) = (packets / CHUNK, packets % CHUNK);
    let mut table = Vec::new();
    if whole > 0 {
        table.push([1, narrow(CHUNK), 1]);
    }
    if rest > 0 {
        table.push([narrow(whole.saturating_add(1)), narrow(rest), 1]);
    }
    let entries = words([narrow(table.len())]);
    full(b"stsc", 0, &[&entries, &words(table.into_iter().flatten())])
}

fn stco(packets: &[Packet<'_>], data_at: usize) -> Vec<u8> {
    let mut at = data_at;
    let mut offsets = Vec::new();
    for chunk in packets.chunks(CHUNK) {
        offsets.push(narrow(at));
        for packet in chunk {
            at = at.saturating_add(packet.bytes.len());
        }
    }
    full(
        b"stco",
        0,
        &[&words([narrow(offsets.len())]), &words(offsets)],
    )
}

fn boxed(name: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let length = body
        .iter()
        .fold(8_usize, |sum, part| sum.saturating_add(part.len()));
    let mut out = Vec::with_capacity(length);
    out.extend(narrow(length).to_be_bytes());
    out.extend(name);
    body.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A box with version (the upper eight bits) and flags.
fn full(name: &[u8; 4], version_and_flags: u32, body: &[&[u8]]) -> Vec<u8> {
    let mark = version_and_flags.to_be_bytes();
    let parts: Vec<&[u8]> = std::iter::once(mark.as_slice())
        .chain(body.iter().copied())
        .collect();
    boxed(name, &parts)
}

fn words(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// Lengths and counts have 32 bits here: a day of sound, and gigabytes of it.
fn narrow(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}
