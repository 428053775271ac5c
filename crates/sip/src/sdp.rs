//! As much SDP (RFC 8866, RFC 3264) as a voicemail needs that takes no media: refusing an offer, an
//! offer without media, whether anybody sends any, and who holds the call. It negotiates no codec.

/// Text that is no session description.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SdpError {
    /// It does not begin with `v=0`.
    #[error("the description does not begin with v=0")]
    NoVersion,
    /// An `m=` line without media, port, protocol and format.
    #[error("an m= line is incomplete")]
    BadMedia,
    /// More `m=` lines than anyone offers in earnest.
    #[error("too many m= lines")]
    TooManyMedia,
}

/// The media type of session descriptions.
pub const CONTENT_TYPE: &str = "application/sdp";

const MAX_MEDIA: usize = 64;

/// One `m=` section of an offer, as far as an answer has to repeat it.
struct Media<'a> {
    kind: &'a str,
    port: &'a str,
    protocol: &'a str,
    formats: &'a str,
    mid: Option<&'a str>,
    is_bundle_only: bool,
    takes_nothing: Option<bool>,
}

/// The answer that refuses every medium of `offer`: its m-lines in number, order, protocol and
/// `a=mid`, all with port 0, and an empty bundle group where the offer has groups.
///
/// # Errors
/// [`SdpError`] where the offer is no session description.
pub fn refuse_all(offer: &str) -> Result<String, SdpError> {
    let media = media(offer)?;
    let mut answer = head(1);
    if lines(offer).any(|line| line.starts_with("a=group:BUNDLE")) {
        answer.push_str("a=group:BUNDLE\r\n");
    }
    for section in media {
        answer.push_str(&format!(
            "m={} 0 {} {}\r\n",
            section.kind, section.protocol, section.formats
        ));
        answer.push_str("c=IN IP4 0.0.0.0\r\n");
        if let Some(mid) = section.mid {
            answer.push_str(&format!("a=mid:{mid}\r\n"));
        }
    }
    Ok(answer)
}

/// An offer with no media at all, for an INVITE that brought none.
#[must_use]
pub fn empty_offer(session_id: u64) -> String {
    head(session_id)
}

/// Whether the description has a medium that is not refused.
#[must_use]
pub fn has_active_media(sdp: &str) -> bool {
    media(sdp).is_ok_and(|sections| {
        sections
            .iter()
            .any(|section| section.port != "0" || section.is_bundle_only)
    })
}

/// Whether the description has pictures that are not refused.
#[must_use]
pub fn has_video(sdp: &str) -> bool {
    media(sdp).is_ok_and(|sections| {
        sections
            .iter()
            .any(|section| section.kind == "video" && section.port != "0")
    })
}

/// Whether who wrote the description takes nothing of what is sent to him (RFC 3264 section 8.4): every medium that
/// is not refused is `sendonly` or `inactive`.
#[must_use]
pub fn is_held(sdp: &str) -> bool {
    let Ok(sections) = media(sdp) else {
        return false;
    };
    let of_session = lines(sdp)
        .take_while(|line| !line.starts_with("m="))
        .find_map(takes_nothing);
    let mut active = sections
        .iter()
        .filter(|section| section.port != "0" || section.is_bundle_only)
        .peekable();
    active.peek().is_some()
        && active.all(|section| section.takes_nothing.or(of_session).unwrap_or(false))
}

/// What a direction attribute says of who wrote it.
fn takes_nothing(line: &str) -> Option<bool> {
    match line.trim_end() {
        "a=sendonly" | "a=inactive" => Some(true),
        "a=sendrecv" | "a=recvonly" => Some(false),
        _ => None,
    }
}

fn head(session_id: u64) -> String {
    format!("v=0\r\no=- {session_id} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
}

fn lines(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.split(['\r', '\n']).filter(|line| !line.is_empty())
}

fn media(sdp: &str) -> Result<Vec<Media<'_>>, SdpError> {
    let mut lines = lines(sdp);
    if lines.next().map(str::trim_end) != Some("v=0") {
        return Err(SdpError::NoVersion);
    }
    let mut sections: Vec<Media<'_>> = Vec::new();
    for line in lines {
        if let Some(value) = line.strip_prefix("m=") {
            sections.push(section(value).ok_or(SdpError::BadMedia)?);
        } else if let Some(section) = sections.last_mut() {
            read_attribute(section, line);
        }
    }
    if sections.len() > MAX_MEDIA {
        return Err(SdpError::TooManyMedia);
    }
    Ok(sections)
}

