//! A SIP message as it may be kept and shown: everything that opens something is replaced before it is written.
//!
//! Masked are credentials (RFC 3261 22, RFC 8898), nonces, our own tokens wherever they stand, flow tokens in routes
//! and Vias, passwords in URIs, keys and addresses of media in SDP, and the digits that a caller pressed. Everything
//! else stays letter by letter.

/// Stands for what is not shown.
pub(crate) const MASK: &str = "***";

/// Header fields whose whole value is a proof or a key.
const PROOFS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "authentication-info",
    "proxy-authentication-info",
    "afterbeep-session",
    "cookie",
    "set-cookie",
];
/// Challenges: what is secret in them stands in these parameters.
const CHALLENGES: [&str; 2] = ["www-authenticate", "proxy-authenticate"];
/// Header fields whose URIs name a connection in their user part (RFC 5626 section 5.2).
const ROUTES: [&str; 4] = ["route", "record-route", "path", "service-route"];
/// A run of letters this long with the first letter and the dots of a token of ours is one.
const SHORTEST_TOKEN: usize = 40;
/// A flow token (`flow::place`): the places that it names, and the letters of its signature.
const SHORTEST_PLACES: usize = 16;
const FLOW_SIGNATURE: usize = 22;

/// The message with its secrets masked.
pub(crate) fn masked(frame: &[u8]) -> String {
    let text = String::from_utf8_lossy(frame);
    let (head, body) = match text.split_once("\r\n\r\n") {
        Some((head, body)) => (head, Some(body)),
        None => (text.as_ref(), None),
    };
    let mut lines = head.split("\r\n");
    let mut shown = plain(lines.next().unwrap_or(""));
    let mut is_proof = false;
    let mut keys = false;
    for line in lines {
        shown.push_str("\r\n");
        if line.starts_with([' ', '\t']) {
            shown.push_str(&if is_proof {
                format!(" {MASK}")
            } else {
                plain(line)
            });
            continue;
        }
        let name = line.split(':').next().unwrap_or("").trim().to_lowercase();
        is_proof = PROOFS.contains(&name.as_str()) || CHALLENGES.contains(&name.as_str());
        let kind = matches!(name.as_str(), "content-type" | "c");
        keys |= kind && names_keys(line);
        shown.push_str(&field(&name, line));
    }
    if let Some(body) = body {
        shown.push_str("\r\n\r\n");
        shown.push_str(&masked_body(frame, body, keys));
    }
    shown
}

fn masked_body(frame: &[u8], body: &str, keys: bool) -> String {
    if core::str::from_utf8(frame).is_err() {
        return "(not text)".to_owned();
    }
    if keys {
        return key(body).to_owned();
    }
    // Readers of bodies take any line end.
    let mut shown = String::new();
    for whole in body.split_inclusive(['\r', '\n']) {
        let line = whole.trim_end_matches(['\r', '\n']);
        shown.push_str(&body_line(line));
        shown.push_str(whole.get(line.len()..).unwrap_or(""));
    }
    shown
}

/// Whether a Content-Type says that the body is nothing but keys.
fn names_keys(line: &str) -> bool {
    let value = line.split_once(':').map_or("", |(_, value)| value);
    let kind = value.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/dtmf")
}

/// One header field under this lower-case name.
fn field(name: &str, line: &str) -> String {
    let Some((written, value)) = line.split_once(':') else {
        return plain(line);
    };
    if PROOFS.contains(&name) {
        let mut words = value.split_whitespace();
        return match (words.next(), words.next()) {
            (Some(scheme), Some(_)) => format!("{written}: {scheme} {MASK}"),
            _ => format!("{written}: {MASK}"),
        };
    }
    if CHALLENGES.contains(&name) {
        let value = parameter(value, "nonce", ',');
        return format!("{written}:{}", parameter(&value, "opaque", ','));
    }
    if ROUTES.contains(&name) {
        return format!("{written}:{}", users(value));
    }
    if name == "via" || name == "v" {
        return format!("{written}:{}", parameter(value, "at", ';'));
    }
    plain(line)
}

