//! One mailbox, its uploads and a blob store on a test edge; requests come one after the other.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

pub(crate) use crate::testing::{
    Sent, header, metadata, offset, page, receipt, refusal, sha256, speech,
};
use crate::{
    context::Context,
    effect::Effect,
    front::{self, Route},
    http::{Body, Request, Response},
    mailbox::{self, session},
    object::Object,
    signal::{Caller, Reply, Signal},
    sql::{Sql, SqlError},
    testing::{Edge, Killed, Turn, Visit, body_json},
    upload::{self, Step},
};

pub(crate) const NOW: i64 = 1_790_000_000_000;
pub(crate) const BOB: &str = "sip:bob@localhost";
pub(crate) const DEPOSIT: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

/// Every start of a process draws other randomness.
static STARTS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct World {
    edge: Edge,
    /// How often the owner's telephones were told.
    pub(crate) told: Cell<u32>,
}

impl Deref for World {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Edge {
        &mut self.edge
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// A world on disk, as the process before left it. Its blobs stay in memory.
    pub(crate) fn on_disk(folder: &Path) -> Self {
        Self::with(Some(folder))
    }

    fn with(folder: Option<&Path>) -> Self {
        let start = STARTS.fetch_add(1 << 32, Ordering::Relaxed);
        Self {
            edge: Edge::new(NOW, start, folder.map(Path::to_owned)),
            told: Cell::new(0),
        }
    }

    /// A session for a caller nobody knows.
    pub(crate) fn session(&self) -> String {
        self.session_of(&Caller::default())
    }

    pub(crate) fn session_of(&self, caller: &Caller) -> String {
        let issued = self
            .at_mailbox(|sql, context| session::issue(sql, context, caller, "voice"))
            .unwrap();
        issued.unwrap().token
    }

    /// One request of a client; its answer, if it is heard.
    pub(crate) fn send(&self, sent: &Sent<'_>) -> Result<Response, Killed> {
        match Visit::new(&self.edge, sent) {
            Ok(visit) => self.finish(visit),
            Err(response) => Ok(response),
        }
    }

    /// A request whose first question to the mailbox is answered; the reply is still on its way.
    pub(crate) fn asked(&self, sent: &Sent<'_>) -> (Visit, Reply) {
        let mut visit = Visit::new(&self.edge, sent).unwrap();
        loop {
            match visit.turn(&self.edge).unwrap() {
                Turn::Going => {}
                Turn::Ask { signal, .. } => return (visit, self.signal(signal).unwrap()),
                Turn::Answer { response, .. } => panic!("nothing is asked: {response:?}"),
            }
        }
    }

    /// The answer to a request whose reply arrives now.
    pub(crate) fn tell(&self, (mut visit, reply): (Visit, Reply)) -> Response {
        visit.told(reply);
        self.finish(visit).unwrap()
    }

    fn finish(&self, mut visit: Visit) -> Result<Response, Killed> {
        for _ in 0..1_000 {
            match visit.turn(&self.edge)? {
                Turn::Going => {}
                Turn::Ask { signal, .. } => visit.told(self.signal(signal)?),
                Turn::Answer { response, effects } => {
                    self.carry_out(effects)?;
                    self.point()?;
                    return Ok(response);
                }
            }
        }
        panic!("a request went in circles");
    }

    /// The answer to a request in a world where nothing breaks.
    pub(crate) fn ask(&self, sent: &Sent<'_>) -> Response {
        self.send(sent).unwrap()
    }

    /// Begins a PATCH whose body comes later: its epoch, and its head.
    pub(crate) fn begin(&self, sent: &Sent<'_>) -> (i64, Request) {
        let head = sent.request(self.next_event());
        let Route::Forward(forward) = front::route(&head, &self.settings, self.now_ms) else {
            panic!("not forwarded");
        };
        let head = forward.request;
        match self
            .at(&forward.object, |sql, context| {
                upload::start(sql, context, &head)
            })
            .unwrap()
        {
            Step::Receive { epoch } => (epoch, head),
            other => panic!("unexpected step {other:?}"),
        }
    }

