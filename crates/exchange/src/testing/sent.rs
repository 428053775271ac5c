//! What clients send, what they read out of answers, and the sounds that they leave.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::{
    front,
    http::{Body, Request, Response},
};

/// What a client sends.
#[derive(Clone)]
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) token: &'a str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
    /// The connection breaks after so many bytes of the body.
    pub(crate) breaks_at: Option<usize>,
}

impl<'a> Sent<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str, token: &'a str) -> Self {
        Self {
            method,
            path,
            token,
            headers: vec![("tus-resumable".to_owned(), "1.0.0".to_owned())],
            body: &[],
            breaks_at: None,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(self, body: &'a [u8]) -> Self {
        let sent = self
            .header("content-type", "application/offset+octet-stream")
            .header("content-length", body.len());
        Self { body, ..sent }
    }

    /// POST of a whole deposit of one part.
    pub(crate) fn whole(token: &'a str, body: &'a [u8], values: &[(&str, &str)]) -> Self {
        Self::new("POST", "/deposits", token)
            .header("upload-length", body.len())
            .header("upload-metadata", metadata(values))
            .body(body)
    }

    /// POST without a body.
    pub(crate) fn creation(token: &'a str, length: Option<usize>, values: &[(&str, &str)]) -> Self {
        let sent = Self::new("POST", "/deposits", token)
            .header("upload-metadata", metadata(values))
            .header("content-length", 0);
        match length {
            Some(length) => sent.header("upload-length", length),
            None => sent.header("upload-defer-length", 1),
        }
    }

    pub(crate) fn patch(path: &'a str, token: &'a str, offset: usize, body: &'a [u8]) -> Self {
        Self::new("PATCH", path, token)
            .header("upload-offset", offset)
            .body(body)
    }

    pub(crate) fn request(&self, number: u64) -> Request {
        let mut headers = self.headers.clone();
        headers.push(("authorization".to_owned(), format!("Bearer {}", self.token)));
        headers.push((front::REQUEST_ID.to_owned(), format!("{number:032x}")));
        Request {
            method: self.method.to_owned(),
            path: self.path.to_owned(),
            headers,
            ..Request::default()
        }
    }
}

pub(crate) fn metadata(values: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = values
        .iter()
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .collect();
    pairs.join(",")
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    deposit::hex(&Sha256::digest(bytes))
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let found = response.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| value.as_str())
}

pub(crate) fn receipt(response: &Response) -> Option<&str> {
    header(response, "afterbeep-receipt")
}

pub(crate) fn offset(response: &Response) -> usize {
    header(response, "upload-offset").unwrap().parse().unwrap()
}

pub(crate) fn body_json(response: &Response) -> serde_json::Value {
    match &response.body {
        Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or(serde_json::Value::Null),
        Body::Blob { key, .. } => panic!("unexpected blob {key}"),
    }
}

/// Status and stable code of a refusal.
pub(crate) fn refusal(response: &Response) -> (u16, String) {
    let code = body_json(response)["code"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    (response.status, code)
}

/// An Ogg Opus file of `packets` packets of 20 ms and `size` bytes each.
pub(crate) fn speech(packets: usize, size: usize) -> Vec<u8> {
    let head = [
        b"OpusHead\x01\x01".as_slice(),
        &312u16.to_le_bytes(),
        &48_000u32.to_le_bytes(),
        &[0; 3],
    ]
    .concat();
    let mut file = page(2, 0, 0, &[head.as_slice()]);
    file.extend(page(0, 0, 1, &[b"OpusTags\0\0\0\0\0\0\0\0".as_slice()]));
    let sounds: Vec<Vec<u8>> = (0..packets)
        .map(|index| {
            let mut packet = vec![(index % 251) as u8; size];
            packet[0] = 0xf8;
            packet
        })
        .collect();
    let per_page = (255 / (size / 255 + 1)).clamp(1, 50);
    for (number, group) in sounds.chunks(per_page).enumerate() {
        let granule = ((number * per_page + group.len()) * 960) as u64;
        let last = (number + 1) * per_page >= packets;
        let group: Vec<&[u8]> = group.iter().map(Vec::as_slice).collect();
        file.extend(page(
            if last { 4 } else { 0 },
            granule,
            number as u32 + 2,
            &group,
        ));
    }
    file
}

/// One page with whole packets.
pub(crate) fn page(flags: u8, granule: u64, sequence: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut laces = Vec::new();
    for packet in packets {
        laces.extend(std::iter::repeat_n(255, packet.len() / 255));
        laces.push((packet.len() % 255) as u8);
    }
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend(7u32.to_le_bytes());
    page.extend(sequence.to_le_bytes());
    page.extend([0; 4]);
    page.push(laces.len() as u8);
    page.extend(laces);
    packets.iter().for_each(|packet| page.extend(*packet));
    page
}
