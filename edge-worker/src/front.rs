//! A request from outside on its way through the rules of [`exchange::front`]: static file, socket, answer
//! at once, or one object.

use std::cell::{Cell, RefCell};

use exchange::{
    directory,
    front::{self, BodyRule, Forward, Route},
    http,
    object::{DIRECTORY_SHARDS, Object},
    rendition::Order,
    settings::Settings,
    signal::{Reply, Signal},
    upstream::Standing,
};
use wasm_bindgen::JsValue;
use worker::{Context, Env, Request, Response, ResponseBody, Result};

use crate::{
    asset, binding, blob, clock, fault, log,
    message::{self, BodyFailure},
    rendition, stub,
};

thread_local! {
    /// Whether this isolate has asked for the connection to the foreign proxy.
    static BEGUN: Cell<bool> = const { Cell::new(false) };
}

/// The first request of an isolate wakes the connection to the foreign proxy, if one is set: nothing else would after
/// the first deployment. From then on the object wakes itself.
pub(crate) fn begin(env: &Env, context: &Context) {
    let wanted = || binding::settings(env).is_ok_and(|settings| settings.upstream.is_some());
    if BEGUN.replace(true) || !wanted() {
        return;
    }
    let env = env.clone();
    context.wait_until(async move {
        standing(&env).await;
    });
}

/// Answers a request; nothing that goes wrong here is shown in more words than a 503.
pub(crate) async fn handle(request: Request, env: &Env) -> Result<Response> {
    fault::arm(&request);
    let settings = match binding::settings(env) {
        Ok(settings) => settings,
        Err(error) => {
            log::trouble(&format!("the settings cannot be used: {error}"), None);
            return Response::error(
                "The server is not set up: its log says which setting is wrong.",
                503,
            );
        }
    };
    let mut head = message::head(&request);
    front::strip_internal(&mut head);
    let id = clock::entropy()?.hex(16);
    head.headers.push((front::REQUEST_ID.to_owned(), id));
    let began_ms = clock::now_ms();
    let route = front::route(&head, &settings, began_ms);
    let is_file = matches!(route, Route::Assets { .. });
    let mut visit = Visit {
        env,
        head,
        settings: &settings,
        whose: RefCell::default(),
    };
    let response = match visit.follow(route, request).await {
        Ok(response) => response,
        Err(error) => {
            log::trouble(&error.to_string(), Some(&visit.head));
            visit.complete(front::unavailable(&visit.head))?
        }
    };
    if !is_file {
        let took_ms = clock::now_ms().saturating_sub(began_ms);
        let whose = visit.whose.borrow();
        log::request(&visit.head, whose.as_ref(), response.status_code(), took_ms);
    }
    Ok(response)
}

/// One request on its way.
struct Visit<'a> {
    env: &'a Env,
    head: http::Request,
    settings: &'a Settings,
    /// The object that it went to.
    whose: RefCell<Option<Object>>,
}

