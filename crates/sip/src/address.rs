//! One canonical form for every address, so that one person is one line and one mailbox.
//!
//! It takes what people type and what peers send (`bob`, `SIP:Bob@Example.COM:5060;transport=ws`,
//! `tel:+1-201-555-0123`) and knows nothing of accounts: whether somebody is there is not decided here.

mod dial_plan;

use core::{fmt, str::FromStr};

pub use dial_plan::DialPlan;
use dial_plan::{digits, is_typed_number};

use crate::{text, uri};

/// Longest address in bytes; longer ones would not fit object names and tokens.
pub const MAX_BYTES: usize = 255;

/// `sip:user@domain`: lower case, escapes resolved wherever a character may stand for itself, no port,
/// no parameters. A telephone number is its E.164 form with `+` as the user part.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Address(String);

/// Why a text is no address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// Nothing in front of the `@`.
    #[error("the address names nobody")]
    NoUser,
    /// No domain, and none to assume.
    #[error("the address has no domain")]
    NoDomain,
    /// The domain is no host name or IP address.
    #[error("the domain is not a host name")]
    BadDomain,
    /// A `%` without two hex digits, or bytes that are no text.
    #[error("the address has a broken escape")]
    BadEscape,
    /// Characters that no name may have.
    #[error("the address holds a character that is not allowed")]
    BadCharacter,
    /// A scheme other than `sip`, `sips` and `tel`.
    #[error("only sip, sips and tel addresses are known")]
    UnknownScheme,
    /// A `tel:` without country code and without a `phone-context` that gives one.
    #[error("the telephone number has no country code")]
    LocalNumber,
    /// More than [`MAX_BYTES`].
    #[error("the address is too long")]
    TooLong,
}

/// The canonical form of `text`. `domain_aliases` are names of one domain: any of them becomes the
/// first, which is also assumed where `text` names no domain and for telephone numbers.
///
/// # Errors
/// [`AddressError`] where `text` is no address.
pub fn normalise<Name: AsRef<str>>(
    text: &str,
    domain_aliases: &[Name],
) -> Result<Address, AddressError> {
    normalise_by(&DialPlan::default(), text, domain_aliases)
}

/// As [`normalise`]; in the own domain numbers are read by its dial plan, and lead where its aliases say.
///
/// # Errors
/// [`AddressError`] where `text`, or what it is an alias of, is no address.
pub fn normalise_by<Name: AsRef<str>>(
    plan: &DialPlan,
    text: &str,
    domain_aliases: &[Name],
) -> Result<Address, AddressError> {
    let address = as_dialled(plan, text, domain_aliases)?;
    let own = domain_aliases.first().map(AsRef::as_ref);
    let ours = own.is_some_and(|own| own.eq_ignore_ascii_case(address.domain()));
    let ours = ours && *plan != DialPlan::default();
    let Some(number) = ours.then(|| plan.canonical(address.user())).flatten() else {
        return Ok(address);
    };
    match plan.alias(&number) {
        // An alias of an alias is not followed.
        Some(target) => normalise(target, domain_aliases),
        None => address_of(&number, address.domain()),
    }
}

fn as_dialled<Name: AsRef<str>>(
    plan: &DialPlan,
    text: &str,
    domain_aliases: &[Name],
) -> Result<Address, AddressError> {
    let text = text.trim();
    let text = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or(text);
    let (user, host) = match split_scheme(text)? {
        (true, number) => telephone(plan, number)?,
        (false, rest) if is_typed_number(rest) => (digits(rest), None),
        (false, rest) => sip_parts(rest),
    };
    address_of(&canonical_user(&user)?, &domain(host, domain_aliases)?)
}

/// The canonical form of a number for somebody who does not know the dial plan of its domain: `tel:` without a country
/// code stays as it was dialled, and the domain reads it.
///
/// # Errors
/// As [`normalise`], but never [`AddressError::LocalNumber`] where the domain is known.
pub fn normalise_dialled<Name: AsRef<str>>(
    text: &str,
    domain_aliases: &[Name],
) -> Result<Address, AddressError> {
    match normalise(text, domain_aliases) {
        Err(AddressError::LocalNumber) => {
            let (_, rest) = split_scheme(text.trim())?;
            let number = digits(rest.split(';').next().unwrap_or(""));
            address_of(&canonical_user(&number)?, &domain(None, domain_aliases)?)
        }
        settled => settled,
    }
}

fn address_of(user: &str, domain: &str) -> Result<Address, AddressError> {
    let address = format!("sip:{user}@{domain}");
    if address.len() > MAX_BYTES {
        return Err(AddressError::TooLong);
    }
    Ok(Address(address))
}

