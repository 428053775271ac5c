//! One request under way, as the shell drives it: one transaction or one write of a blob at a time, so that
//! requests may overlap and die anywhere in between.

use super::{Edge, Killed, Sent};
use crate::{
    effect::Effect,
    front::{self, Route},
    http::{Request, Response},
    line, mailbox,
    object::Object,
    signal::{Reply, Signal},
    sql::SqlError,
    upload::{self, Step},
};

pub(crate) struct Visit {
    /// Who answers.
    pub(crate) object: Object,
    /// As the object is to see it.
    pub(crate) head: Request,
    body: Vec<u8>,
    /// The connection breaks at the end of `body`.
    breaks: bool,
    position: usize,
    next: Next,
}

enum Next {
    Start,
    Do(Step),
    /// A reply is awaited.
    Wait,
    Told(Reply),
    Receive {
        epoch: i64,
    },
}

/// What one turn of a request came to.
pub(crate) enum Turn {
    /// It goes on.
    Going,
    /// This object is asked; [`Visit::told`] takes its reply.
    Ask { to: Object, signal: Signal },
    /// The end; the effects are the object's, carried out before the answer is heard.
    Answer {
        response: Response,
        effects: Vec<Effect>,
    },
}

impl Visit {
    /// The front lets the request pass to an object, or answers at once.
    pub(crate) fn new(edge: &Edge, sent: &Sent<'_>) -> Result<Self, Response> {
        let head = sent.request(edge.next_event());
        let forward = match front::route(&head, &edge.settings, edge.now_ms) {
            Route::Answer(response) => return Err(response),
            Route::Forward(forward) => forward,
            other => panic!("unexpected route {other:?}"),
        };
        let key = forward.session_key.as_deref();
        if key.is_some_and(|key| edge.knows_revoked(key)) {
            return Err(front::revoked(&forward.request));
        }
        let end = sent.breaks_at.unwrap_or(sent.body.len());
        Ok(Self {
            object: forward.object,
            head: forward.request,
            body: sent.body[..end].to_vec(),
            breaks: sent.breaks_at.is_some(),
            position: 0,
            next: Next::Start,
        })
    }

    /// Goes on by one transaction, one write or one decision.
    pub(crate) fn turn(&mut self, edge: &Edge) -> Result<Turn, Killed> {
        let next = std::mem::replace(&mut self.next, Next::Wait);
        match next {
            Next::Start => self.start(edge),
            Next::Do(step) => {
                edge.point()?;
                self.step(edge, step)
            }
            Next::Wait => panic!("a reply is awaited"),
            Next::Told(reply) => {
                edge.point()?;
                let told = edge.at(&self.object, |sql, context| {
                    upload::told(sql, context, &self.head, &reply)
                });
                self.go_on(told)
            }
            Next::Receive { epoch } => self.receive(edge, epoch),
        }
    }

    /// What the object that was asked replied.
    pub(crate) fn told(&mut self, reply: Reply) {
        self.next = Next::Told(reply);
    }

    fn start(&mut self, edge: &Edge) -> Result<Turn, Killed> {
        if let Object::Upload(_) = self.object {
            let started = edge.at(&self.object, |sql, context| {
                upload::start(sql, context, &self.head)
            });
            return self.go_on(started);
        }
        let request = Request {
            body: self.body.clone(),
            ..self.head.clone()
        };
        let answered = edge.at(&self.object, |sql, context| match &self.object {
            Object::Mailbox(_) => mailbox::on_http(sql, context, &request),
            Object::Line(_) => line::on_http(sql, context, &request),
            other => panic!("unexpected object {other:?}"),
        });
        let (response, effects) = answered.map_err(|_| Killed)?;
        Ok(Turn::Answer { response, effects })
    }

    fn go_on(&mut self, step: Result<Step, SqlError>) -> Result<Turn, Killed> {
        self.next = Next::Do(step.map_err(|_| Killed)?);
        Ok(Turn::Going)
    }

    fn step(&mut self, edge: &Edge, step: Step) -> Result<Turn, Killed> {
        match step {
            Step::Answer(response) => Ok(Turn::Answer {
                response: *response,
                effects: Vec::new(),
            }),
            Step::Ask { to, signal } => Ok(Turn::Ask {
                to,
                signal: *signal,
            }),
            Step::Receive { epoch } => {
                self.next = Next::Receive { epoch };
                Ok(Turn::Going)
            }
            Step::Store { key, length } => {
                let done = self.store(edge, &key, length)?;
                let stored = edge.at(&self.object, |sql, context| {
                    upload::stored(sql, context, &self.head, done)
                });
                self.go_on(stored)
            }
        }
    }

    /// The next piece of the body, or its end.
    fn receive(&mut self, edge: &Edge, epoch: i64) -> Result<Turn, Killed> {
        let end = self.body.len().min(self.position + edge.piece.get());
        let piece = &self.body[self.position..end];
        if piece.is_empty() && self.breaks {
            return Err(Killed);
        }
        let step = edge.at(&self.object, |sql, context| {
            if piece.is_empty() {
                return upload::received(sql, context, &self.head, epoch).map(Some);
            }
            upload::append(sql, context, &self.head, epoch, piece)
        });
        self.position = end;
        self.next = match step.map_err(|_| Killed)? {
            Some(step) => Next::Do(step),
            None => Next::Receive { epoch },
        };
        Ok(Turn::Going)
    }

    /// Whether the blob store took the upload's bytes.
    fn store(&self, edge: &Edge, key: &str, length: u64) -> Result<bool, Killed> {
        if edge.blob_store_down.get() {
            return Ok(false);
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            let offset = bytes.len() as u64;
            let read = edge.at(&self.object, |sql, _| upload::read(sql, offset));
            let row = read.map_err(|_| Killed)?;
            if row.is_empty() {
                // The upload has let go of its bytes meanwhile.
                return Ok(false);
            }
            assert!(row.len() <= 1_000_000);
            bytes.extend(row);
        }
        edge.blobs.borrow_mut().insert(key.to_owned(), bytes);
        edge.point()?;
        Ok(true)
    }
}
