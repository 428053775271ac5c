//! What callers leave and how they ask for it: recordings with their uploads, and the errands to the edge.

use deposit::token::SessionClaims;

use super::chance::Chance;
use crate::testing::{Sent, speech};

/// A message that a caller has spoken, until its receipt is here.
pub(super) struct Recording {
    pub(super) token: String,
    pub(super) session: String,
    /// When the right to begin a deposit ends.
    pub(super) expires_at_ms: i64,
    pub(super) deposit: String,
    pub(super) parts: Vec<Vec<u8>>,
    /// Up to where the caller believes the edge has each part.
    pub(super) believed: Vec<usize>,
    pub(super) receipt: Option<String>,
    /// The caller took something back: it does not come any more.
    pub(super) discarded: bool,
    /// Its lengths are told at its end only.
    deferred: bool,
}

/// One request about one part, as often as one likes.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) recording: usize,
    pub(super) part: usize,
    pub(super) ask: Ask,
}

#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// POST with everything in it.
    Whole,
    /// POST without a body.
    Create,
    Head,
    /// PATCH with these bytes, whose connection may break at the end.
    Patch {
        from: usize,
        to: usize,
        breaks: bool,
    },
    /// DELETE.
    TakeBack,
    /// GET /sessions/current.
    Current,
}

impl Recording {
    pub(super) fn new(
        token: String,
        claims: &SessionClaims,
        deposit: String,
        chance: &mut Chance,
    ) -> Self {
        let packets = 1 + chance.below(60);
        let mut parts = vec![speech(packets, 20 + chance.below(60))];
        if chance.percent(25) {
            let words = format!("Words that go with it: {deposit}");
            parts.push(words.into_bytes());
        }
        Self {
            token,
            session: claims.session(),
            expires_at_ms: claims.expires_at_ms,
            deposit,
            believed: vec![0; parts.len()],
            parts,
            receipt: None,
            discarded: false,
            deferred: chance.percent(40),
        }
    }

    pub(super) fn path(&self, part: usize) -> String {
        format!("/deposits/{}.{part}", self.deposit)
    }

    /// The request of an errand.
    pub(super) fn sent<'a>(&'a self, errand: &Errand, path: &'a str) -> Sent<'a> {
        let part = &self.parts[errand.part];
        match errand.ask {
            Ask::Whole => {
                self.described(errand.part, |values| Sent::whole(&self.token, part, values))
            }
            Ask::Create => {
                let length = (!self.deferred).then_some(part.len());
                self.described(errand.part, |values| {
                    Sent::creation(&self.token, length, values)
                })
            }
            Ask::Head => Sent::new("HEAD", path, &self.token),
            Ask::Patch { from, to, breaks } => {
                let sent = Sent::patch(path, &self.token, from, &part[from..to]);
                let sent = if to == part.len() && !breaks {
                    sent.header("upload-length", to)
                } else {
                    sent
                };
                Sent {
                    breaks_at: breaks.then_some(to - from),
                    ..sent
                }
            }
            Ask::TakeBack => Sent::new("DELETE", path, &self.token),
            Ask::Current => Sent::new("GET", "/sessions/current", &self.token),
        }
    }

    fn described<'a>(
        &'a self,
        part: usize,
        sent: impl FnOnce(&[(&str, &str)]) -> Sent<'a>,
    ) -> Sent<'a> {
        let (number, count) = (part.to_string(), self.parts.len().to_string());
        let kind = if part == 0 { "voice" } else { "attachment" };
        sent(&[
            ("deposit_id", &self.deposit),
            ("part", &number),
            ("parts", &count),
            ("kind", kind),
        ])
    }

    /// Something to ask next.
    pub(super) fn next(&self, part: usize, chance: &mut Chance) -> Ask {
        let (from, end) = (self.believed[part], self.parts[part].len());
        match chance.below(100) {
            0..15 => Ask::Whole,
            15..35 => Ask::Create,
            35..45 => Ask::Head,
            45..70 => {
                let to = from + chance.below(end - from + 1);
                let breaks = chance.percent(20);
                Ask::Patch { from, to, breaks }
            }
            70..95 => Ask::Patch {
                from,
                to: end,
                breaks: false,
            },
            95..96 => Ask::TakeBack,
            _ => Ask::Current,
        }
    }
}
