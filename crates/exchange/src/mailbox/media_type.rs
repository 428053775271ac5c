//! What bytes are, by their first ones. The word of a sender about its content is never believed.

/// The media type that the first bytes (64 are enough) show; nothing for what we do not know.
#[must_use]
pub fn media_type(start: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, mark: &[u8]| {
        start
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(mark))
    };
    if at(0, b"OggS") {
        let opus = start.windows(8).any(|window| window == b"OpusHead");
        return Some(if opus { "audio/ogg" } else { "application/ogg" });
    }
    if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
        return Some("audio/webm");
    }
    if at(4, b"ftyp") {
        return Some("audio/mp4");
    }
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return Some("audio/wav");
    }
    None
}

/// How long an Ogg Opus file plays (RFC 7845 section 4): granule position of its last page, less the
/// pre-skip of its header, at 48 kHz.
#[must_use]
pub(super) fn ogg_opus_duration_ms(bytes: &[u8]) -> Option<u32> {
    let header = bytes.windows(8).position(|window| window == b"OpusHead")?;
    let pre_skip = bytes.get(header.checked_add(10)?..)?.first_chunk::<2>()?;
    let last_page = bytes.windows(4).rposition(|window| window == b"OggS")?;
    let granule = bytes.get(last_page.checked_add(6)?..)?.first_chunk::<8>()?;
    let samples =
        u64::from_le_bytes(*granule).checked_sub(u64::from(u16::from_le_bytes(*pre_skip)))?;
    u32::try_from(samples / 48).ok()
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn content_is_known_by_its_first_bytes() {
        for (start, expected) in [
            (
                &b"OggS\0\x02\0\0\0\0\0\0\0\0abcdefghijklm\x01\x13OpusHead"[..],
                Some("audio/ogg"),
            ),
            (
                b"OggS\0\x02 with something else inside",
                Some("application/ogg"),
            ),
            (&[0x1a, 0x45, 0xdf, 0xa3, 0x9f], Some("audio/webm")),
            (b"\0\0\0\x18ftypmp42", Some("audio/mp4")),
            (b"<html><script>", None),
            (b"", None),
        ] {
            assert_eq!(media_type(start), expected);
        }
    }
}