/// Masks the value of every parameter of this name, quoted or up to `separator`.
fn parameter(value: &str, name: &str, separator: char) -> String {
    let mut rest = value;
    let mut shown = String::new();
    while let Some((before, after)) = split_after(rest, &format!("{name}=")) {
        shown.push_str(before);
        rest = after;
        let start = before.len().saturating_sub(name.len()).saturating_sub(1);
        let part_of_another = |last: char| last.is_alphanumeric() || last == '-';
        if before
            .get(..start)
            .is_some_and(|text| text.ends_with(part_of_another))
        {
            continue;
        }
        let (quote, end) = match after.strip_prefix('"') {
            Some(quoted) => ("\"", quoted.split_once('"').map_or("", |(_, end)| end)),
            None => (
                "",
                after
                    .find(separator)
                    .and_then(|at| after.get(at..))
                    .unwrap_or(""),
            ),
        };
        shown.push_str(&format!("{quote}{MASK}{quote}"));
        rest = end;
    }
    shown.push_str(rest);
    plain(&shown)
}

/// Masks the user part of every SIP URI.
fn users(value: &str) -> String {
    let mut rest = value;
    let mut shown = String::new();
    while let Some((before, after)) = split_after_scheme(rest) {
        shown.push_str(before);
        rest = after;
        if let Some((user, host)) = after.split_once('@')
            && !user.contains(['<', '>', ',', ' '])
        {
            shown.push_str(MASK);
            shown.push('@');
            rest = host;
        }
    }
    shown.push_str(rest);
    shown
}

/// Cuts behind the next `sip:` or `sips:`.
fn split_after_scheme(text: &str) -> Option<(&str, &str)> {
    let cuts = ["sip:", "sips:"].map(|scheme| split_after(text, scheme));
    let first = cuts.into_iter().flatten();
    first.min_by_key(|(before, _)| before.len())
}

/// Cuts behind the first place of a lower-case word, in any case.
fn split_after<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let at = text.to_ascii_lowercase().find(word)?;
    text.split_at_checked(at.checked_add(word.len())?)
}

/// Text in which only passwords of URIs and tokens of ours are masked.
fn plain(text: &str) -> String {
    tokens(&passwords(text))
}

/// `sip:user:password@host` (RFC 3261 19.1.1).
fn passwords(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::new();
    while let Some((before, after)) = split_after_scheme(rest) {
        shown.push_str(before);
        rest = after;
        if let Some((user, host)) = after.split_once('@')
            && let Some((user, _)) = user.split_once(':')
            && !user.contains(['<', '>', ',', ';', ' '])
        {
            shown.push_str(user);
            shown.push(':');
            shown.push_str(MASK);
            shown.push('@');
            rest = host;
        }
    }
    shown.push_str(rest);
    shown
}

/// Masks what has the form of a token of ours (`deposit::token`), wherever it stands.
fn tokens(text: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-~".contains(letter);
    let mut shown = String::new();
    let mut word = String::new();
    for letter in text.chars() {
        if is_part(letter) {
            word.push(letter);
            continue;
        }
        shown.push_str(unless_token(&word));
        word.clear();
        shown.push(letter);
    }
    shown.push_str(unless_token(&word));
    shown
}

fn unless_token(word: &str) -> &str {
    let parts: Vec<&str> = word.split('.').collect();
    let is_token = match parts.as_slice() {
        [purpose, _, _, _] => names_purpose(purpose) && word.len() >= SHORTEST_TOKEN,
        [_, places, signature] => {
            places.len() >= SHORTEST_PLACES && signature.len() == FLOW_SIGNATURE
        }
        _ => false,
    };
    if is_token { MASK } else { word }
}

/// `s1`, `m1` and the like.
fn names_purpose(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next();
    first.is_some_and(|letter| letter.is_ascii_lowercase())
        && text.len() > 1
        && letters.all(|letter| letter.is_ascii_digit())
}

