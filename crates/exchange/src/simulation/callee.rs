//! What the callee does: listens, removes, restores, revokes.

use super::chance::Chance;
use crate::testing::{Sent, World};

/// One thing that the owner asks for.
pub(super) struct Wish {
    pub(super) method: &'static str,
    pub(super) path: String,
    body: &'static str,
}

impl Wish {
    /// Something about what is in the mailbox, if there is anything.
    pub(super) fn about(world: &World, chance: &mut Chance) -> Option<Self> {
        let revokes = chance.percent(10);
        let table = if revokes { "sessions" } else { "messages" };
        let mailbox = crate::object::Object::Mailbox("sip:bob@localhost".to_owned());
        let ids = world.rows(&mailbox, &format!("SELECT id FROM {table} ORDER BY id"));
        let id = chance.pick(&ids)?.text(0);
        if revokes {
            return Some(Self::new(
                "POST",
                format!("/mailbox/sessions/{id}/revoke"),
                "",
            ));
        }
        let message = format!("/mailbox/messages/{id}");
        Some(match chance.below(100) {
            0..40 => Self::new("PATCH", message, r#"{"state":"heard"}"#),
            40..50 => Self::new("PATCH", message, r#"{"state":"new"}"#),
            50..55 => Self::new("PATCH", message, r#"{"state":"saved"}"#),
            55..80 => Self::new("DELETE", message, ""),
            80..95 => Self::new("POST", format!("{message}/restore"), ""),
            _ => Self::new("GET", "/mailbox/messages".to_owned(), ""),
        })
    }

    pub(super) const fn new(method: &'static str, path: String, body: &'static str) -> Self {
        Self { method, path, body }
    }

    pub(super) fn sent<'a>(&'a self, token: &'a str) -> Sent<'a> {
        let sent = Sent::new(self.method, &self.path, token)
            .header("content-type", "application/json")
            .header("content-length", self.body.len());
        Sent {
            body: self.body.as_bytes(),
            ..sent
        }
    }

    pub(super) fn restores(&self) -> bool {
        self.path.ends_with("/restore")
    }
}
