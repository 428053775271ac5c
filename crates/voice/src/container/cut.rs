//! Cutting a recording by hand: the same packets without those of the sound that is left out.

use super::ogg;
use super::page::Page;

const SAMPLES_PER_MS: u64 = 48;

/// The recording from `from_ms` to `to_ms`, exact to the sample: a file of its own out of the same packets. Ahead of
/// the first sound stand 80 to 100 ms of packets that only prepare the decoder and that no player plays (RFC 7845
/// sections 4.2 and 4.6). Nothing where that leaves no sound, or for what is not Ogg Opus.
pub fn cut(recording: &[u8], from_ms: u64, to_ms: u64) -> Option<Vec<u8>> {
    let serial = Page::read(recording)?.header.serial;
    let stream = ogg::read(recording)?;
    let from = from_ms.saturating_mul(SAMPLES_PER_MS);
    let to = to_ms.saturating_mul(SAMPLES_PER_MS).min(stream.samples());
    let kept = to.checked_sub(from).filter(|&kept| kept > 0)?;
    let stream = stream.ending_after(to).trimmed(from_ms, 0);
    (stream.samples() == kept).then(|| ogg::write(&stream, serial, &[]))
}

#[cfg(test)]
#[cfg(feature = "encode")]
mod tests {
    use std::sync::LazyLock;

    use opus_decoder::OpusDecoder;

    use super::{cut, ogg};
    use crate::container::{Page, Writer, closing, duration_ms};
    use crate::encoder::{Encoder, FRAME};

    /// Four seconds.
    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| recording(4_000));

    /// A tone that rises all the time, so that no two places sound alike.
    fn recording(ms: u32) -> Vec<u8> {
        let mut encoder = Encoder::new().unwrap();
        let pre_skip = encoder.lookahead().unwrap();
        let mut writer = Writer::new(7, pre_skip, 48_000);
        let end = u64::from(ms)
            .saturating_mul(48)
            .saturating_add(u64::from(pre_skip));
        let mut phase = 0.0_f32;
        let mut at = 0_u16;
        while writer.granule() < end {
            let frame: [f32; FRAME] = std::array::from_fn(|_| {
                at = at.wrapping_add(1);
                phase = (phase + 0.03 + f32::from(at) / 500_000.0) % std::f32::consts::TAU;
                phase.sin() * 0.4
            });
            writer.push(encoder.encode(&frame).unwrap());
        }
        writer.finish(end)
    }

    fn packets(file: &[u8]) -> Vec<Vec<u8>> {
        ogg::read(file)
            .unwrap()
            .packets()
            .map(<[u8]>::to_vec)
            .collect()
    }

    /// What a player plays of a file.
    fn play(file: &[u8]) -> Vec<i16> {
        let stream = ogg::read(file).unwrap();
        let mut decoder = OpusDecoder::new(48_000, 1).unwrap();
        let mut samples = Vec::new();
        for packet in stream.packets() {
            let mut frame = [0; 5_760];
            let length = decoder.decode(packet, &mut frame, false).unwrap();
            samples.extend_from_slice(&frame[..length]);
        }
        samples.truncate(usize::try_from(stream.end).unwrap());
        samples.split_off(usize::from(stream.head.pre_skip))
    }

    /// How far apart two pieces of sound are, in decibels below the first.
    fn likeness_db(one: &[i16], other: &[i16]) -> f64 {
        let power = |samples: &mut dyn Iterator<Item = f64>| {
            samples.map(|value| value * value).sum::<f64>()
        };
        let signal = power(&mut one.iter().map(|&sample| f64::from(sample)));
        let noise = power(
            &mut one
                .iter()
                .zip(other)
                .map(|(a, b)| f64::from(*a) - f64::from(*b)),
        );
        10.0 * (signal / noise.max(1.0)).log10()
    }

    #[test]
    fn what_is_kept_are_the_same_packets_and_nothing_of_the_rest() {
        let whole = &*WHOLE;
        let (all, kept) = (packets(whole), packets(&cut(whole, 1_230, 3_456).unwrap()));
        let first = all.windows(kept.len()).position(|run| run == kept).unwrap();
        let begins_ms = first * 20;
        assert!(
            (1_120..=1_160).contains(&begins_ms),
            "at most 100 ms ahead: {begins_ms}"
        );
        let ends_ms = (first + kept.len()) * 20;
        assert!((3_456..3_490).contains(&ends_ms), "{ends_ms}");
    }

    #[test]
    fn a_cut_plays_exactly_what_the_whole_plays_there() {
        let whole = &*WHOLE;
        let heard = play(whole);
        for (from, to) in [
            (0, 2_000),
            (1_230, 3_456),
            (20, 60),
            (3_000, 4_000),
            (0, 4_000),
        ] {
            let file = cut(whole, from, to).unwrap();
            assert_eq!(duration_ms(&file), Some(to - from));
            let (from, to) = (
                usize::try_from(from).unwrap() * 48,
                usize::try_from(to).unwrap() * 48,
            );
            let likeness = likeness_db(&heard[from..to], &play(&file));
            assert!(likeness > 25.0, "{from}-{to}: {likeness} dB");
        }
    }

    #[test]
    fn a_recording_that_was_interrupted_can_be_cut() {
        let mut file = WHOLE.clone();
        file.truncate(file.len() - 50);
        let whole_pages: usize = Page::read_all(&file).map(|page| page.length()).sum();
        file.truncate(whole_pages);
        let tail = closing(&file);
        file.extend(tail);
        let length = duration_ms(&file).unwrap();
        let cut = cut(&file, 500, length).unwrap();
        assert_eq!(duration_ms(&cut), Some(length - 500));
    }

    #[test]
    fn a_cut_can_be_cut_again() {
        let whole = &*WHOLE;
        let twice = cut(&cut(whole, 500, 2_500).unwrap(), 500, 1_500).unwrap();
        let once = cut(whole, 1_000, 2_000).unwrap();
        assert!(likeness_db(&play(&once), &play(&twice)) > 25.0);
    }

    #[test]
    fn where_nothing_is_left_there_is_no_file() {
        let whole = &*WHOLE;
        for (from, to) in [(500, 500), (600, 500), (4_000, 5_000), (u64::MAX, u64::MAX)] {
            assert_eq!(cut(whole, from, to), None);
        }
        assert_eq!(cut(b"no sound", 0, 1), None);
        assert_eq!(duration_ms(&cut(whole, 3_400, 9_999).unwrap()), Some(600));
    }
}
