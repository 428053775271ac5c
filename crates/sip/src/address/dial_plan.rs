//! How telephone numbers are dialled in one domain, and whose they are.
//!
//! It knows prefixes, not networks: whether a number exists is not decided here.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The fewest digits of what is read as a telephone number where nothing says that it is one.
const FEWEST_DIGITS: usize = 3;

/// The dial plan of a domain; the empty one leaves numbers as they were dialled.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct DialPlan {
    /// Country code without `+`, such as `49`.
    country: String,
    /// What stands in front of a national number, such as `0`; empty if nothing does.
    trunk: String,
    /// What stands in front of a country code, such as `00` or `011`.
    international: String,
    /// A number of so many digits without any prefix is a national one; 0 if none is.
    national_digits: usize,
    /// Numbers as dialled or in E.164, and the addresses that they reach.
    aliases: BTreeMap<String, String>,
}

impl DialPlan {
    /// The plan with its numbers in canonical form; nothing where a prefix is no number.
    #[must_use]
    pub fn checked(mut self) -> Option<Self> {
        let prefixes = [&self.country, &self.trunk, &self.international];
        let plain = |text: &&String| text.bytes().all(|byte| byte.is_ascii_digit());
        if !prefixes.iter().all(plain) {
            return None;
        }
        for (number, address) in core::mem::take(&mut self.aliases) {
            self.aliases.insert(self.canonical(&number)?, address);
        }
        Some(self)
    }

    /// The address that a canonical number is an alias of.
    #[must_use]
    pub fn alias(&self, number: &str) -> Option<&str> {
        self.aliases.get(number).map(String::as_str)
    }

    /// The one form of a number as dialled: E.164 with `+` where the plan says how, else its digits. Nothing for text
    /// that is no number.
    #[must_use]
    pub fn canonical(&self, dialled: &str) -> Option<String> {
        let number = digits(dialled);
        if number.starts_with('+') {
            return is_number(&number).then_some(number);
        }
        is_number(&number).then(|| self.international(&number).unwrap_or(number))
    }

    fn international(&self, number: &str) -> Option<String> {
        if let Some(rest) = behind(number, &self.international) {
            return Some(format!("+{rest}"));
        }
        if self.country.is_empty() {
            return None;
        }
        let national = behind(number, &self.trunk)
            .or_else(|| (number.len() == self.national_digits).then_some(number))?;
        Some(format!("+{}{national}", self.country))
    }
}

/// What stands behind a prefix, if both are something.
fn behind<'a>(number: &'a str, prefix: &str) -> Option<&'a str> {
    number
        .strip_prefix(prefix)
        .filter(|rest| !prefix.is_empty() && !rest.is_empty())
}

/// A number without its visual separators (RFC 3966 5.1.1).
pub(super) fn digits(number: &str) -> String {
    number
        .chars()
        .filter(|character| !is_separator(*character))
        .collect()
}

/// Whether text without scheme and domain is meant as a telephone number.
pub(super) fn is_typed_number(text: &str) -> bool {
    let number = digits(text);
    is_number(&number) && number.len() >= FEWEST_DIGITS
}

/// Digits, behind one `+` or none.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

const fn is_separator(character: char) -> bool {
    matches!(character, '-' | '.' | '(' | ')' | ' ' | '/' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::DialPlan;

    fn plan(json: &str) -> DialPlan {
        let plan: DialPlan = serde_json::from_str(json).expect("JSON");
        plan.checked().expect("a plan")
    }

    #[test]
    fn numbers_are_read_as_people_of_the_domain_dial_them() {
        let german = plan(r#"{"country":"49","trunk":"0","international":"00"}"#);
        let american =
            plan(r#"{"country":"1","trunk":"1","international":"011","national_digits":10}"#);
        let danish = plan(r#"{"country":"45","international":"00","national_digits":8}"#);
        let none = DialPlan::default();
        for (plan, dialled, number) in [
            (&german, "030 123456", Some("+4930123456")),
            (&german, "0049 30/123456", Some("+4930123456")),
            (&german, "+49 (30) 123-456", Some("+4930123456")),
            (&german, "7042", Some("7042")),
            (&german, "0", Some("0")),
            (&american, "201.555.0123", Some("+12015550123")),
            (&american, "1-201-555-0123", Some("+12015550123")),
            (&american, "011 49 30 123456", Some("+4930123456")),
            (&danish, "12 34 56 78", Some("+4512345678")),
            (&danish, "110", Some("110")),
            (&none, "030123456", Some("030123456")),
            (&german, "bob", None),
            (&german, "", None),
            (&german, "+", None),
            (&german, "12+3", None),
        ] {
            assert_eq!(plan.canonical(dialled).as_deref(), number, "{dialled}");
        }
    }

    #[test]
    fn an_alias_is_found_under_every_spelling_of_its_number() {
        let plan =
            plan(r#"{"country":"49","trunk":"0","aliases":{"030 123":"bob","7042":"carol"}}"#);
        assert_eq!(plan.alias("+4930123"), Some("bob"));
        assert_eq!(plan.alias("7042"), Some("carol"));
        assert_eq!(plan.alias("030123"), None);
    }

    #[test]
    fn a_prefix_or_an_alias_that_is_no_number_makes_no_plan() {
        for json in [
            r#"{"country":"+49"}"#,
            r#"{"trunk":"x"}"#,
            r#"{"aliases":{"bob":"carol"}}"#,
        ] {
            let plan: DialPlan = serde_json::from_str(json).expect("JSON");
            assert_eq!(plan.checked(), None, "{json}");
        }
    }
}