impl Visit<'_> {
    async fn follow(&mut self, route: Route, mut request: Request) -> Result<Response> {
        match route {
            Route::ReadBody { limit } => {
                match message::whole_body(&mut request, limit).await {
                    Ok(body) => self.head.body = body,
                    Err(failure) => return self.refuse_body(&failure),
                }
                let route = front::route_body(&self.head, self.settings, clock::now_ms());
                self.finish(route, request).await
            }
            other => self.finish(other, request).await,
        }
    }

    async fn finish(&self, route: Route, request: Request) -> Result<Response> {
        match route {
            Route::Answer(response) => self.answer(response).await,
            Route::Assets { path } => self.serve_file(&request, &path).await,
            Route::Socket { resumes } => self.open_socket(&request, resumes).await,
            Route::Metrics => self.metrics().await,
            Route::Readiness => self.readiness().await,
            Route::Forward(forward) => self.pass_on(request, *forward).await,
            Route::ReadBody { limit } => self.complete(front::too_large(&self.head, limit)),
        }
    }

    /// Whether the storage answers, and where the registration at a foreign proxy stands. Asking starts it.
    async fn readiness(&self) -> Result<Response> {
        let ready = is_ready(self.env).await;
        let standing = match self.settings.upstream {
            Some(_) => Some(standing(self.env).await),
            None => None,
        };
        self.answer(front::ready(ready, standing)).await
    }

    /// What all shards of the directory know together. A sum that lacks one of them would be a lie.
    async fn metrics(&self) -> Result<Response> {
        let mut totals = directory::Totals::default();
        for shard in 0..DIRECTORY_SHARDS {
            let reply = stub::signal(self.env, &Object::Directory(shard), &Signal::Totals {}).await;
            let value = match &reply {
                Ok(Reply::Value { value }) => serde_json::from_str(value).ok(),
                _ => None,
            };
            match value {
                Some(more) => totals = totals.plus(more),
                None => return self.complete(front::unavailable(&self.head)),
            }
        }
        self.complete(directory::metrics(totals))
    }

    async fn answer(&self, mut response: http::Response) -> Result<Response> {
        let body = std::mem::replace(&mut response.body, http::Body::Bytes(Vec::new()));
        let body = match body {
            http::Body::Bytes(bytes) => ResponseBody::Body(bytes),
            http::Body::Blob {
                key,
                offset,
                length,
            } => match blob::open(self.env, key, offset, length).await {
                Ok(Some(body)) => body,
                _ => return self.complete(front::unavailable(&self.head)),
            },
        };
        self.send(response, body)
    }

    /// A whole answer of our own.
    fn complete(&self, response: http::Response) -> Result<Response> {
        let body = match &response.body {
            http::Body::Bytes(bytes) => ResponseBody::Body(bytes.clone()),
            http::Body::Blob { .. } => ResponseBody::Empty,
        };
        self.send(response, body)
    }

    fn refuse_body(&self, failure: &BodyFailure) -> Result<Response> {
        self.complete(match failure {
            BodyFailure::TooLarge(limit) => front::too_large(&self.head, *limit),
            BodyFailure::TooSlow => front::too_slow(&self.head),
            BodyFailure::Broken => front::broken_body(&self.head),
        })
    }

    fn send(&self, response: http::Response, body: ResponseBody) -> Result<Response> {
        let response = front::finish(&self.head, self.settings, response);
        let body = if self.head.method == "HEAD" {
            ResponseBody::Empty
        } else {
            body
        };
        message::build(response.status, &response.headers, body)
    }

    async fn serve_file(&self, request: &Request, path: &str) -> Result<Response> {
        match asset::serve(self.env, self.settings, request, path).await? {
            Some(response) => Ok(response),
            None => self.complete(front::not_found(&self.head)),
        }
    }

    async fn pass_on(&self, mut request: Request, forward: Forward) -> Result<Response> {
        self.whose.replace(Some(forward.object.clone()));
        if let Some(key) = &forward.session_key
            && is_revoked(self.env, key).await
        {
            return self.complete(front::revoked(&self.head));
        }
        for question in &forward.questions {
            let reply = stub::signal(self.env, &question.object, &question.signal).await;
            if let Some(refusal) = front::refusal(&self.head, question, reply.ok().as_ref()) {
                return self.complete(refusal);
            }
        }
        let body = match take_body(&mut request, &forward).await {
            Ok(body) => body,
            Err(failure) => return self.refuse_body(&failure),
        };
        match stub::request(self.env, &forward.object, &forward.request, body).await {
            Ok(response) => {
                fault::settled("front", "before-answer").await;
                self.relay(response).await
            }
            Err(error) => {
                log::trouble(
                    &format!("an object did not answer: {error}"),
                    Some(&self.head),
                );
                self.complete(front::unavailable(&self.head))
            }
        }
    }

    /// An object's answer on its way out; a blob that it names is streamed from the store.
    async fn relay(&self, response: Response) -> Result<Response> {
        let (mut response, body) = message::split(response);
        if let Some(order) = rendition::ordered(&mut response) {
            return self.render(response, body, &order).await;
        }
        match blob::named(&mut response) {
            Some((key, offset, length)) => {
                response.body = http::Body::Blob {
                    key,
                    offset,
                    length,
                };
                self.answer(response).await
            }
            None => self.send(response, body),
        }
    }

    /// A mailbox's medium in the container that was asked for.
    async fn render(
        &self,
        mut response: http::Response,
        body: ResponseBody,
        order: &Order,
    ) -> Result<Response> {
        let deposited = match blob::named(&mut response) {
            Some((key, ..)) => blob::whole(self.env, key).await?,
            None => Some(Response::from_body(body)?.bytes().await?),
        };
        let Some(deposited) = deposited else {
            return self.complete(front::unavailable(&self.head));
        };
        let made = rendition::make(order, &deposited);
        let answer = exchange::rendition::answer(&self.head, order, &deposited, made.as_deref());
        self.answer(answer).await
    }

    /// Opens a connection, or gives one that the client named its newest socket.
    async fn open_socket(&self, request: &Request, resumes: Option<String>) -> Result<Response> {
        let named = resumes.is_some();
        let name = match resumes {
            Some(name) => name,
            None => clock::entropy()?.hex(16),
        };
        let kept = |name: &str| {
            ["upgrade", "connection", "origin", "cf-connecting-ip"].contains(&name)
                || name.starts_with("sec-websocket-")
        };
        let headers = self.head.headers.iter();
        let mut headers: Vec<_> = headers.filter(|(name, _)| kept(name)).cloned().collect();
        if named {
            headers.push((stub::RESUMES.to_owned(), "1".to_owned()));
        }
        let head = http::Request {
            method: request.inner().method(),
            path: self.head.path.clone(),
            headers,
            ..http::Request::default()
        };
        stub::request(self.env, &Object::Flow(name), &head, None).await
    }
}

