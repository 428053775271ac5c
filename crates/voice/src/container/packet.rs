//! Opus packets as far as a container has to know them (RFC 6716 section 3).

/// 48 frames of 1275 bytes, and what frames them: no packet is longer (RFC 6716 section 3.4).
const LONGEST: usize = 61_440;
/// No packet plays longer than 120 ms (RFC 6716 section 3.2.5).
const LONGEST_SAMPLES: u64 = 5760;

/// Samples at 48 kHz that a packet decodes to; nothing for bytes that are no packet.
pub(super) fn samples(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first().filter(|_| packet.len() <= LONGEST)?;
    let config = usize::from(toc >> 3);
    let frame = match config {
        0..=11 => *[480, 960, 1920, 2880].get(config & 3)?,
        12..=15 => *[480, 960].get(config & 1)?,
        _ => *[120, 240, 480, 960].get(config & 3)?,
    };
    let frames = match toc & 3 {
        0 => 1_u64,
        1 | 2 => 2,
        _ => u64::from(*packet.get(1)? & 0x3f),
    };
    Some(frames.saturating_mul(frame)).filter(|all| (1..=LONGEST_SAMPLES).contains(all))
}

#[cfg(test)]
mod tests {
    use super::samples;

    #[test]
    fn the_table_of_contents_tells_the_length() {
        for (packet, expected) in [
            (&[9 << 3, 1, 2][..], Some(960)),
            (&[11 << 3], Some(2880)),
            (&[12 << 3 | 1], Some(960)),
            (&[31 << 3 | 2], Some(1920)),
            (&[16 << 3 | 3, 0x83], Some(360)),
            (&[11 << 3 | 3, 3], None),
            (&[16 << 3 | 3, 0], None),
            (&[16 << 3 | 3], None),
            (&[], None),
        ] {
            assert_eq!(samples(packet), expected, "{packet:?}");
        }
    }
}
