//! The name that a caller gives itself, as it may be shown: in an inbox, in notifications, on a telephone.

/// No name of ours is longer either.
const LONGEST_NAME: usize = 120;

/// One line of bounded length without anything invisible that changes how its surroundings read; nothing if
/// nothing is left.
pub(crate) fn shown_name(name: Option<&str>) -> Option<String> {
    let plain: String = name?
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !reorders(*character))
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let shown: String = words.join(" ").chars().take(LONGEST_NAME).collect();
    (!shown.is_empty()).then_some(shown)
}

/// The explicit directional formatting characters (UAX #9 section 2), with which `moc.elpmaxe` reads as another
/// name; the marks that right-to-left names need stay.
const fn reorders(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::shown_name;

    #[test]
    fn a_name_is_one_short_visible_line() {
        let (long, short) = ("n".repeat(5_000), "n".repeat(120));
        for (name, shown) in [
            (None, None),
            (Some(""), None),
            (Some(" \u{7}\u{202e} "), None),
            (Some("Anna Schmidt"), Some("Anna Schmidt")),
            (
                Some("\u{5d0}\u{5d1}\u{200f}"),
                Some("\u{5d0}\u{5d1}\u{200f}"),
            ),
            (Some("x\u{1b}[31m\u{0}y\t z"), Some("x [31m y z")),
            (Some("\u{202e}annA\u{2066}!"), Some("annA!")),
            (Some(long.as_str()), Some(short.as_str())),
        ] {
            assert_eq!(shown_name(name).as_deref(), shown, "{name:?}");
        }
    }
}