impl Address {
    /// `sip:user@domain`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The user part, with the escapes that a URI needs.
    #[must_use]
    pub fn user(&self) -> &str {
        self.parts().0
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// The address as a URI.
    #[must_use]
    pub fn to_uri(&self) -> uri::Uri {
        uri::Uri {
            user: Some(self.user().to_owned()),
            ..uri::Uri::sip_host(self.domain())
        }
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix("sip:").unwrap_or(&self.0);
        rest.split_once('@').unwrap_or((rest, ""))
    }
}

/// Whether `text` is a `tel:` URI, and what stands behind its scheme.
fn split_scheme(text: &str) -> Result<(bool, &str), AddressError> {
    match text.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel") => Ok((true, rest)),
        Some((scheme, rest)) if is_one_of(scheme, ["sip", "sips"]) => Ok((false, rest)),
        // `bob@host:5060` has a colon too, but no scheme in front of it.
        Some((scheme, rest)) if !scheme.contains(['@', '[']) && !is_port(rest) => {
            Err(AddressError::UnknownScheme)
        }
        _ => Ok((false, text)),
    }
}

fn is_one_of(scheme: &str, names: [&str; 2]) -> bool {
    names.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

fn is_port(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(text.as_bytes().get(digits), None | Some(b';' | b'?'))
}

/// User part and host of what stands behind `sip:`; parameters, headers and the password are left out.
fn sip_parts(rest: &str) -> (String, Option<&str>) {
    let Some((user_info, behind)) = rest.split_once('@') else {
        return (rest.split([';', '?']).next().unwrap_or("").to_owned(), None);
    };
    let (host, parameters) = behind.split_once([';', '?']).unwrap_or((behind, ""));
    let user = user_info.split(':').next().unwrap_or("");
    let is_phone = parameters
        .split(';')
        .any(|one| one.eq_ignore_ascii_case("user=phone"));
    if is_phone {
        return (digits(user.split(';').next().unwrap_or("")), Some(host));
    }
    (user.to_owned(), Some(host))
}

/// The E.164 form of an RFC 3966 number, and the domain of its `phone-context`, if it is one.
fn telephone<'a>(
    plan: &DialPlan,
    rest: &'a str,
) -> Result<(String, Option<&'a str>), AddressError> {
    let mut parts = rest.split(';');
    let number = digits(parts.next().unwrap_or(""));
    if number.starts_with('+') {
        return Ok((number, None));
    }
    let context = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("phone-context"))
        .map(|(_, context)| context);
    match context {
        Some(prefix) if prefix.starts_with('+') => {
            Ok((format!("{}{number}", digits(prefix)), None))
        }
        Some(domain) => Ok((number, Some(domain))),
        None => match plan.canonical(&number) {
            Some(known) if known.starts_with('+') || plan.alias(&known).is_some() => {
                Ok((known, None))
            }
            _ => Err(AddressError::LocalNumber),
        },
    }
}

fn canonical_user(user: &str) -> Result<String, AddressError> {
    let decoded = text::percent_decoded(user).ok_or(AddressError::BadEscape)?;
    let decoded = String::from_utf8(decoded).map_err(|_| AddressError::BadEscape)?;
    if decoded.is_empty() {
        return Err(AddressError::NoUser);
    }
    if decoded
        .chars()
        .any(|character| character.is_control() || character == ' ')
    {
        return Err(AddressError::BadCharacter);
    }
    Ok(text::percent_encoded(
        decoded.to_ascii_lowercase().as_bytes(),
        uri::is_user_byte,
    ))
}

fn domain<Name: AsRef<str>>(host: Option<&str>, aliases: &[Name]) -> Result<String, AddressError> {
    let own = aliases.first().map(AsRef::as_ref);
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return own
            .map(str::to_ascii_lowercase)
            .ok_or(AddressError::NoDomain);
    };
    let uri = format!("sip:{host}")
        .parse::<uri::Uri>()
        .map_err(|_| AddressError::BadDomain)?;
    if uri.user.is_some() || !uri.params.is_empty() || !uri.headers.is_empty() {
        return Err(AddressError::BadDomain);
    }
    let host = uri.host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() {
        return Err(AddressError::BadDomain);
    }
    let is_own = aliases
        .iter()
        .any(|alias| alias.as_ref().eq_ignore_ascii_case(&host));
    Ok(own.filter(|_| is_own).map_or(host, str::to_ascii_lowercase))
}

impl FromStr for Address {
    type Err = AddressError;

    /// The canonical form without any alias.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        normalise::<&str>(text, &[])
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

text::serde_as_text!(Address);

#[cfg(test)]
mod tests {
    use super::{Address, AddressError, DialPlan, normalise, normalise_by, normalise_dialled};

    const DOMAINS: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "edge.example.com"];

