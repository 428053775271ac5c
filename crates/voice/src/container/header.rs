//! The two header packets (RFC 7845 section 5).

/// Who wrote the stream. Part of the bytes, so it changes only with the encoder.
const VENDOR: &[u8] = b"Afterbeep, unsafe-libopus 0.2.0";

/// `OpusHead`: mono, no gain. `input_rate` is only a remark for readers; it is what the microphone gave.
pub fn head(pre_skip: u16, input_rate: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(19);
    packet.extend_from_slice(b"OpusHead");
    packet.extend_from_slice(&[1, 1]); // version, channels
    packet.extend_from_slice(&pre_skip.to_le_bytes());
    packet.extend_from_slice(&input_rate.to_le_bytes());
    packet.extend_from_slice(&[0, 0, 0]); // output gain, mapping family
    packet
}

/// `OpusTags`: the vendor and no comments.
pub fn tags() -> Vec<u8> {
    let length = u32::try_from(VENDOR.len()).unwrap_or(0);
    let mut packet = Vec::with_capacity(64);
    packet.extend_from_slice(b"OpusTags");
    packet.extend_from_slice(&length.to_le_bytes());
    packet.extend_from_slice(VENDOR);
    packet.extend_from_slice(&0_u32.to_le_bytes());
    packet
}

/// Pre-skip of an `OpusHead` packet.
pub(super) fn pre_skip(packet: &[u8]) -> Option<u16> {
    let rest = packet.strip_prefix(b"OpusHead")?;
    let bytes = rest.get(2..4)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}
