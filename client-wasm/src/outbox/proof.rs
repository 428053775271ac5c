//! The receipt's proof: its hashes are those of the parts, and the server's key has signed it. The
//! signature is checked by WebCrypto against the published keys, as far as they can be had.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deposit::receipt::{self, Receipt, ReceiptError, ReceiptPart};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use crate::http::Request;
use crate::json::Json;
use crate::problem::Problem;
use crate::server::Server;
use crate::storage::{Database, SentPart};

/// Name of the stored key set: a receipt can be checked while the keys cannot be fetched.
const STORED: &str = "receipt_keys";

/// Reads a receipt and believes it only if it covers exactly these parts and is signed.
pub(super) async fn check(
    compact: &str,
    parts: &[SentPart],
    server: &Server,
    database: &Database,
) -> Result<Receipt, Problem> {
    let receipt = read(compact).map_err(|error| {
        Problem::new(
            "receipt_malformed",
            format!("The server's receipt cannot be read: {error}."),
        )
    })?;
    let all = parts.len() == receipt.parts.len();
    let mut numbered = parts.iter().zip(0..);
    if !all || !numbered.all(|(part, number)| receipt.covers(number, part.size, &part.sha256)) {
        return Err(Problem::new(
            "receipt_mismatch",
            "The server confirmed something else than this recording; it is kept here.",
        ));
    }
    match signature(compact, server, database).await {
        Some(false) => Err(Problem::new(
            "receipt_unsigned",
            "The server's receipt is not signed by its key; the recording is kept here.",
        )),
        // Without WebCrypto or the keys the hash over the encrypted connection has to do.
        Some(true) | None => Ok(receipt),
    }
}

/// Reads a receipt with the browser's own reader of JSON.
fn read(compact: &str) -> Result<Receipt, ReceiptError> {
    let (header, claims) = receipt::texts(compact)?;
    let algorithm = Json::parse(&header).and_then(|header| header.text("alg"));
    if algorithm.as_deref() != Some(receipt::ALGORITHM) {
        return Err(ReceiptError::Algorithm);
    }
    Json::parse(&claims)
        .and_then(|claims| receipt_of(&claims))
        .ok_or(ReceiptError::Malformed)
}

fn receipt_of(claims: &Json) -> Option<Receipt> {
    let parts = claims.items("parts");
    Some(Receipt {
        issuer: claims.text("iss")?,
        mailbox: claims.text("sub")?,
        committed_at_ms: claims.number("committed_at_ms")? as i64,
        message_id: claims.text("jti")?,
        session_id: claims.text("session_id")?,
        deposit_id: claims.text("deposit_id")?,
        parts: parts.iter().map(part_of).collect::<Option<_>>()?,
    })
}

fn part_of(part: &Json) -> Option<ReceiptPart> {
    Some(ReceiptPart {
        part: part.number("part")? as u32,
        size: part.number("size")? as u64,
        sha256: part.text("sha256")?,
    })
}

/// Whether the signature fits; `None` where it cannot be checked.
async fn signature(compact: &str, server: &Server, database: &Database) -> Option<bool> {
    let subtle = subtle()?;
    let (signed, signature) = compact.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let kid = kid_of(signed)?;
    let jwk = key(&kid, server, database).await?;
    let key = import(&subtle, &jwk).await?;
    verify(&subtle, &key, signed, &signature).await
}

fn subtle() -> Option<SubtleCrypto> {
    let crypto: web_sys::Crypto = Reflect::get(&js_sys::global(), &"crypto".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let subtle: JsValue = Reflect::get(&crypto, &"subtle".into()).ok()?;
    subtle.dyn_into().ok()
}

fn kid_of(signed: &str) -> Option<String> {
    let (header, _) = signed.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    Json::parse(core::str::from_utf8(&header).ok()?)?.text("kid")
}

/// The published key of this id: from the stored set, else fetched.
async fn key(kid: &str, server: &Server, database: &Database) -> Option<Json> {
    let place = format!("{STORED}:{}", server.origin());
    let stored: Option<String> = database.value(&place).await.ok().flatten();
    let known = stored.and_then(|text| find(&text, kid));
    if known.is_some() {
        return known;
    }
    let answer = Request::new("GET", &server.url("/.well-known/jwks.json"))
        .send()
        .await
        .ok()
        .filter(crate::http::Answer::is_success)?;
    let text = answer.text().await;
    drop(database.set_value(&place, &text).await);
    find(&text, kid)
}

fn find(keys: &str, kid: &str) -> Option<Json> {
    Json::parse(keys)?
        .items("keys")
        .into_iter()
        .find(|key| key.text("kid").as_deref() == Some(kid))
}

async fn import(subtle: &SubtleCrypto, jwk: &Json) -> Option<CryptoKey> {
    let key = Object::new();
    for name in ["kty", "crv", "x", "y"] {
        let value = jwk.text(name)?;
        Reflect::set(&key, &name.into(), &value.into()).ok()?;
    }
    let promise = subtle
        .import_key_with_object(
            "jwk",
            &key,
            &algorithm("namedCurve", "P-256")?,
            false,
            &Array::of1(&"verify".into()),
        )
        .ok()?;
    settled(promise).await?.dyn_into().ok()
}

async fn verify(
    subtle: &SubtleCrypto,
    key: &CryptoKey,
    signed: &str,
    signature: &[u8],
) -> Option<bool> {
    let promise = subtle
        .verify_with_object_and_js_u8_array_and_js_u8_array(
            &algorithm("hash", "SHA-256")?,
            key,
            &Uint8Array::from(signature),
            &Uint8Array::from(signed.as_bytes()),
        )
        .ok()?;
    settled(promise).await?.as_bool()
}

fn algorithm(name: &str, value: &str) -> Option<Object> {
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"ECDSA".into()).ok()?;
    Reflect::set(&algorithm, &name.into(), &value.into()).ok()?;
    Some(algorithm)
}

async fn settled(promise: Promise) -> Option<JsValue> {
    JsFuture::from(promise).await.ok()
}
