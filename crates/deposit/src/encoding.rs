//! The three ways in which bytes are written as text here: hexadecimal, base64 and base64url.

use base64::{Engine, engine::general_purpose};

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS.get(usize::from(value)).copied().unwrap_or(b'0'));
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes of hexadecimal `text`, exactly `N` of them, in either case.
#[must_use]
pub fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks_exact(2)
        .filter_map(|pair| Some((pair.first()? << 4) | pair.last()?))
        .collect();
    let exact = text.len() == bytes.len().checked_mul(2)?;
    if exact { bytes.try_into().ok() } else { None }
}

/// Unpadded base64url (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of unpadded base64url; anything else, also padding, is refused.
pub(crate) fn base64url_bytes(text: &str) -> Option<Vec<u8>> {
    general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}

/// Padded base64 (RFC 4648 section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    general_purpose::STANDARD.encode(bytes)
}

/// The bytes of base64, with or without its padding.
pub(crate) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    general_purpose::STANDARD_NO_PAD
        .decode(text.trim_end_matches('='))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips_and_refuses_other_lengths() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
        assert_eq!(hex_bytes::<4>("0001ABff"), Some([0, 1, 0xab, 0xff]));
        for wrong in [
            "0001abf",
            "0001abff00",
            "0001abfg",
            "",
            "000 abff",
            "+001abff",
        ] {
            assert_eq!(hex_bytes::<4>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64url_refuses_padding_and_the_other_alphabet() {
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(base64url_bytes("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(base64url_bytes("-_8="), None);
        assert_eq!(base64url_bytes("+/8"), None);
    }
}