fn section(value: &str) -> Option<Media<'_>> {
    let mut parts = value.trim_end().splitn(4, ' ');
    let section = Media {
        kind: parts.next()?,
        port: parts.next()?,
        protocol: parts.next()?,
        formats: parts.next()?,
        mid: None,
        is_bundle_only: false,
        takes_nothing: None,
    };
    let is_whole = [
        section.kind,
        section.port,
        section.protocol,
        section.formats,
    ]
    .iter()
    .all(|part| !part.trim().is_empty());
    is_whole.then_some(section)
}

fn read_attribute<'a>(section: &mut Media<'a>, line: &'a str) {
    if let Some(mid) = line.strip_prefix("a=mid:") {
        section.mid = Some(mid.trim());
    } else if line.trim_end() == "a=bundle-only" {
        section.is_bundle_only = true;
    } else if let Some(nothing) = takes_nothing(line) {
        section.takes_nothing = Some(nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::{SdpError, empty_offer, has_active_media, is_held, refuse_all};

    const OFFER: &str = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        a=ice-options:trickle\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\n\
        a=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=mid:1\r\n";

    #[test]
    fn a_refusal_keeps_number_order_protocol_and_mid_and_nothing_else() {
        assert_eq!(
            refuse_all(OFFER).unwrap(),
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE\r\n\
             m=audio 0 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"
        );
    }

    #[test]
    fn an_offer_without_groups_is_refused_without_one() {
        let plain =
            "v=0\no=- 1 1 IN IP4 10.0.0.1\ns=-\nc=IN IP4 10.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n";
        let answer = refuse_all(plain).unwrap();
        assert!(
            answer.ends_with("m=audio 0 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"),
            "{answer}"
        );
        assert!(!answer.contains("a="), "{answer}");
    }

    #[test]
    fn media_are_active_until_refused() {
        assert!(has_active_media(OFFER));
        assert!(!has_active_media(&refuse_all(OFFER).unwrap()));
        assert!(!has_active_media(&empty_offer(7)));
        assert!(!has_active_media("no description"));
    }

    #[test]
    fn who_takes_nothing_of_what_is_sent_holds_the_call() {
        for (session, first, second, held) in [
            ("", "", "", false),
            ("", "a=sendrecv", "a=inactive", false),
            ("", "a=sendonly", "a=inactive", true),
            ("a=sendonly", "", "", true),
            ("a=sendonly", "a=recvonly", "", false),
        ] {
            let sdp = format!(
                "v=0\r\n{session}\r\nm=audio 9 RTP/AVP 0\r\n{first}\r\nm=video 9 RTP/AVP 96\r\n{second}\r\n"
            );
            assert_eq!(is_held(&sdp), held, "{sdp}");
        }
        let refused = "v=0\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\nm=video 0 RTP/AVP 96\r\n";
        assert!(is_held(refused), "a refused medium says nothing");
        assert!(!is_held(&empty_offer(1)));
    }

    #[test]
    fn what_is_no_description_is_an_error() {
        assert_eq!(refuse_all(""), Err(SdpError::NoVersion));
        assert_eq!(refuse_all("v=1\r\n"), Err(SdpError::NoVersion));
        for line in [
            "m=audio",
            "m=audio 9 RTP/AVP",
            "m=audio 9 RTP/AVP ",
            "m= 9 RTP/AVP 0",
        ] {
            assert_eq!(
                refuse_all(&format!("v=0\r\n{line}\r\n")),
                Err(SdpError::BadMedia),
                "{line}"
            );
        }
        let many = format!("v=0\r\n{}", "m=audio 9 RTP/AVP 0\r\n".repeat(65));
        assert_eq!(refuse_all(&many), Err(SdpError::TooManyMedia));
    }
}