    /// Writes a piece of a body that was begun.
    pub(crate) fn write(&self, head: &Request, epoch: i64, piece: &[u8]) -> Option<Step> {
        let upload = self.uploads().into_iter().next().unwrap();
        self.at(&upload, |sql, context| {
            upload::append(sql, context, head, epoch, piece)
        })
        .unwrap()
    }

    /// The owner's view.
    pub(crate) fn owner(&self, method: &str, path: &str) -> serde_json::Value {
        let (response, effects) = self.by_owner(method, path);
        self.carry_out(effects).unwrap();
        body_json(&response)
    }

    /// All messages in the mailbox, newest first.
    pub(crate) fn messages(&self) -> Vec<serde_json::Value> {
        let list = self.owner("GET", "/mailbox/messages");
        list["messages"].as_array().unwrap().clone()
    }

    /// The bytes of a message's first part.
    pub(crate) fn media(&self, id: &str) -> Vec<u8> {
        let (response, _) = self.by_owner("GET", &format!("/mailbox/messages/{id}/media"));
        match response.body {
            Body::Bytes(bytes) => bytes,
            Body::Blob { key, .. } => self.blobs.borrow()[&key].clone(),
        }
    }

    /// The owner fetches a part of a message.
    pub(crate) fn answer_of_media(&self, id: &str, part: u32) -> Response {
        let path = format!("/mailbox/messages/{id}/media?part={part}");
        self.by_owner("GET", &path).0
    }

    fn by_owner(&self, method: &str, path: &str) -> (Response, Vec<Effect>) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![(front::GENERATION.to_owned(), "1".to_owned())],
            ..Request::default()
        };
        self.at_mailbox(|sql, context| mailbox::on_http(sql, context, &request))
            .unwrap()
    }

    /// What a session token stands for.
    pub(crate) fn current(&self, token: &str) -> serde_json::Value {
        let answer = self.ask(&Sent::new("GET", "/sessions/current", token));
        assert_eq!(answer.status, 200);
        body_json(&answer)
    }

    /// The clock moves on and every alarm that is due goes off.
    pub(crate) fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        loop {
            let effects = self.at_mailbox(mailbox::on_wakeup).unwrap();
            if effects.is_empty() {
                break;
            }
            self.carry_out(effects).unwrap();
        }
        for upload in self.uploads() {
            self.at(&upload, upload::on_wakeup).unwrap();
        }
    }

    /// One event of the mailbox.
    pub(crate) fn at_mailbox<T>(
        &self,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.at(&Object::Mailbox(BOB.to_owned()), rule)
    }

    /// How many rows of bytes all uploads hold.
    pub(crate) fn upload_rows(&self) -> i64 {
        let rows = |upload| self.count(&upload, "SELECT COUNT(*) FROM bytes");
        self.uploads().into_iter().map(rows).sum()
    }

    /// One number out of the mailbox's database.
    pub(crate) fn number(&self, statement: &str) -> i64 {
        self.count(&Object::Mailbox(BOB.to_owned()), statement)
    }

    fn uploads(&self) -> Vec<Object> {
        let mut objects = self.objects();
        objects.retain(|object| matches!(object, Object::Upload(_)));
        objects
    }

    /// A signal to the mailbox travels as JSON, and so does its reply.
    fn signal(&self, signal: Signal) -> Result<Reply, Killed> {
        let signal = serde_json::from_str(&serde_json::to_string(&signal).unwrap()).unwrap();
        let outcome = self
            .at_mailbox(|sql, context| mailbox::on_signal(sql, context, signal))
            .map_err(|_| Killed)?;
        self.carry_out(outcome.effects)?;
        Ok(outcome.reply)
    }

    fn carry_out(&self, effects: Vec<Effect>) -> Result<(), Killed> {
        for effect in effects {
            self.point()?;
            match effect {
                Effect::DeleteBlob { key } => {
                    let gone = self.delete_blob(&key);
                    self.signal(Signal::BlobDeleted { key, gone })?;
                }
                Effect::PutSession { key, value, .. } => self.put_session(&key, &value),
                Effect::Signal { to, tag, signal } => {
                    if matches!(*signal, Signal::MessageSummary { .. }) {
                        assert_eq!(to, Object::Line(BOB.to_owned()));
                        self.told.set(self.told.get() + 1);
                    }
                    self.signal(Signal::Replied {
                        tag,
                        reply: Reply::Done,
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