/// One line of a body: SDP, session information, or keys that were pressed.
fn body_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let behind = |name: &str| {
        let named = lower.starts_with(name);
        named.then(|| format!("{}{MASK}", line.get(..name.len()).unwrap_or("")))
    };
    if let Some(hidden) = ["a=ice-pwd:", "k="].into_iter().find_map(behind) {
        return hidden;
    }
    if lower.starts_with("a=crypto:") {
        let (open, _) = line.split_once("inline:").unwrap_or((line, ""));
        return format!("{open}inline:{MASK}");
    }
    if lower.starts_with("a=candidate:") {
        return candidate(line);
    }
    if ["c=", "o=", "a=rtcp:"]
        .iter()
        .any(|name| lower.starts_with(name))
    {
        return address(line);
    }
    // A message inside of the message (RFC 3261 23, RFC 3420).
    let header = lower.split(':').next().unwrap_or("").trim();
    if PROOFS.contains(&header) || CHALLENGES.contains(&header) || ROUTES.contains(&header) {
        return field(header, line);
    }
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    match name.trim_matches(is_around).to_ascii_lowercase().as_str() {
        "id" => format!("{name}={MASK}"),
        "signal" => format!("{name}={}", key(value)),
        _ => plain(line),
    }
}

/// What readers of session information overlook around a name.
fn is_around(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}'
}

/// A key on the keypad; digits may be somebody's PIN.
fn key(value: &str) -> &str {
    match value.trim() {
        "#" | "*" | "10" | "11" => value,
        _ => MASK,
    }
}

/// Where somebody's device is (RFC 8839 section 5.1): its addresses are masked, kinds and ports stay.
fn candidate(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if let Some(address) = words.get_mut(4) {
        *address = MASK;
    }
    let raddr = words.iter().position(|word| *word == "raddr");
    if let Some(address) = raddr.and_then(|at| words.get_mut(at.checked_add(1)?)) {
        *address = MASK;
    }
    words.join(" ")
}

