//! Small rules about text that several header grammars share (RFC 3261 25.1).

/// Whether `text` is a non-empty `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// `text` as a quoted string, with `"` and `\` escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(if is_line_end(character) {
            ' '
        } else {
            character
        });
    }
    out.push('"');
    out
}

/// The content of a quoted string without its quotes, escapes resolved; other text as it is.
pub(crate) fn unquoted(text: &str) -> String {
    let text = text.trim();
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let literal = if character == '\\' {
            characters.next()
        } else {
            None
        };
        out.push(literal.unwrap_or(character));
    }
    out
}

/// Splits at `separator`, but not inside quoted strings or angle brackets; the pieces are trimmed.
pub(crate) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((piece, tail)) = split_once(rest, separator) {
        pieces.push(piece.trim());
        rest = tail;
    }
    pieces.push(rest.trim());
    pieces
}

fn split_once(text: &str, separator: char) -> Option<(&str, &str)> {
    let (mut quoted, mut angle, mut escaped) = (false, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' => angle = true,
            '>' => angle = false,
            _ if character == separator && !angle => {
                let tail = text.get(at..)?.strip_prefix(separator)?;
                return Some((text.get(..at)?, tail));
            }
            _ => {}
        }
    }
    None
}

/// A value that stays on its line: every CR and LF becomes a space.
pub(crate) fn one_line(value: &str) -> String {
    value
        .trim()
        .chars()
        .map(|character| {
            if is_line_end(character) {
                ' '
            } else {
                character
            }
        })
        .collect()
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

/// Resolves `%HH` escapes; `None` where an escape is not two hex digits.
pub(crate) fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (
                bytes.next().and_then(hex_value)?,
                bytes.next().and_then(hex_value)?,
            );
            out.push((high << 4) | low);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

/// Escapes every byte for which `keep` is false as `%HH`.
pub(crate) fn percent_encoded(bytes: &[u8], keep: fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hex_digit(byte >> 4).to_ascii_uppercase());
            out.push(hex_digit(byte & 15).to_ascii_uppercase());
        }
    }
    out
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for &byte in bytes {
        out.push(hex_digit(byte >> 4));
        out.push(hex_digit(byte & 15));
    }
    out
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The string form of bytes that the grammar has already shown to be text.
pub(crate) fn owned(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Gives a type that is `Display` and `FromStr` a string form for serde.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
