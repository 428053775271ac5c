//! `name=value, name="value"` lists of challenges and credentials (RFC 3261 25.1 `auth-param`).

use crate::text;

/// The parameters behind an authentication scheme.
pub(super) struct Fields<'a>(Vec<(&'a str, String)>);

impl<'a> Fields<'a> {
    /// Splits `Scheme name=value, ...`; the scheme comes first.
    pub(super) fn parse(value: &'a str) -> Option<(&'a str, Self)> {
        let (scheme, rest) = value.trim().split_once([' ', '\t'])?;
        let fields = text::split(rest, ',')
            .into_iter()
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (name.trim(), text::unquoted(value)))
            .collect();
        Some((scheme, Self(fields)))
    }

    /// The parameter of this name; one that stands twice counts as missing, because two readers could differ.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self
            .0
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() {
            return None;
        }
        first.map(|(_, value)| value.as_str())
    }
}
