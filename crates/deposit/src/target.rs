//! Which URLs we post to on somebody's word (webhooks, push): https only, no user info, no address that is
//! private, local or mapped to one. Names are resolved by the runtime, which must allow public addresses only.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// Why a URL is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TargetError {
    /// Not an absolute URL of the plain form `https://host[:port]/...`.
    #[error("the URL is malformed")]
    Malformed,
    /// Not https.
    #[error("the URL is not https")]
    Scheme,
    /// Carries user name or password.
    #[error("the URL carries credentials")]
    Credentials,
    /// A local name or an address that is not public.
    #[error("the URL leads to a private or local address")]
    Private,
}

impl TargetError {
    /// The stable code for API answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "url_malformed",
            Self::Scheme => "url_not_https",
            Self::Credentials => "url_credentials",
            Self::Private => "url_not_public",
        }
    }
}

/// Checks a URL. `allow_loopback` (dev only) lets `http` and `https` to the loopback addresses and
/// `localhost` through.
pub fn check_url(url: &str, allow_loopback: bool) -> Result<(), TargetError> {
    let plain = url.is_ascii()
        && !url
            .bytes()
            .any(|byte| byte <= b' ' || byte == b'\\' || byte == 0x7f);
    if !plain || url.len() > 2048 {
        return Err(TargetError::Malformed);
    }
    let (scheme, rest) = url.split_once("://").ok_or(TargetError::Malformed)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(TargetError::Credentials);
    }
    let host = host(authority)?;
    let secure = scheme.eq_ignore_ascii_case("https");
    if allow_loopback && host.is_loopback() && (secure || scheme.eq_ignore_ascii_case("http")) {
        return Ok(());
    }
    if !secure {
        return Err(TargetError::Scheme);
    }
    if host.is_public() {
        Ok(())
    } else {
        Err(TargetError::Private)
    }
}

enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }

    fn is_public(&self) -> bool {
        match self {
            Self::Name(name) => is_public_name(name),
            Self::Address(IpAddr::V4(address)) => is_public_v4(*address),
            Self::Address(IpAddr::V6(address)) => is_public_v6(*address),
        }
    }
}

/// Splits off the port and reads the host the way browsers do (WHATWG URL): numbers in any base are IPv4.
fn host(authority: &str) -> Result<Host, TargetError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(TargetError::Malformed)?;
        check_port(port.strip_prefix(':').unwrap_or(port))?;
        let address: Ipv6Addr = address.parse().map_err(|_| TargetError::Malformed)?;
        return Ok(Host::Address(IpAddr::V6(address)));
    }
    let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
    check_port(port)?;
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    // Percent-encoded hosts are refused rather than decoded: nobody needs one.
    if name.is_empty() || !name.bytes().all(allowed) || name.split('.').any(str::is_empty) {
        return Err(TargetError::Malformed);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if number(last).is_some() || last.bytes().all(|byte| byte.is_ascii_digit()) {
        let address = numeric_v4(&name).ok_or(TargetError::Malformed)?;
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    Ok(Host::Name(name))
}

fn check_port(port: &str) -> Result<(), TargetError> {
    let fine = port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    if fine {
        Ok(())
    } else {
        Err(TargetError::Malformed)
    }
}

/// One number of an IPv4 address in decimal, octal (`0…`) or hexadecimal (`0x…`).
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    if plain {
        u32::from_str_radix(digits, radix).ok()
    } else {
        None
    }
}

/// An IPv4 address of one to four numbers; the last fills the remaining bytes.
fn numeric_v4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
    let numbers = numbers?;
    let (last, heads) = numbers.split_last()?;
    if heads.len() > 3 || heads.iter().any(|head| *head > 255) {
        return None;
    }
    let last_bits = 32u32.checked_sub(u32::try_from(heads.len()).ok()?.checked_mul(8)?)?;
    if last_bits < 32 && u64::from(*last) >> last_bits != 0 {
        return None;
    }
    let mut address = *last;
    let mut shift = 24u32;
    for head in heads {
        address |= head.checked_shl(shift)?;
        shift = shift.saturating_sub(8);
    }
    Some(Ipv4Addr::from(address))
}

fn is_public_name(name: &str) -> bool {
    const LOCAL: &[&str] = &[
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "private",
        "test",
        "invalid",
        "example",
        "onion",
        "arpa",
        "localdomain",
    ];
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && !LOCAL.contains(&last)
}

/// Everything that RFC 6890 and its registry do not set aside.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let set_aside = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !set_aside
}

/// Global unicast (2000::/3) without the ranges that embed or stand for other addresses.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xe000 == 0x2000;
    // Teredo, benchmarking, ORCHID and all else of 2001::/23; documentation; 6to4; 3fff::/20.
    let special =
        (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_https_passes() {
        for url in [
            "https://hooks.example.com/x?y=1#z",
            "https://hooks.example.com:8443/",
            "HTTPS://Hooks.Example.Org",
            "https://93.184.216.34/a",
            "https://[2606:2800:220:1::1]/",
        ] {
            assert_eq!(check_url(url, false), Ok(()), "{url}");
        }
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "127.0.0.1.",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[ff02::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
            "intranet",
        ] {
            let url = format!("https://{host}/hook");
            assert_eq!(check_url(&url, false), Err(TargetError::Private), "{url}");
        }
    }

    #[test]
    fn malformed_and_credentialed_urls_are_refused() {
        for (url, error) in [
            ("http://hooks.example.com/", TargetError::Scheme),
            ("ftp://hooks.example.com/", TargetError::Scheme),
            (
                "https://user:word@hooks.example.com/",
                TargetError::Credentials,
            ),
            (
                "https://hooks.example.com@10.0.0.1/",
                TargetError::Credentials,
            ),
            ("hooks.example.com", TargetError::Malformed),
            ("https:///x", TargetError::Malformed),
            ("https://a..b.com/", TargetError::Malformed),
            ("https://a%2eb.com/", TargetError::Malformed),
            ("https://a.com:99999/", TargetError::Malformed),
            ("https://a.com\\@10.0.0.1/", TargetError::Malformed),
            ("https://a.com/\r\nx: y", TargetError::Malformed),
            ("https://1.2.3.4.5/", TargetError::Malformed),
            ("https://256.1.1.1/", TargetError::Malformed),
            ("https://[::1/", TargetError::Malformed),
            ("https://ex\u{e4}mple.com/", TargetError::Malformed),
        ] {
            assert_eq!(check_url(url, false), Err(error), "{url}");
        }
    }

    #[test]
    fn loopback_opens_only_by_setting_and_only_itself() {
        for url in [
            "http://127.0.0.1:9/x",
            "http://localhost:1/",
            "https://[::1]/",
        ] {
            assert_eq!(check_url(url, true), Ok(()), "{url}");
            assert!(check_url(url, false).is_err(), "{url}");
        }
        assert_eq!(
            check_url("http://10.0.0.1/", true),
            Err(TargetError::Scheme)
        );
        assert_eq!(
            check_url("https://10.0.0.1/", true),
            Err(TargetError::Private)
        );
    }
}