    fn canonical(text: &str) -> String {
        normalise(text, &DOMAINS)
            .map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn every_spelling_of_one_person_is_one_address() {
        let bob = "sip:bob@example.com";
        for text in [
            "sip:bob@example.com",
            "SIP:Bob@Example.COM",
            "sips:bob@example.com:5061;transport=ws?Subject=x",
            "bob@example.com",
            " <sip:bob@example.com> ",
            "sip:b%6Fb@example.com.",
            "sip:bob:secret@example.com",
            "bob@example.com:8787",
        ] {
            assert_eq!(canonical(text), bob, "{text}");
        }
    }

    #[test]
    fn every_alias_is_the_first_domain() {
        for text in [
            "bob",
            "sip:bob",
            "bob;x=y",
            "bob@127.0.0.1:8787",
            "sip:bob@[::1]:8787",
            "bob@EDGE.example.com",
            "sip:bob@localhost",
        ] {
            assert_eq!(canonical(text), "sip:bob@localhost", "{text}");
        }
    }

    #[test]
    fn telephone_numbers_become_e164() {
        let number = "sip:+12015550123@localhost";
        for text in [
            "tel:+1-201-555-0123",
            "TEL:+1.201.555.0123;ext=7",
            "tel:555-0123;phone-context=+1201",
            "sip:+1-201-555-0123@localhost;user=phone",
            "sip:+12015550123;isub=1@localhost;user=phone",
        ] {
            assert_eq!(canonical(text), number, "{text}");
        }
        assert_eq!(
            canonical("tel:7042;phone-context=example.com"),
            "sip:7042@example.com"
        );
    }

    #[test]
    fn a_number_that_somebody_types_is_one() {
        for text in ["030 123456", "(030) 123-456", "030/123456"] {
            assert_eq!(canonical(text), "sip:030123456@localhost", "{text}");
        }
        assert_eq!(canonical("+49 30 123456"), "sip:+4930123456@localhost");
        assert_eq!(canonical("5"), "sip:5@localhost");
        let dialled = |text| normalise_dialled(text, &DOMAINS).map(|address| address.to_string());
        assert_eq!(
            dialled("tel:030-123456"),
            Ok("sip:030123456@localhost".to_owned())
        );
        assert_eq!(
            dialled("mailto:bob@example.com"),
            Err(AddressError::UnknownScheme)
        );
    }

    #[test]
    fn numbers_of_the_own_domain_follow_its_plan_and_its_aliases() {
        let json = r#"{"country":"49","trunk":"0","international":"00","aliases":{"030123456":"bob","7042":"sip:carol@example.com"}}"#;
        let plan: DialPlan = serde_json::from_str(json).unwrap();
        let plan = plan.checked().unwrap();
        for (text, address) in [
            ("tel:030-123456", "sip:bob@localhost"),
            ("tel:+49-30-123456", "sip:bob@localhost"),
            (
                "sip:0049(30)123456@127.0.0.1;user=phone",
                "sip:bob@localhost",
            ),
            ("sip:+4930123456@localhost", "sip:bob@localhost"),
            ("tel:7042", "sip:carol@example.com"),
            ("040 55", "sip:+494055@localhost"),
            ("sip:04055@example.com", "sip:04055@example.com"),
            ("sip:dave@localhost", "sip:dave@localhost"),
        ] {
            let found = normalise_by(&plan, text, &DOMAINS).map(|found| found.to_string());
            assert_eq!(found, Ok(address.to_owned()), "{text}");
        }
        assert_eq!(
            normalise_by(&plan, "tel:112", &DOMAINS),
            Err(AddressError::LocalNumber)
        );
    }

    #[test]
    fn reserved_characters_stay_escaped_so_that_the_address_is_a_uri() {
        assert_eq!(canonical("sip:a%40b@example.com"), "sip:a%40b@example.com");
        assert_eq!(
            canonical("sip:%C3%A9@example.com"),
            "sip:%C3%A9@example.com"
        );
        assert_eq!(canonical("\u{e9}@example.com"), "sip:%C3%A9@example.com");
        assert_eq!(
            canonical("sip:user;par=1@example.com"),
            "sip:user%3Bpar=1@example.com"
        );
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, error) in [
            ("", AddressError::NoUser),
            ("sip:@example.com", AddressError::NoUser),
            ("sip:bob@exa mple", AddressError::BadDomain),
            ("sip:bob@a@b", AddressError::BadDomain),
            ("sip:bob@...", AddressError::BadDomain),
            ("sip:b%zz@example.com", AddressError::BadEscape),
            ("sip:b%ff@example.com", AddressError::BadEscape),
            ("sip:b%00@example.com", AddressError::BadCharacter),
            ("mailto:bob@example.com", AddressError::UnknownScheme),
            ("tel:5550123", AddressError::LocalNumber),
        ] {
            assert_eq!(normalise(text, &DOMAINS), Err(error), "{text}");
        }
        assert_eq!(normalise::<&str>("bob", &[]), Err(AddressError::NoDomain));
        let long = format!("sip:{}@example.com", "a".repeat(300));
        assert_eq!(normalise(&long, &DOMAINS), Err(AddressError::TooLong));
    }

    #[test]
    fn the_canonical_form_is_its_own_canonical_form() {
        for text in [
            "sip:a%40b@example.com",
            "user%3Bpar=1@[2001:DB8::1]",
            "b/c+d@example.com",
            "tel:+1-2",
        ] {
            let once = normalise(text, &DOMAINS).unwrap();
            assert_eq!(once.as_str().parse::<Address>().unwrap(), once);
            assert_eq!(once.to_uri().to_string(), once.as_str());
        }
    }
}
