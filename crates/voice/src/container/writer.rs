//! The stream as it grows: header pages, audio pages, the last page.

use super::page::{MOST_SEGMENTS, PageHeader, segments};
use super::{PACKET_SAMPLES, head, tags};

/// Most packets on one page, so that seeking lands within a second.
const MOST_PACKETS: usize = 50;

/// Writes one stream, whole pages only.
#[derive(Debug)]
pub struct Writer {
    serial: u32,
    sequence: u32,
    granule: u64,
    waiting: Vec<Vec<u8>>,
    waiting_segments: usize,
    pages: Vec<u8>,
}

impl Writer {
    /// A stream with its two header pages written (RFC 7845 section 3: each on pages of its own).
    pub fn new(serial: u32, pre_skip: u16, input_rate: u32) -> Self {
        let mut writer = Self {
            serial,
            sequence: 0,
            granule: 0,
            waiting: vec![head(pre_skip, input_rate)],
            waiting_segments: 1,
            pages: Vec::new(),
        };
        writer.end_page(0, PageMark::First);
        writer.waiting.push(tags());
        writer.end_page(0, PageMark::Middle);
        writer
    }

    /// Adds an audio packet of [`PACKET_SAMPLES`].
    pub fn push(&mut self, packet: Vec<u8>) {
        let needed = segments(packet.len());
        let full = self.waiting_segments.saturating_add(needed) > MOST_SEGMENTS;
        if full || self.waiting.len() >= MOST_PACKETS {
            self.end_page(self.granule, PageMark::Middle);
        }
        self.granule = self.granule.saturating_add(PACKET_SAMPLES);
        self.waiting_segments = self.waiting_segments.saturating_add(needed);
        self.waiting.push(packet);
    }

    /// Samples in all packets so far, pre-skip included.
    pub fn granule(&self) -> u64 {
        self.granule
    }

    /// Ends the page under way and hands out all pages not handed out yet.
    pub fn take_pages(&mut self) -> Vec<u8> {
        if !self.waiting.is_empty() {
            self.end_page(self.granule, PageMark::Middle);
        }
        std::mem::take(&mut self.pages)
    }

    /// Ends the stream. `granule` says where the sound ends inside the last packet (RFC 7845 section
    /// 4.4); at least one packet was pushed since the last [`take_pages`](Self::take_pages).
    pub fn finish(mut self, granule: u64) -> Vec<u8> {
        self.end_page(granule, PageMark::Last);
        self.pages
    }

    fn end_page(&mut self, granule: u64, mark: PageMark) {
        let header = PageHeader {
            begins: mark == PageMark::First,
            ends: mark == PageMark::Last,
            continued: false,
            granule,
            serial: self.serial,
            sequence: self.sequence,
        };
        header.write(&self.waiting, &mut self.pages);
        self.waiting.clear();
        self.waiting_segments = 0;
        self.sequence = self.sequence.wrapping_add(1);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PageMark {
    First,
    Middle,
    Last,
}