/// The address at the end of `c=`, `o=` and `a=rtcp:` lines, unless it says nothing.
fn address(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((_, "0.0.0.0" | "127.0.0.1" | "::" | "::1")) | None => line.to_owned(),
        Some((before, _)) if before.ends_with("IP4") || before.ends_with("IP6") => {
            format!("{before} {MASK}")
        }
        Some(_) => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    fn check(line: &str, shown: &str) {
        let wrap = |line: &str| format!("INFO sip:b@x SIP/2.0\r\n{line}\r\nCSeq: 1 INFO\r\n\r\n");
        assert_eq!(masked(wrap(line).as_bytes()), wrap(shown), "{line}");
    }

    fn check_body(line: &str, shown: &str) {
        let wrap = |line: &str| {
            format!("INFO sip:b@x SIP/2.0\r\nContent-Length: 9\r\n\r\nfirst\r\n{line}\r\n")
        };
        assert_eq!(masked(wrap(line).as_bytes()), wrap(shown), "{line}");
    }

    #[test]
    fn proofs_and_tokens_are_masked_and_the_rest_stays() {
        for (line, shown) in [
            (
                "Authorization: Digest username=\"bob\", response=\"abc\"",
                "Authorization: Digest ***",
            ),
            (
                "proxy-authorization:Bearer l1.k.x.y",
                "proxy-authorization: Bearer ***",
            ),
            (
                "WWW-Authenticate: Digest realm=\"localhost\", nonce=\"n,1\", opaque=x, algorithm=MD5",
                "WWW-Authenticate: Digest realm=\"localhost\", nonce=\"***\", opaque=***, algorithm=MD5",
            ),
            (
                "Route: <sip:k1.abc.def@localhost;transport=ws;lr>, <sip:p.example;lr>",
                "Route: <sip:***@localhost;transport=ws;lr>, <sip:p.example;lr>",
            ),
            (
                "Via: SIP/2.0/WSS localhost;branch=z9hG4bK1;at=k1.Zm9v.c2ln;rport",
                "Via: SIP/2.0/WSS localhost;branch=z9hG4bK1;at=***;rport",
            ),
            (
                "Contact: <sip:bob:geheim@x.invalid>",
                "Contact: <sip:bob:***@x.invalid>",
            ),
            (
                "Contact: <sip:bob@x.invalid:5060;transport=ws>",
                "Contact: <sip:bob@x.invalid:5060;transport=ws>",
            ),
            (
                "Call-Info: <https://e.example/greetings/m1.k1.bWFpbGJveCBvZiBib2IgYXQgaG9tZQ.c2lnbmF0dXJl>;purpose=x",
                "Call-Info: <https://e.example/greetings/***>;purpose=x",
            ),
            (
                "Contact: <sip:k1.ZmFiY2RlZiBtc2lwOmJvYkBsb2NhbGhvc3Q.AAAAAAAAAAAAAAAAAAAAAA@x.invalid>",
                "Contact: <sip:***@x.invalid>",
            ),
            (
                "P-Asserted-Identity: <sip:alice@localhost>",
                "P-Asserted-Identity: <sip:alice@localhost>",
            ),
            ("Subject: v1.2.3.4 is out", "Subject: v1.2.3.4 is out"),
            (
                "Contact: <sip:bob@voice.example.com>",
                "Contact: <sip:bob@voice.example.com>",
            ),
        ] {
            check(line, shown);
        }
    }

    #[test]
    fn a_folded_proof_is_masked_to_its_end() {
        check(
            "Authorization: Digest username=\"bob\",\r\n response=\"abc\"",
            "Authorization: Digest ***\r\n ***",
        );
    }

    #[test]
    fn bodies_lose_keys_tokens_addresses_and_digits() {
        for (line, shown) in [
            ("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:***"),
            ("a=ice-ufrag:abcd", "a=ice-ufrag:abcd"),
            (
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3",
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***",
            ),
            (
                "a=candidate:1 1 udp 2113937151 192.0.2.7 54400 typ srflx raddr 10.0.0.7 rport 54400",
                "a=candidate:1 1 udp 2113937151 *** 54400 typ srflx raddr *** rport 54400",
            ),
            ("c=IN IP4 192.0.2.7", "c=IN IP4 ***"),
            ("c=IN IP4 0.0.0.0", "c=IN IP4 0.0.0.0"),
            ("o=- 1 1 IN IP6 2001:db8::7", "o=- 1 1 IN IP6 ***"),
            ("ID=s1.k1.abc.def", "ID=***"),
            ("AUTHORIZATION : Bearer 4711", "AUTHORIZATION : Bearer ***"),
            ("\u{feff} Id =\t4711", "\u{feff} Id =***"),
            ("a=b\nID=4711\nsignal = 7\r", "a=b\nID=***\nsignal =***\r"),
            (
                "a=x\na=ice-pwd:secret\rk=clear:x",
                "a=x\na=ice-pwd:***\rk=***",
            ),
            (
                "Greeting=https://e.example/greetings/m1.k1.bWFpbGJveCBvZiBib2IgYXQgaG9tZQ.c2lnbmF0dXJl",
                "Greeting=https://e.example/greetings/***",
            ),
            (
                "Called Party=sip:bob@localhost",
                "Called Party=sip:bob@localhost",
            ),
            ("Signal=5", "Signal=***"),
            ("Signal=#", "Signal=#"),
        ] {
            check_body(line, shown);
        }
    }

    #[test]
    fn any_bytes_give_some_text() {
        assert_eq!(masked(b""), "");
        let shown = masked(b"INFO sip:b@x SIP/2.0\r\nCSeq: 1 INFO\r\n\r\n\xff\x00ID=s1");
        assert_eq!(
            shown,
            "INFO sip:b@x SIP/2.0\r\nCSeq: 1 INFO\r\n\r\n(not text)"
        );
        let keys = masked(b"INFO sip:b@x SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n5");
        assert!(keys.ends_with("\r\n\r\n***"), "{keys}");
        let keys = masked(b"INFO sip:b@x SIP/2.0\r\nc:Application/DTMF; a=b\r\n\r\n5");
        assert!(keys.ends_with("\r\n\r\n***"), "{keys}");
    }
}