/// The body as the rule wants it.
async fn take_body(
    request: &mut Request,
    forward: &Forward,
) -> std::result::Result<Option<JsValue>, BodyFailure> {
    let whole = match forward.body {
        _ if !forward.request.body.is_empty() => Ok(forward.request.body.clone()),
        BodyRule::Stream => return Ok(request.inner().body().map(JsValue::from)),
        BodyRule::Whole(limit) => message::whole_body(request, limit).await,
    };
    whole.map(|body| (!body.is_empty()).then(|| message::bytes(&body)))
}

/// A session store that cannot be read refuses nobody: the mailbox is the authority.
async fn is_revoked(env: &Env, key: &str) -> bool {
    let Ok(store) = binding::sessions(env) else {
        return false;
    };
    let value = store.get(key).text().await.ok().flatten();
    value.is_some_and(|value| front::is_revoked(&value))
}

/// Whether every kind of storage answers; the log says which does not.
async fn is_ready(env: &Env) -> bool {
    let checks = [
        (
            "objects",
            stub::ping(env, &Object::Directory(0)).await.is_ok(),
        ),
        ("sessions", sessions_answer(env).await),
        ("media", media_answers(env).await),
        ("assets", binding::assets(env).is_ok()),
    ];
    for (name, _) in checks.iter().filter(|(_, works)| !works) {
        log::trouble(&format!("the binding for {name} does not answer"), None);
    }
    checks.iter().all(|(_, works)| *works)
}

/// Where the registration at the foreign proxy stands; an object that does not answer is not connected.
async fn standing(env: &Env) -> Standing {
    let reply = stub::signal(env, &Object::Upstream, &Signal::Standing {}).await;
    let standing = match &reply {
        Ok(Reply::Value { value }) => serde_json::from_str(value).ok(),
        _ => None,
    };
    standing.unwrap_or(Standing::Connecting)
}

async fn sessions_answer(env: &Env) -> bool {
    match binding::sessions(env) {
        Ok(store) => store.get("readiness").text().await.is_ok(),
        Err(_) => false,
    }
}

async fn media_answers(env: &Env) -> bool {
    match binding::media(env) {
        Ok(bucket) => bucket.head("readiness").await.is_ok(),
        Err(_) => false,
    }
}
