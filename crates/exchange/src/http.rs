//! HTTP requests and answers as plain values, so that the whole API runs natively in tests.

/// A request that an object handles whole (bodies are small; large uploads are streamed in pieces).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Upper case, after `X-HTTP-Method-Override`.
    pub method: String,
    /// Path without query, still percent-encoded.
    pub path: String,
    /// The query without `?`; empty if none.
    pub query: String,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// What goes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// A body from memory, or from the blob store, which the shell streams.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Bytes at hand.
    Bytes(Vec<u8>),
    /// `length` bytes from `offset` of the blob `key`.
    Blob {
        /// Key in the blob store.
        key: String,
        /// First byte.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
}

impl Request {
    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Response {
    /// An empty answer with this status.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
        }
    }

    /// The same answer with one more header (lower-case name).
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
