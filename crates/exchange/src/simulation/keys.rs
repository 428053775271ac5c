//! The operator's rotation: a new key of each sort comes first, the old ones stay to read what they made; of a
//! retired receipt key only the public part stays.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deposit::{receipt::ReceiptKeys, token::Keys};

use crate::settings::{Settings, tests::value};

/// The secrets as the operator keeps them, newest first.
pub(super) struct KeyRing {
    token: String,
    account: String,
    receipt: Vec<serde_json::Value>,
    rotations: u32,
}

impl KeyRing {
    pub(super) fn new() -> Self {
        let text = |name| value(name).expect(name);
        Self {
            token: text("AFTERBEEP_TOKEN_KEYS"),
            account: text("AFTERBEEP_ACCOUNT_KEYS"),
            receipt: serde_json::from_str(&text("AFTERBEEP_RECEIPT_KEYS")).expect("JSON"),
            rotations: 0,
        }
    }

    /// Rotates all keys of these settings.
    pub(super) fn rotate(&mut self, settings: &mut Settings, secret: [u8; 32]) {
        self.rotations += 1;
        let number = self.rotations;
        let encoded = URL_SAFE_NO_PAD.encode(secret);
        self.token = format!("turned{number}:{encoded},{}", self.token);
        self.account = format!("turned{number}:{encoded},{}", self.account);
        for retired in &mut self.receipt {
            retired.as_object_mut().expect("a key").remove("d");
        }
        let fresh = ReceiptKeys::generate(&format!("turned{number}"), &secret).expect("a key");
        let mut receipt: Vec<serde_json::Value> = serde_json::from_str(&fresh).expect("JSON");
        receipt.append(&mut self.receipt);
        self.receipt = receipt;
        settings.token_keys = Keys::read(&self.token).expect("token keys");
        settings.account_keys = Keys::read(&self.account).expect("account keys");
        let receipt = serde_json::to_string(&self.receipt).expect("JSON");
        settings.receipt_keys = ReceiptKeys::read(&receipt).expect("receipt keys");
    }
}
