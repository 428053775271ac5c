//! The two header packets (RFC 7845 section 5).

/// Who wrote the stream. Part of the bytes, so it changes only with the encoder.
const VENDOR: &[u8] = b"Afterbeep, unsafe-libopus 0.2.0";
const MAGIC: &[u8] = b"OpusHead";

/// What `OpusHead` says of a mono or stereo stream (mapping family 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 1 or 2.
    pub channels: u8,
    /// Samples at 48 kHz that a player drops at the beginning.
    pub pre_skip: u16,
    /// A remark for readers: what the microphone gave.
    pub input_rate: u32,
    /// Output gain in 256ths of a decibel. Every decoder applies it.
    pub gain: i16,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            channels: 1,
            pre_skip: 0,
            input_rate: crate::SAMPLE_RATE,
            gain: 0,
        }
    }
}

impl Head {
    /// Reads the packet; nothing for a stream of more than two channels, or of a version that is not ours to read.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let fields = packet.strip_prefix(MAGIC)?.first_chunk::<11>()?;
        let [version, channels, s0, s1, r0, r1, r2, r3, g0, g1, family] = *fields;
        let known = version & 0xf0 == 0 && (1..=2).contains(&channels) && family == 0;
        known.then_some(Self {
            channels,
            pre_skip: u16::from_le_bytes([s0, s1]),
            input_rate: u32::from_le_bytes([r0, r1, r2, r3]),
            gain: i16::from_le_bytes([g0, g1]),
        })
    }

    /// The packet.
    pub fn write(&self) -> Vec<u8> {
        let mut packet = Vec::with_capacity(19);
        packet.extend_from_slice(MAGIC);
        packet.extend_from_slice(&[1, self.channels]);
        packet.extend_from_slice(&self.pre_skip.to_le_bytes());
        packet.extend_from_slice(&self.input_rate.to_le_bytes());
        packet.extend_from_slice(&self.gain.to_le_bytes());
        packet.push(0);
        packet
    }
}

/// `OpusHead`: mono, no gain. `input_rate` is only a remark for readers; it is what the microphone gave.
pub fn head(pre_skip: u16, input_rate: u32) -> Vec<u8> {
    let head = Head {
        pre_skip,
        input_rate,
        ..Head::default()
    };
    head.write()
}

/// `OpusTags`: the vendor and no comments.
pub fn tags() -> Vec<u8> {
    tags_with(&[])
}

/// `OpusTags` with comments, each `NAME=value`.
pub(super) fn tags_with(comments: &[String]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(64);
    packet.extend_from_slice(b"OpusTags");
    let counted = |packet: &mut Vec<u8>, text: &[u8]| {
        packet.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
        packet.extend_from_slice(text);
    };
    counted(&mut packet, VENDOR);
    let count = u32::try_from(comments.len()).unwrap_or(0);
    packet.extend_from_slice(&count.to_le_bytes());
    for comment in comments {
        counted(&mut packet, comment.as_bytes());
    }
    packet
}

/// Pre-skip of an `OpusHead` packet.
pub(super) fn pre_skip(packet: &[u8]) -> Option<u16> {
    let rest = packet.strip_prefix(MAGIC)?;
    let bytes = rest.get(2..4)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_reads_back_as_written() {
        let head = Head {
            channels: 2,
            pre_skip: 3840,
            input_rate: 44_100,
            gain: -1792,
        };
        assert_eq!(Head::read(&head.write()), Some(head));
    }

    #[test]
    fn surround_and_later_versions_are_not_read() {
        let packet = Head::default().write();
        for (at, value) in [(8, 16), (9, 0), (9, 3), (18, 1)] {
            let mut changed = packet.clone();
            changed[at] = value;
            assert!(Head::read(&changed).is_none(), "byte {at} = {value}");
        }
        assert!(Head::read(&packet[..18]).is_none());
    }
}
