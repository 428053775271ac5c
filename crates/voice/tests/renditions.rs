//! One message in three containers, read by readers that nobody here wrote; and what foreign recorders made.

use std::io::Cursor;

use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::formats::{IsoMp4Reader, MkvReader};
use voice::container::{Format, Rendition, Writer};

const OGG: &[u8] = include_bytes!("foreign/sine.ogg");
const WEBM: &[u8] = include_bytes!("foreign/sine.webm");
const FRAGMENTED: &[u8] = include_bytes!("foreign/sine.mp4");
const AAC: &[u8] = include_bytes!("foreign/aac.mp4");

const FORMATS: [Format; 3] = [Format::Ogg, Format::Webm, Format::Mp4];

fn plain(format: Format) -> Rendition {
    Rendition {
        format,
        gain_db: None,
        trim_start_ms: 0,
        trim_end_ms: 0,
    }
}

/// A journal as a kill leaves it: without its last page.
fn journal(packets: u16) -> Vec<u8> {
    let mut writer = Writer::new(9, 312, 48_000);
    for number in 0..packets {
        let [high, low] = number.to_be_bytes();
        writer.push(vec![9 << 3, high, low]);
    }
    writer.take_pages()
}

/// The packets of a file, by crate `ogg` or by symphonia; nothing if they take it for broken.
fn packets(format: Format, file: &[u8]) -> Option<Vec<Vec<u8>>> {
    let source = Box::new(Cursor::new(file.to_vec()));
    let source = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    let mut packets = Vec::new();
    let mut reader: Box<dyn FormatReader> = match format {
        Format::Ogg => {
            let mut reader = ogg::PacketReader::new(Cursor::new(file));
            while let Some(packet) = reader.read_packet().ok()? {
                packets.push(packet.data);
            }
            return Some(packets.split_off(2));
        }
        Format::Webm => Box::new(MkvReader::try_new(source, options).ok()?),
        Format::Mp4 => Box::new(IsoMp4Reader::try_new(source, options).ok()?),
    };
    while let Some(packet) = reader.next_packet().ok()? {
        packets.push(packet.data.into_vec());
    }
    Some(packets)
}

#[test]
fn the_packets_of_all_renditions_are_those_of_the_journal() {
    let journal = journal(700);
    let said = packets(Format::Ogg, &journal).unwrap();
    assert_eq!(said.len(), 700);
    for format in FORMATS {
        let rendition = plain(format).of(&journal).unwrap();
        assert_eq!(packets(format, &rendition).unwrap(), said, "{format:?}");
    }
}

#[test]
fn a_rendition_of_a_rendition_has_the_same_packets() {
    let journal = journal(120);
    for from in FORMATS {
        let first = plain(from).of(&journal).unwrap();
        for to in FORMATS {
            let second = plain(to).of(&first).unwrap();
            assert_eq!(
                packets(to, &second),
                packets(from, &first),
                "{from:?} to {to:?}"
            );
        }
    }
}

#[test]
fn what_foreign_recorders_made_becomes_any_container() {
    let said = packets(Format::Ogg, OGG).unwrap();
    assert!(said.len() >= 20);
    for file in [OGG, WEBM, FRAGMENTED] {
        for format in FORMATS {
            let rendition = plain(format).of(file).unwrap();
            assert_eq!(packets(format, &rendition).unwrap(), said, "{format:?}");
        }
    }
}

#[test]
fn gain_and_trim_show_in_every_container() {
    let journal = journal(200);
    let whole = packets(Format::Ogg, &journal).unwrap();
    let mut cut = None;
    for format in FORMATS {
        let rendition = Rendition {
            gain_db: Some(-3.5),
            trim_start_ms: 1000,
            trim_end_ms: 500,
            ..plain(format)
        };
        let file = rendition.of(&journal).unwrap();
        let left = packets(format, &file).unwrap();
        assert!(left.len() < whole.len() - 65, "{} packets", left.len());
        let cut = cut.get_or_insert_with(|| left.clone());
        assert_eq!(&left, cut, "{format:?}");
        let gain = if format == Format::Mp4 {
            (-896_i16).to_be_bytes()
        } else {
            (-896_i16).to_le_bytes()
        };
        let name: &[u8] = if format == Format::Mp4 {
            b"dOps"
        } else {
            b"OpusHead"
        };
        let at = position(&file, name).unwrap() + name.len() + 8;
        assert_eq!(file[at..at + 2], gain, "{format:?}");
        let tagged = position(&file, b"R128_TRACK_GAIN=-1792").is_some();
        assert_eq!(tagged, format == Format::Ogg);
    }
    let untouched = plain(Format::Ogg).of(&journal).unwrap();
    assert!(position(&untouched, b"R128").is_none());
}

fn position(file: &[u8], mark: &[u8]) -> Option<usize> {
    file.windows(mark.len()).position(|window| window == mark)
}

#[test]
fn what_is_no_opus_has_no_rendition() {
    let text = b"<html>OpusHead</html>".as_slice();
    for file in [
        AAC,
        text,
        &[],
        &OGG[..200],
        &WEBM[..100],
        &FRAGMENTED[..100],
    ] {
        for format in FORMATS {
            assert!(plain(format).of(file).is_none());
        }
    }
}

/// Whatever bytes come, a rendition is made or not, in bounded time and memory.
#[test]
fn damaged_files_do_no_harm() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut made = 0;
    for round in 0..6000 {
        let mut file = [OGG, WEBM, FRAGMENTED][round % 3].to_vec();
        for _ in 0..=random(6) {
            let at = random(file.len());
            match random(4) {
                0 => file[at] ^= 1 << random(8),
                1 => file[at] = [0, 0x7f, 0x80, 0xff][random(4)],
                2 => file.truncate(at + 1),
                _ => file.extend_from_within(at..),
            }
        }
        for format in FORMATS {
            made += usize::from(
                plain(format)
                    .of(&file)
                    .is_some_and(|made| made.len() < 4 * file.len() + 8192),
            );
        }
    }
    assert!(made > 1000, "{made} renditions");
}
