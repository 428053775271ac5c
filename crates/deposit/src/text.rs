//! One-line texts that people read: titles and names of files. Nothing in them may act on a screen.

/// The most characters of a title.
pub const MAX_TITLE: usize = 100;

/// Whether a character only says what it shows: no control character, no line break, nothing that turns the
/// direction of what follows.
#[must_use]
pub fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Whether a text may be a message's title.
#[must_use]
pub fn is_title(text: &str) -> bool {
    let trimmed = text.trim() == text && !text.is_empty();
    trimmed && text.chars().count() <= MAX_TITLE && text.chars().all(is_plain)
}

/// The title in what somebody typed or pasted into one line; empty for none.
#[must_use]
pub fn title(typed: &str) -> String {
    let plain: String = typed
        .chars()
        .map(|character| {
            if character.is_whitespace() {
                ' '
            } else {
                character
            }
        })
        .filter(|character| is_plain(*character))
        .collect();
    let cut: String = plain.trim().chars().take(MAX_TITLE).collect();
    cut.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{MAX_TITLE, is_title, title};

    #[test]
    fn a_title_is_one_plain_line() {
        for good in ["Saturday", "Grüße 👋 from Anna", &"t".repeat(MAX_TITLE)] {
            assert!(is_title(good), "{good:?}");
            assert_eq!(title(good), good);
        }
        for bad in [
            "",
            " a",
            "a\nb",
            "a\u{7}",
            "a\u{202e}b",
            &"t".repeat(MAX_TITLE + 1),
        ] {
            assert!(!is_title(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_was_pasted_becomes_a_title() {
        assert_eq!(title("  two\nlines\t\u{7}here "), "two lines here");
        assert_eq!(title(" \n "), "");
        assert!(is_title(&title(&"long ".repeat(90))));
    }
}
