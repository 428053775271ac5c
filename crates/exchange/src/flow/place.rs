//! Where a message may go inside the exchange, written into Via and Record-Route as signed tokens, so
//! that nobody outside can send the exchange anywhere (no open relay; RFC 5626 section 5.2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{effect::Effect, object::Object, settings::Settings, signal::Signal};

/// Bytes of the signature that travel.
const SIGNATURE_BYTES: usize = 16;
/// Parameter of our Via that holds the token of the place responses go to.
pub(crate) const VIA_PARAMETER: &str = "at";

/// One end of a signalling path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// A connection, by the name of its flow.
    Flow(String),
    /// The proxy state of an address.
    Line(String),
    /// The voicemail of an address.
    Mailbox(String),
}

/// What a token is good for; one kind never serves as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// Responses go back to the one place.
    Via,
    /// In-dialog requests go between the two places.
    Route,
}

impl Place {
    fn print(&self) -> String {
        match self {
            Self::Flow(name) => format!("f{name}"),
            Self::Line(address) => format!("l{address}"),
            Self::Mailbox(address) => format!("m{address}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_at_checked(1)?;
        match kind {
            "f" => Some(Self::Flow(name.to_owned())),
            "l" => Some(Self::Line(name.to_owned())),
            "m" => Some(Self::Mailbox(name.to_owned())),
            _ => None,
        }
    }

    /// The effect that brings a message here. `flow` is the connection it came on, empty for an object.
    pub(crate) fn deliver(
        &self,
        flow: &str,
        frame: Vec<u8>,
        undelivered: Option<Box<Signal>>,
    ) -> Effect {
        let receive = |to: Object, frame: Vec<u8>| Effect::Signal {
            to,
            signal: Box::new(Signal::Receive {
                flow: flow.to_owned(),
                frame,
            }),
            tag: String::new(),
        };
        match self {
            Self::Flow(name) => Effect::SendFrame {
                flow: name.clone(),
                frame,
                undelivered,
            },
            Self::Line(address) => receive(Object::Line(address.clone()), frame),
            Self::Mailbox(address) => receive(Object::Mailbox(address.clone()), frame),
        }
    }
}

/// A token for these places, made with the newest key: `<key id>.<payload>.<signature>`.
pub(crate) fn seal(settings: &Settings, purpose: Purpose, places: &[Place]) -> String {
    let text: Vec<String> = places.iter().map(Place::print).collect();
    let payload = URL_SAFE_NO_PAD.encode(text.join(" "));
    let (kid, secret) = settings.token_keys.newest();
    let signature = sign(secret, purpose, &payload).unwrap_or_default();
    format!("{kid}.{payload}.{signature}")
}

/// The places of a token that one of our keys signed for this purpose.
pub(crate) fn open(settings: &Settings, purpose: Purpose, token: &str) -> Option<Vec<Place>> {
    let (kid, rest) = token.split_once('.')?;
    let (payload, signature) = rest.split_once('.')?;
    let expected = sign(settings.token_keys.find(kid)?, purpose, payload)?;
    let ours = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signature.as_bytes());
    if !bool::from(ours) {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    text.split(' ').map(Place::parse).collect()
}

fn sign(key: &[u8], purpose: Purpose, payload: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(match purpose {
        Purpose::Via => b"afterbeep via ",
        Purpose::Route => b"afterbeep route ",
    });
    mac.update(payload.as_bytes());
    let signature = mac.finalize().into_bytes();
    signature
        .get(..SIGNATURE_BYTES)
        .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Place, Purpose, open, seal};
    use crate::settings::tests::settings;

    #[test]
    fn a_token_opens_only_for_its_purpose_and_unchanged() {
        let settings = settings();
        let places = [
            Place::Flow("00ff".to_owned()),
            Place::Mailbox("sip:bob@localhost".to_owned()),
        ];
        let token = seal(&settings, Purpose::Route, &places);
        assert_eq!(
            open(&settings, Purpose::Route, &token),
            Some(places.to_vec())
        );
        assert_eq!(open(&settings, Purpose::Via, &token), None);
        let forged = token.replacen(token.get(6..8).expect("long"), "zz", 1);
        assert_eq!(open(&settings, Purpose::Route, &forged), None);
        assert_eq!(open(&settings, Purpose::Route, "none"), None);
    }
}
