//! One Opus stream free of its container: what the header says, the packets, and where the sound ends.

use std::borrow::Cow;

use super::header::Head;
use super::packet;

/// A decoder that begins inside a stream is right after 80 ms (RFC 7845 section 4.6).
pub(super) const PRE_ROLL: u64 = 3840;

/// Three hours of packets of 20 ms.
const MOST_PACKETS: usize = 1 << 19;
const SAMPLES_PER_MS: u64 = 48;

/// The packets of one recording. It has at least one, and each of them plays a part of the sound or prepares
/// the decoder for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream<'a> {
    pub(super) head: Head,
    pub(super) packets: Vec<Packet<'a>>,
    /// Where the sound ends, counted from the first packet, pre-skip included.
    pub(super) end: u64,
}

/// Packets as they are read.
#[derive(Debug, Default)]
pub(super) struct Packets<'a>(Vec<Packet<'a>>);

impl<'a> Packets<'a> {
    /// Takes a packet; bytes that are none are left out, and so is what is too much for a stream.
    pub(super) fn push(&mut self, bytes: Cow<'a, [u8]>) {
        let samples = packet::samples(&bytes).filter(|_| self.0.len() <= MOST_PACKETS);
        let packet = samples.map(|samples| Packet { bytes, samples });
        self.0.extend(packet);
    }
}

impl<'a> FromIterator<Cow<'a, [u8]>> for Packets<'a> {
    fn from_iter<Bytes: IntoIterator<Item = Cow<'a, [u8]>>>(bytes: Bytes) -> Self {
        let mut packets = Self::default();
        bytes.into_iter().for_each(|bytes| packets.push(bytes));
        packets
    }
}

/// One packet and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) samples: u64,
}

impl AsRef<[u8]> for Packet<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Stream<'a> {
    /// Without any sound, or with more packets than an object at the edge can hold, there is no stream. `padding`
    /// samples at the end are not played.
    pub(super) fn new(head: Head, packets: Packets<'a>, padding: u64) -> Option<Self> {
        let few = packets.0.len() <= MOST_PACKETS;
        let end = length(&packets.0).saturating_sub(padding);
        let packets = packets.0;
        Self { head, packets, end }.tidy().filter(|_| few)
    }

    /// The same, played for so many samples, if it is that long.
    pub(super) fn ending_after(mut self, samples: u64) -> Self {
        let end = samples.saturating_add(u64::from(self.head.pre_skip));
        self.end = self.end.min(end);
        self.cut_tail();
        self
    }

    /// The packets' bytes, in their order.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.packets.iter().map(AsRef::as_ref)
    }

    /// Samples at 48 kHz that a player lets hear.
    pub fn samples(&self) -> u64 {
        self.end.saturating_sub(u64::from(self.head.pre_skip))
    }

    /// The stream without so much sound at its beginning and at its end. The packets are left out, but for the four or
    /// five that prepare the decoder, of which nothing is heard: without them it begins with a burst of noise. A cut
    /// that would leave nothing is no cut.
    pub fn trimmed(mut self, start_ms: u64, end_ms: u64) -> Self {
        let cut_start = start_ms.saturating_mul(SAMPLES_PER_MS);
        let cut_end = end_ms.saturating_mul(SAMPLES_PER_MS);
        if cut_start.saturating_add(cut_end) >= self.samples() {
            return self;
        }
        let begin = u64::from(self.head.pre_skip).saturating_add(cut_start);
        let (mut dropped, mut dropped_samples) = (0_usize, 0_u64);
        for packet in self.packets.iter().filter(|_| cut_start > 0) {
            let next = dropped_samples.saturating_add(packet.samples);
            if next.saturating_add(PRE_ROLL) > begin {
                break;
            }
            dropped = dropped.saturating_add(1);
            dropped_samples = next;
        }
        let Ok(pre_skip) = u16::try_from(begin.saturating_sub(dropped_samples)) else {
            return self;
        };
        self.head.pre_skip = pre_skip;
        let gone = dropped_samples.saturating_add(cut_end);
        self.end = self.end.saturating_sub(gone);
        self.packets.drain(..dropped);
        self.cut_tail();
        self
    }

    /// The same sound, louder by so much: said in the header, where every decoder has to look.
    pub fn amplified(mut self, gain_db: f32) -> Self {
        let steps = (f64::from(gain_db) * 256.0).round() as i16;
        self.head.gain = self.head.gain.saturating_add(steps);
        self
    }

    /// Packets of which nothing is played go.
    fn tidy(mut self) -> Option<Self> {
        self.cut_tail();
        (self.samples() > 0 && !self.packets.is_empty()).then_some(self)
    }

    fn cut_tail(&mut self) {
        let mut at = 0_u64;
        let end = self.end;
        self.packets.retain(|packet| {
            let begins = at;
            at = at.saturating_add(packet.samples);
            begins < end
        });
    }

    /// Samples at the end of the last packet that are not played.
    pub(super) fn padding(&self) -> u64 {
        length(&self.packets).saturating_sub(self.end)
    }
}

