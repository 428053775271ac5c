//! One HTTP exchange by `fetch`, in a page or in a service worker. Every exchange has a time-out;
//! no cookies travel and no redirect is followed.

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect,
};

use crate::json::{self, Json};
use crate::problem::{Problem, name_of};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch_url(url: &str, init: &RequestInit) -> js_sys::Promise;
}

/// Time-out of an exchange without a large body.
pub(crate) const SHORT_MS: u32 = 15_000;

/// A request under construction.
pub(crate) struct Request {
    url: String,
    init: RequestInit,
    headers: Result<Headers, JsValue>,
    timeout_ms: u32,
}

/// The head of an answer, its body still to be read.
pub(crate) struct Answer {
    response: web_sys::Response,
    // Bounds the reading of the body too: fires unless the answer is dropped first.
    _timeout: Timeout,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &str, url: &str) -> Self {
        let init = RequestInit::new();
        init.set_method(method);
        init.set_credentials(RequestCredentials::Omit);
        init.set_redirect(RequestRedirect::Error);
        init.set_cache(RequestCache::NoStore);
        Self {
            url: url.to_owned(),
            init,
            headers: Headers::new(),
            timeout_ms: SHORT_MS,
        }
    }

    /// The browser may answer from its cache.
    pub(crate) fn cached(self) -> Self {
        self.init.set_cache(RequestCache::Default);
        self
    }

    /// Adds a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        if let Ok(headers) = &self.headers {
            drop(headers.set(name, value));
        }
        self
    }

    /// Adds `Authorization: Bearer`.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.init.set_body(&js_sys::Uint8Array::from(bytes));
        self
    }

    /// Sends a JSON object of texts.
    pub(crate) fn json(self, fields: &[(&str, &str)]) -> Self {
        self.init.set_body(&json::object(fields));
        self.header("content-type", "application/json")
    }

    /// Sends whatever `fetch` takes as a body.
    pub(crate) fn body(self, body: &JsValue) -> Self {
        self.init.set_body(body);
        self
    }

    /// Another time-out, for a large body.
    pub(crate) fn timeout(mut self, milliseconds: u32) -> Self {
        self.timeout_ms = milliseconds;
        self
    }

    /// Sends the request and reads the whole answer before the time-out.
    pub(crate) async fn send(self) -> Result<Answer, Problem> {
        let controller = AbortController::new().map_err(|cause| unreachable_server(&cause))?;
        self.init.set_signal(Some(&controller.signal()));
        match &self.headers {
            Ok(headers) => self.init.set_headers(headers),
            Err(cause) => return Err(unreachable_server(cause)),
        }
        let timeout = Timeout::new(self.timeout_ms, move || controller.abort());
        let response = JsFuture::from(fetch_url(&self.url, &self.init))
            .await
            .map_err(|cause| unreachable_server(&cause))?
            .dyn_into()
            .map_err(|cause: JsValue| unreachable_server(&cause))?;
        Ok(Answer {
            response,
            _timeout: timeout,
        })
    }
}

impl Answer {
    /// The status code.
    pub(crate) fn status(&self) -> u16 {
        self.response.status()
    }

    /// Whether the status is 2xx.
    pub(crate) fn is_success(&self) -> bool {
        self.response.ok()
    }

    /// One header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// One header as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// Reads the body to its end, so that the browser does not count the exchange as broken off.
    pub(crate) async fn finish(&self) {
        drop(self.text().await);
    }

    /// The body as text; an unreadable one is empty.
    pub(crate) async fn text(&self) -> String {
        match self.response.text() {
            Ok(promise) => settled(promise)
                .await
                .and_then(|text| text.as_string())
                .unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// The body as JSON, ready for Rust.
    pub(crate) async fn json(&self) -> Result<Json, Problem> {
        Json::parse(&self.text().await).ok_or_else(|| {
            Problem::new("bad_answer", "The server's answer could not be understood.")
        })
    }

    /// The body as JSON, ready for the page.
    pub(crate) async fn plain_object(&self) -> Result<JsValue, Problem> {
        js_sys::JSON::parse(&self.text().await)
            .map_err(|_| Problem::new("bad_answer", "The server's answer could not be understood."))
    }

    /// The body as a `Blob`.
    pub(crate) async fn blob(&self) -> Result<web_sys::Blob, Problem> {
        let promise = self
            .response
            .blob()
            .map_err(|cause| unreachable_server(&cause))?;
        settled(promise)
            .await
            .and_then(|blob| blob.dyn_into().ok())
            .ok_or_else(|| Problem::new("network", "The message could not be fetched completely."))
    }

    /// The problem document of a refusal (RFC 9457), or words for a bare status.
    pub(crate) async fn problem(&self) -> Problem {
        let status = self.status();
        let document = Json::parse(&self.text().await);
        let text = |name: &str| document.as_ref()?.text(name);
        let code = text("code").unwrap_or_else(|| "refused".to_owned());
        let words = text("detail").or_else(|| text("title"));
        match words {
            Some(words) => Problem::new(&code, words),
            None => Problem::new(&code, format!("The server refused this (status {status}).")),
        }
    }
}

/// What a promise brings, if it brings anything.
async fn settled(promise: js_sys::Promise) -> Option<JsValue> {
    JsFuture::from(promise).await.ok()
}

fn unreachable_server(cause: &JsValue) -> Problem {
    match name_of(cause).as_str() {
        "AbortError" => Problem::new("timeout", "The server did not answer in time."),
        _ => Problem::new("network", "The server cannot be reached right now."),
    }
}
