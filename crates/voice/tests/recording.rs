//! Recordings as a listener gets them: read by crate `ogg`, decoded by crate `opus-decoder`, neither of
//! which shares code with ours.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "tests fail by panicking"
)]

use std::io::Cursor;

use ogg::PacketReader;
use opus_decoder::OpusDecoder;
use sha2::{Digest, Sha256};
use voice::container::Page;
use voice::{Gain, Recording, closing, duration_ms, repair};

/// What `tests/golden-voice.test.mjs` expects of the same encoder as WebAssembly, too.
const GOLDEN: &str = include_str!("golden.sha256");
const SERIAL: u32 = 0x6166_7462;

/// A buzz that swells and falls, a pause in every second, and a little noise, in whole numbers: the same on every
/// machine, and loud enough for the limiter.
fn synthetic(count: u32) -> Vec<f32> {
    let mut noise: u32 = 1;
    let sample = |at: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (noise >> 24).cast_signed() - 128;
        let buzz = ((at * 37) % 8192).cast_signed() - 4096;
        let syllable = (at % 9600).abs_diff(4800).cast_signed();
        let spoken = i32::from(at % 48_000 >= 9600);
        (buzz * syllable / 4800 * 7 * spoken + hiss) as f32 / 32_768.0
    };
    (0..count).map(sample).collect()
}

/// The blocks of a recording, cut every 400 ms.
fn blocks(samples: &[f32]) -> Vec<Vec<u8>> {
    let mut recording = Recording::begin(SERIAL, 48_000, Gain::Slow).unwrap();
    let mut blocks = Vec::new();
    for piece in samples.chunks(2048) {
        recording.push(piece).unwrap();
        if recording.waiting_ms() >= 400 {
            blocks.push(recording.take_block());
        }
    }
    blocks.push(recording.finish().unwrap().tail);
    blocks
}

struct Heard {
    samples: Vec<i16>,
    ended: bool,
}

/// Plays a file as RFC 7845 says: pre-skip dropped, end trimmed.
fn play(file: &[u8]) -> Heard {
    let mut reader = PacketReader::new(Cursor::new(file));
    let head = reader.read_packet_expected().unwrap();
    assert!(head.data.starts_with(b"OpusHead") && head.first_in_stream());
    let skip = usize::from(u16::from_le_bytes(head.data[10..12].try_into().unwrap()));
    assert!(
        reader
            .read_packet_expected()
            .unwrap()
            .data
            .starts_with(b"OpusTags")
    );
    let mut decoder = OpusDecoder::new(48_000, 1).unwrap();
    let (mut samples, mut end, mut ended) = (Vec::new(), 0, false);
    while let Some(packet) = reader.read_packet().unwrap() {
        let mut frame = [0; 960];
        assert_eq!(
            decoder.decode(&packet.data, &mut frame, false).unwrap(),
            960
        );
        samples.extend_from_slice(&frame);
        end = packet.absgp_page();
        ended = packet.last_in_stream();
    }
    samples.truncate(usize::try_from(end).unwrap());
    samples.drain(..skip.min(samples.len()));
    Heard { samples, ended }
}

fn correlation(a: &[f32], b: &[i16]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let dot: f64 = pairs().map(|(a, b)| a * b).sum();
    let a: f64 = pairs().map(|(a, _)| a * a).sum();
    let b: f64 = pairs().map(|(_, b)| b * b).sum();
    dot / (a * b).sqrt()
}

#[test]
fn a_recording_plays_exactly_as_long_as_what_came_in() {
    for count in [1, 647, 648, 649, 960, 4800, 48_000, 100_001] {
        let file = blocks(&synthetic(count)).concat();
        let heard = play(&file);
        assert_eq!(heard.samples.len(), count as usize);
        assert!(heard.ended);
        assert_eq!(duration_ms(&file), Some(u64::from(count) / 48));
    }
}

#[test]
fn what_is_heard_is_what_was_said_at_the_same_time() {
    let said = synthetic(144_000);
    let heard = play(&blocks(&said).concat()).samples;
    let aligned = correlation(&said, &heard);
    assert!(aligned > 0.8, "{aligned}");
    assert!(correlation(&said[48..], &heard) < aligned);
    assert!(correlation(&said, &heard[48..]) < aligned);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let file = blocks(&synthetic(144_000)).concat();
    let digest = format!("{:x}", Sha256::digest(&file));
    assert_eq!(digest, GOLDEN.trim(), "{} bytes", file.len());
}

#[test]
fn speech_takes_about_24_kilobits_a_second() {
    let bytes = blocks(&synthetic(480_000)).concat().len();
    assert!((20_000..40_000).contains(&bytes), "{bytes} bytes for 10 s");
}

#[test]
fn every_block_ends_at_the_end_of_a_page() {
    for block in blocks(&synthetic(100_000)) {
        assert!(!block.is_empty());
        assert_eq!(
            Page::read_all(&block)
                .map(|page| page.length())
                .sum::<usize>(),
            block.len()
        );
    }
}

#[test]
fn a_recording_cut_after_any_block_is_closed_by_appending() {
    let blocks = blocks(&synthetic(144_000));
    let whole = play(&blocks.concat()).samples;
    for kept in 1..blocks.len() {
        let mut journal = blocks[..kept].concat();
        let expected = duration_ms(&journal);
        journal.extend(closing(&journal));
        let heard = play(&journal);
        assert!(heard.ended, "{kept}");
        assert_eq!(heard.samples[..], whole[..heard.samples.len()]);
        assert!(
            heard.samples.len() + 312 >= kept * 19_200 - 960,
            "{kept}: {}",
            heard.samples.len()
        );
        assert_eq!(duration_ms(&journal), expected);
        assert!(closing(&journal).is_empty(), "closed already");
    }
}

#[test]
fn a_recording_cut_at_any_byte_is_repaired() {
    let file = blocks(&synthetic(30_000)).concat();
    let headers: usize = Page::read_all(&file)
        .take(2)
        .map(|page| page.length())
        .sum();
    let whole = play(&file).samples;
    for cut in (headers..file.len()).step_by(11) {
        let repaired = repair(&file[..cut]);
        let heard = play(&repaired);
        assert!(heard.ended, "cut at {cut}");
        assert_eq!(
            heard.samples[..],
            whole[..heard.samples.len()],
            "cut at {cut}"
        );
        assert_eq!(repair(&repaired), repaired);
    }
    assert_eq!(repair(&file), file);
}

#[test]
fn what_is_no_recording_is_not_made_one() {
    assert!(repair(b"").is_empty());
    assert!(repair(b"RIFF....WAVE").is_empty());
    assert_eq!(duration_ms(b"OggS"), None);
}

#[test]
fn a_microphone_of_another_rate_plays_as_long() {
    let mut recording = Recording::begin(SERIAL, 44_100, Gain::Slow).unwrap();
    recording.push(&synthetic(88_200)).unwrap();
    let finished = recording.finish().unwrap();
    assert_eq!(finished.duration_ms, 2000);
    assert_eq!(play(&finished.tail).samples.len(), 96_000);
}

#[test]
fn samples_that_are_no_numbers_are_silence() {
    let mut recording = Recording::begin(SERIAL, 48_000, Gain::Slow).unwrap();
    recording
        .push(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 7.0].repeat(1000))
        .unwrap();
    let finished = recording.finish().expect("encoded");
    assert_eq!(play(&finished.tail).samples.len(), 4000);
}
