//! The callee's side: messages, their states and sound, and the greeting, over HTTP. What the server
//! answers goes to the page as it is.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::Blob;

use crate::http::{Answer, Request};
use crate::problem::Problem;
use crate::server::Server;

/// A sound of some megabytes over a slow network.
const MEDIA_MS: u32 = 300_000;

/// The mailbox of whoever is signed in.
pub(crate) struct Mailbox {
    server: Rc<Server>,
    token: String,
}

impl Mailbox {
    /// The mailbox that this login token opens.
    pub(crate) fn new(server: Rc<Server>, token: String) -> Self {
        Self { server, token }
    }

    /// Counts, settings, storage.
    pub(crate) async fn summary(&self) -> Result<JsValue, Problem> {
        self.ask("GET", "").await?.plain_object().await
    }

    /// One page of messages.
    pub(crate) async fn messages(&self, after: Option<&str>) -> Result<JsValue, Problem> {
        let query = match after {
            Some(after) => format!("?after={}", escaped(after)),
            None => String::new(),
        };
        let answer = self.ask("GET", &format!("/messages{query}")).await?;
        answer.plain_object().await
    }

    /// Marks a message.
    pub(crate) async fn set_state(&self, id: &str, state: &str) -> Result<(), Problem> {
        let request = self
            .request("PATCH", &message(id))
            .json(&[("state", state)]);
        accepted(request).await.map(drop)
    }

    /// Deletes a message.
    pub(crate) async fn delete(&self, id: &str) -> Result<(), Problem> {
        self.ask("DELETE", &message(id)).await.map(drop)
    }

    /// Brings a deleted message back.
    pub(crate) async fn restore(&self, id: &str) -> Result<(), Problem> {
        self.ask("POST", &format!("{}/restore", message(id)))
            .await
            .map(drop)
    }

    /// A message in this container, or as it was deposited.
    pub(crate) async fn media(&self, id: &str, format: Option<&str>) -> Result<Blob, Problem> {
        let query = match format {
            Some(format) => format!("?format={}", escaped(format)),
            None => String::new(),
        };
        let request = self
            .request("GET", &format!("{}/media{query}", message(id)))
            .timeout(MEDIA_MS);
        accepted(request).await?.blob().await
    }

    /// A file that came with a message.
    pub(crate) async fn part(&self, id: &str, part: u32) -> Result<Blob, Problem> {
        let request = self
            .request("GET", &format!("{}/media?part={part}", message(id)))
            .timeout(MEDIA_MS);
        accepted(request).await?.blob().await
    }

    /// Makes this sound the greeting, with words for callers who cannot hear it.
    pub(crate) async fn put_greeting(
        &self,
        sound: &Blob,
        duration_ms: f64,
        caption: &str,
    ) -> Result<(), Problem> {
        let duration_ms = duration_ms.max(0.0).round();
        let query = format!("duration_ms={duration_ms}&caption={}", escaped(caption));
        let request = self
            .request("PUT", &format!("/greeting?{query}"))
            .header("content-type", &sound.type_())
            .body(sound)
            .timeout(MEDIA_MS);
        accepted(request).await.map(drop)
    }

    /// Puts other words under the greeting; none take them away.
    pub(crate) async fn caption_greeting(&self, caption: &str) -> Result<(), Problem> {
        let request = self
            .request("PATCH", "/greeting")
            .json(&[("caption", caption)]);
        accepted(request).await.map(drop)
    }

    /// Back to the system's greeting.
    pub(crate) async fn delete_greeting(&self) -> Result<(), Problem> {
        self.ask("DELETE", "/greeting").await.map(drop)
    }

    /// Changes what is named in this JSON object (RFC 7396); the answer is all settings.
    pub(crate) async fn change_settings(&self, changes: &JsValue) -> Result<JsValue, Problem> {
        let request = self
            .request("PATCH", "/settings")
            .header("content-type", "application/json")
            .body(changes);
        accepted(request).await?.plain_object().await
    }

    /// Calls of the last days, or those of one session.
    pub(crate) async fn calls(&self, session: Option<&str>) -> Result<JsValue, Problem> {
        let query = match session {
            Some(session) => format!("?session={}", escaped(session)),
            None => String::new(),
        };
        self.call(&query).await
    }

    /// One call, message by message.
    pub(crate) async fn ladder(&self, id: &str) -> Result<JsValue, Problem> {
        self.call(&format!("/{}", escaped(id))).await
    }

    async fn call(&self, rest: &str) -> Result<JsValue, Problem> {
        let url = self.server.url(&format!("/calls{rest}"));
        let request = Request::new("GET", &url).bearer(&self.token);
        accepted(request).await?.plain_object().await
    }

    async fn ask(&self, method: &str, path: &str) -> Result<Answer, Problem> {
        accepted(self.request(method, path)).await
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &self.server.url(&format!("/mailbox{path}"))).bearer(&self.token)
    }
}

async fn accepted(request: Request) -> Result<Answer, Problem> {
    let answer = request.send().await?;
    match answer.is_success() {
        true => Ok(answer),
        false => Err(answer.problem().await),
    }
}

fn message(id: &str) -> String {
    format!("/messages/{}", escaped(id))
}

fn escaped(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}
