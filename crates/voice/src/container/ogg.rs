//! A whole stream out of Ogg and into it (RFC 7845).

use std::borrow::Cow;

use super::header::{Head, tags_with};
use super::page::{MOST_SEGMENTS, NO_GRANULE, Page, PageHeader, segments};
use super::stream::{Packet, Packets, Stream};

/// Most sound on one page, so that seeking lands within a second.
const PAGE_SAMPLES: u64 = 48_000;

/// The first stream of a file, as far as its pages are whole; nothing if it is not Opus.
pub(super) fn read(file: &[u8]) -> Option<Stream<'_>> {
    let first = Page::read(file)?;
    let head = Head::read(first.packets().next()?)?;
    let mut reading = Reading::default();
    Page::read_all(file)
        .skip(1)
        .filter(|page| page.header.serial == first.header.serial)
        .for_each(|page| reading.page(&page));
    let stream = Stream::new(head, reading.packets, 0)?;
    let end = reading.granule.filter(|_| reading.closed);
    let played = end.map(|end| end.saturating_sub(u64::from(head.pre_skip)));
    Some(match played.filter(|&samples| samples > 0) {
        Some(samples) => stream.ending_after(samples),
        None => stream,
    })
}

#[derive(Default)]
struct Reading<'a> {
    packets: Packets<'a>,
    /// `OpusTags` was there.
    sounding: bool,
    /// A packet that goes on on the next page.
    begun: Option<Vec<u8>>,
    granule: Option<u64>,
    closed: bool,
}

impl<'a> Reading<'a> {
    fn page(&mut self, page: &Page<'a>) {
        if !page.header.continued {
            self.begun = None;
        }
        let mut tail_of_lost = page.header.continued && self.begun.is_none();
        for packet in page.packets() {
            match self.begun.take() {
                Some(mut begun) => {
                    begun.extend_from_slice(packet);
                    self.packet(Cow::Owned(begun));
                }
                None if tail_of_lost => {}
                None => self.packet(Cow::Borrowed(packet)),
            }
            tail_of_lost = false;
        }
        if let Some(tail) = page.unfinished().filter(|_| !tail_of_lost) {
            self.begun.get_or_insert_default().extend_from_slice(tail);
        }
        if page.header.granule != NO_GRANULE {
            self.granule = Some(page.header.granule);
        }
        self.closed |= page.header.ends;
    }

    fn packet(&mut self, bytes: Cow<'a, [u8]>) {
        if self.sounding {
            self.packets.push(bytes);
        }
        self.sounding = true;
    }
}

/// The file. `serial` numbers the stream; comments are `NAME=value`.
pub(super) fn write(stream: &Stream<'_>, serial: u32, comments: &[String]) -> Vec<u8> {
    let mut header = PageHeader {
        begins: true,
        serial,
        ..PageHeader::default()
    };
    let mut out = Vec::new();
    header.write(&[stream.head.write()], &mut out);
    header.begins = false;
    header.sequence = 1;
    header.write(&[tags_with(comments)], &mut out);
    let mut rest = stream.packets.as_slice();
    while let Some((page, later)) = rest.split_at_checked(page_length(rest)) {
        let samples = page
            .iter()
            .fold(0_u64, |sum, packet| sum.saturating_add(packet.samples));
        header.sequence = header.sequence.wrapping_add(1);
        header.granule = header.granule.saturating_add(samples).min(stream.end);
        header.ends = later.is_empty();
        header.write(page, &mut out);
        if later.is_empty() {
            break;
        }
        rest = later;
    }
    out
}

/// How many of these packets go on one page: one at least.
fn page_length(packets: &[Packet<'_>]) -> usize {
    let (mut count, mut taken, mut samples) = (0_usize, 0_usize, 0_u64);
    for packet in packets {
        taken = taken.saturating_add(segments(packet.bytes.len()));
        samples = samples.saturating_add(packet.samples);
        if count > 0 && (taken > MOST_SEGMENTS || samples > PAGE_SAMPLES) {
            break;
        }
        count = count.saturating_add(1);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(lengths: &[usize], padding: u64) -> Stream<'static> {
        let head = Head {
            pre_skip: 312,
            ..Head::default()
        };
        let packet = |&length: &usize| {
            let mut packet = vec![0; length];
            packet[0] = 11 << 3;
            Cow::Owned(packet)
        };
        Stream::new(head, lengths.iter().map(packet).collect(), padding).unwrap()
    }

    #[test]
    fn a_stream_reads_back_as_written() {
        let lengths: Vec<usize> = (1..400).map(|number| number * 7 % 1300 + 1).collect();
        let written = stream(&lengths, 1000);
        let file = write(&written, 7, &["TITLE=x".to_owned()]);
        assert_eq!(read(&file), Some(written));
    }

    #[test]
    fn packets_over_page_ends_are_put_together() {
        let long = {
            let mut packet = vec![5_u8; 1000];
            packet[0] = 11 << 3;
            packet
        };
        let mut file = Vec::new();
        let page = |sequence, granule, continued, ends| PageHeader {
            begins: sequence == 0,
            ends,
            continued,
            granule,
            serial: 1,
            sequence,
        };
        page(0, 0, false, false).write(&[Head::default().write()], &mut file);
        page(1, 0, false, false).write(&[tags_with(&[])], &mut file);
        page(2, NO_GRANULE, false, false).write_unfinished(&long[..510], &mut file);
        page(3, 2880, true, true).write(&[&long[510..]], &mut file);
        let read = read(&file).unwrap();
        assert!(read.packets().eq([long.as_slice()]));
    }

    #[test]
    fn a_file_without_its_end_plays_to_its_last_whole_page() {
        let written = stream(&[100; 60], 0);
        let file = write(&written, 7, &[]);
        let read = read(&file[..file.len() - 1]).unwrap();
        assert_eq!(read.packets().count(), 48);
        assert_eq!(read.samples(), 48 * 2880 - 312);
    }
}
