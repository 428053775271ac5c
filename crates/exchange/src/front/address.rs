//! Addresses as people and programs write them in the API.

use crate::settings::Settings;

/// The normalised address for `bob`, `bob@example.com` or `sip:bob@example.com`, if it is one of ours.
#[must_use]
pub fn address(settings: &Settings, text: &str) -> Option<String> {
    let address = settings.address(text).ok()?;
    (address.domain() == settings.domain()).then(|| address.as_str().to_owned())
}

/// Decodes `%xx`; nothing if the result is not text.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = core::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Encodes all but letters, digits and `-._~` as `%xx`, so that any text fits into a header.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            plain if plain.is_ascii_alphanumeric() => encoded.push(char::from(plain)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