fn length(packets: &[Packet<'_>]) -> u64 {
    packets
        .iter()
        .fold(0_u64, |sum, packet| sum.saturating_add(packet.samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOC_20_MS: u8 = 9 << 3;

    fn stream(packets: u8, padding: u64) -> Stream<'static> {
        let head = Head {
            pre_skip: 312,
            ..Head::default()
        };
        let packets = (0..packets).map(|number| Cow::Owned(vec![TOC_20_MS, number]));
        Stream::new(head, packets.collect(), padding).unwrap()
    }

    #[test]
    fn packets_that_nobody_hears_are_left_out() {
        let stream = stream(10, 3 * 960 - 1);
        assert_eq!(stream.packets().count(), 8);
        assert_eq!(stream.samples(), 7 * 960 + 1 - 312);
        assert_eq!(stream.padding(), 959);
    }

    #[test]
    fn a_trim_keeps_what_the_decoder_needs_and_plays_what_is_left() {
        let whole = stream(100, 1000);
        let cut = whole.clone().trimmed(500, 300);
        assert_eq!(cut.samples(), whole.samples() - 800 * 48);
        let pre_skip = u64::from(cut.head.pre_skip);
        assert!((PRE_ROLL..PRE_ROLL + 960).contains(&pre_skip), "{pre_skip}");
        let first = cut.packets().next().unwrap()[1];
        assert_eq!(u64::from(first) * 960 + pre_skip, 312 + 500 * 48);
        assert!(cut.padding() < 960);
    }

    #[test]
    fn a_trim_of_nothing_changes_nothing() {
        let whole = stream(100, 1000);
        assert_eq!(whole.clone().trimmed(0, 0), whole);
    }

    #[test]
    fn a_trim_that_leaves_nothing_is_not_made() {
        let whole = stream(10, 0);
        assert_eq!(whole.clone().trimmed(100, 100), whole);
        assert_eq!(whole.clone().trimmed(u64::MAX, 1), whole);
    }

    #[test]
    fn gain_is_counted_in_256ths_of_a_decibel() {
        assert_eq!(stream(1, 0).amplified(-3.5).head.gain, -896);
        assert_eq!(stream(1, 0).amplified(1000.0).head.gain, i16::MAX);
    }

    #[test]
    fn without_sound_there_is_no_stream() {
        let head = Head {
            pre_skip: 312,
            ..Head::default()
        };
        let one = || Packets::from_iter([Cow::Borrowed(&[TOC_20_MS][..])]);
        assert!(Stream::new(head, Packets::default(), 0).is_none());
        assert!(Stream::new(head, one(), 960 - 312).is_none());
        assert!(Stream::new(head, one(), 960 - 313).is_some());
    }
}
