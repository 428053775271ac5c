//! One upload in several requests: the steps that the rules ask for, the body streamed in pieces.

use std::rc::Rc;

use exchange::{
    context::{Context, Outcome},
    effect::Effect,
    front, http,
    object::Object,
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
    upload::{self, Step},
    wakeup,
};
use futures_util::StreamExt;
use worker::{ByteStream, DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::{
    actor::{Actor, Rules, keeps_all},
    blob, clock, fault, log, message, stub,
};

const RULES: Rules = Rules {
    migrate: upload::migrate,
    on_signal,
    on_wakeup: upload::on_wakeup,
    next_wakeup: wakeup::next,
    leaves_nothing: keeps_all,
    on_http,
};

/// A piece of a body is written when it has this size, or when the one before is this old: what a slow
/// sender has sent is not lost with its connection.
const PIECE_BYTES: usize = 256 << 10;
const PIECE_AGE_MS: i64 = 500;
/// No request needs more steps; a rule that asks for more is broken.
const MOST_STEPS: usize = 32;

/// An upload that is under way.
#[durable_object(alarm)]
pub struct Upload {
    actor: Rc<Actor>,
}

impl DurableObject for Upload {
    fn new(state: State, env: Env) -> Self {
        Self {
            actor: Actor::new(state, env, Object::Upload, Some(RULES)),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        if !Actor::is_from_outside(&request) {
            return self.actor.fetch(request).await;
        }
        let head = message::forwarded_head(&request);
        match self.answer(request, &head).await {
            Ok(response) => {
                fault::settled(self.actor.name(), "before-answer").await;
                message::from_object(response)
            }
            Err(error) => {
                log::trouble(&format!("an upload failed: {error}"), Some(&head));
                message::from_object(front::unavailable(&head))
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.actor.wake().await;
        Response::ok("")
    }
}

impl Upload {
    async fn answer(
        &self,
        mut request: Request,
        head: &http::Request,
    ) -> std::result::Result<http::Response, SqlError> {
        let mut step = self.run(|sql, context| upload::start(sql, context, head))?;
        for _ in 0..MOST_STEPS {
            step = match step {
                Step::Answer(response) => return Ok(*response),
                Step::Ask { to, signal } => self.ask(head, &to, &signal).await?,
                Step::Receive { epoch } => self.receive(&mut request, head, epoch).await?,
                Step::Store { key, length } => {
                    let done = self.store(&key, length).await.is_ok();
                    self.run(|sql, context| upload::stored(sql, context, head, done))?
                }
            };
        }
        Err(SqlError("a request went in circles".to_owned()))
    }

    fn run<T>(
        &self,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> std::result::Result<T, SqlError>,
    ) -> std::result::Result<T, SqlError> {
        self.actor.transaction(|_, sql, context| rule(sql, context))
    }

    async fn ask(
        &self,
        head: &http::Request,
        to: &Object,
        signal: &Signal,
    ) -> std::result::Result<Step, SqlError> {
        fault::settled(self.actor.name(), "before-ask").await;
        let reply = stub::signal(&self.actor.env, to, signal).await;
        fault::settled(self.actor.name(), "after-ask").await;
        let reply = reply.unwrap_or_else(|error| {
            log::trouble(&format!("an upload got no reply: {error}"), Some(head));
            Reply::Failed {
                code: "unavailable".to_owned(),
            }
        });
        self.run(|sql, context| upload::told(sql, context, head, &reply))
    }

    /// Reads the body piece by piece; what came before a break stays.
    async fn receive(
        &self,
        request: &mut Request,
        head: &http::Request,
        epoch: i64,
    ) -> std::result::Result<Step, SqlError> {
        let mut pieces = Pieces::of(request);
        while let Some(piece) = pieces.next().await {
            let step =
                self.run(|sql, context| upload::append(sql, context, head, epoch, &piece))?;
            if let Some(step) = step {
                return Ok(step);
            }
        }
        if pieces.broken {
            return Err(SqlError("the body broke off".to_owned()));
        }
        self.run(|sql, context| upload::received(sql, context, head, epoch))
    }

    async fn store(&self, key: &str, length: u64) -> Result<()> {
        let read = |offset| {
            let bytes = self.run(|sql, _| upload::read(sql, offset));
            bytes.map_err(|error| worker::Error::RustError(error.to_string()))
        };
        fault::settled(self.actor.name(), "before-put").await;
        let stored = blob::store(&self.actor.env, key, length, read).await;
        fault::settled(self.actor.name(), "after-put").await;
        if let Err(error) = &stored {
            log::trouble(&format!("the blob store took no write: {error}"), None);
        }
        stored
    }
}

/// A body in pieces worth a row.
struct Pieces {
    stream: Option<ByteStream>,
    written_ms: i64,
    broken: bool,
}

impl Pieces {
    fn of(request: &mut Request) -> Self {
        let has_body = request.inner().body().is_some();
        let stream = has_body.then(|| request.stream().ok()).flatten();
        Self {
            broken: has_body && stream.is_none(),
            stream,
            written_ms: clock::now_ms(),
        }
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        let mut piece = Vec::new();
        while let Some(stream) = &mut self.stream {
            match stream.next().await {
                Some(Ok(chunk)) => piece.extend_from_slice(&chunk),
                Some(Err(_)) => {
                    self.broken = true;
                    self.stream = None;
                }
                None => self.stream = None,
            }
            if piece.len() >= PIECE_BYTES || self.is_old() {
                break;
            }
        }
        self.written_ms = clock::now_ms();
        (!piece.is_empty()).then_some(piece)
    }

    fn is_old(&self) -> bool {
        clock::now_ms().saturating_sub(self.written_ms) >= PIECE_AGE_MS
    }
}

/// Uploads ask; nobody tells them anything.
fn on_signal(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _signal: Signal,
) -> std::result::Result<Outcome, SqlError> {
    Ok(Outcome::failed("unknown_signal"))
}

/// Requests go step by step and never whole.
fn on_http(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _request: &http::Request,
) -> std::result::Result<(http::Response, Vec<Effect>), SqlError> {
    Ok((http::Response::status(404), Vec::new()))
}
