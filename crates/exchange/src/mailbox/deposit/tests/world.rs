//! A small edge: one mailbox, its uploads and a blob store, driven as the shell drives them. Its process can
//! be killed at any statement and between any two steps and effects.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::{
    context::{Context, Entropy},
    effect::Effect,
    front::{self, Forward, Route},
    http::{Body, Request, Response},
    mailbox::{self, session},
    object::Object,
    settings::{Settings, tests::settings},
    signal::{Caller, Reply, Signal},
    sql::{Row, Sql, SqlError, Value},
    testing::Memory,
    upload::{self, Step},
};

pub(crate) const NOW: i64 = 1_790_000_000_000;
pub(crate) const BOB: &str = "sip:bob@localhost";
pub(crate) const DEPOSIT: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

/// Every start of a process draws other randomness.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// The process died, or the answer was lost: nobody heard anything.
#[derive(Debug)]
pub(crate) struct Killed;

pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) now_ms: i64,
    folder: Option<PathBuf>,
    mailbox: Memory,
    uploads: RefCell<BTreeMap<String, Memory>>,
    pub(crate) blobs: RefCell<BTreeMap<String, Vec<u8>>>,
    revoked: RefCell<Vec<String>>,
    events: Cell<u64>,
    /// How many more points are passed before the process dies.
    left: Cell<Option<u64>>,
    /// How often the owner's telephones were told.
    pub(crate) told: Cell<u32>,
    /// Messages are refused by the blob store.
    pub(crate) blob_store_down: Cell<bool>,
}

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

    fn request(&self, number: u64) -> Request {
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

impl World {
    pub(crate) fn new() -> Self {
        Self::with(None, Memory::new())
    }

    /// A world on disk, as the process before left it. Its blobs stay in memory.
    pub(crate) fn on_disk(folder: &Path) -> Self {
        let mailbox = Memory::open(&folder.join("mailbox.sqlite"));
        Self::with(Some(folder.to_owned()), mailbox)
    }

    fn with(folder: Option<PathBuf>, mailbox: Memory) -> Self {
        let world = Self {
            folder,
            settings: settings(),
            now_ms: NOW,
            mailbox,
            uploads: RefCell::default(),
            blobs: RefCell::default(),
            revoked: RefCell::default(),
            events: Cell::new(STARTS.fetch_add(1 << 32, Ordering::Relaxed)),
            left: Cell::new(None),
            told: Cell::new(0),
            blob_store_down: Cell::new(false),
        };
        world.mailbox.transaction(mailbox::migrate).unwrap();
        world
    }

    /// The process dies after so many more points; nothing means never.
    pub(crate) fn kill_after(&self, points: Option<u64>) {
        self.left.set(points);
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
        let head = sent.request(self.next_event());
        match front::route(&head, &self.settings, self.now_ms) {
            Route::Answer(response) => Ok(response),
            Route::Forward(forward) => self.forward(&forward, sent),
            other => panic!("unexpected route {other:?}"),
        }
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
        let Object::Upload(name) = &forward.object else {
            panic!("not an upload");
        };
        let head = forward.request;
        match self
            .at_upload(name, |sql, context| upload::start(sql, context, &head))
            .unwrap()
        {
            Step::Receive { epoch } => (epoch, head),
            other => panic!("unexpected step {other:?}"),
        }
    }

    /// Writes a piece of a body that was begun.
    pub(crate) fn write(&self, head: &Request, epoch: i64, piece: &[u8]) -> Option<Step> {
        let name = self.uploads.borrow().keys().next().unwrap().clone();
        self.at_upload(&name, |sql, context| {
            upload::append(sql, context, head, epoch, piece)
        })
        .unwrap()
    }

    /// The owner's view.
    pub(crate) fn owner(&self, method: &str, path: &str) -> serde_json::Value {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![(front::GENERATION.to_owned(), "1".to_owned())],
            ..Request::default()
        };
        let (response, effects) = self
            .at_mailbox(|sql, context| mailbox::on_http(sql, context, &request))
            .unwrap();
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
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/mailbox/messages/{id}/media"),
            headers: vec![(front::GENERATION.to_owned(), "1".to_owned())],
            ..Request::default()
        };
        let (response, _) = self
            .at_mailbox(|sql, context| mailbox::on_http(sql, context, &request))
            .unwrap();
        match response.body {
            Body::Bytes(bytes) => bytes,
            Body::Blob { key, .. } => self.blobs.borrow()[&key].clone(),
        }
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
        let names: Vec<String> = self.uploads.borrow().keys().cloned().collect();
        for name in names {
            self.at_upload(&name, upload::on_wakeup).unwrap();
        }
    }

    /// One event of the mailbox.
    pub(crate) fn at_mailbox<T>(
        &self,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let context = self.context(Object::Mailbox(BOB.to_owned()));
        self.mailbox.transaction(|sql| {
            let sql = Mortal { sql, world: self };
            rule(&sql, &context)
        })
    }

    /// How many rows of bytes all uploads hold.
    pub(crate) fn upload_rows(&self) -> i64 {
        let names: Vec<String> = self.uploads.borrow().keys().cloned().collect();
        let count = |sql: &dyn Sql, _: &Context<'_>| sql.query("SELECT COUNT(*) FROM bytes", &[]);
        names
            .iter()
            .map(|name| self.at_upload(name, count).unwrap()[0].integer(0))
            .sum()
    }

    /// One number out of the mailbox's database.
    pub(crate) fn number(&self, statement: &str) -> i64 {
        self.at_mailbox(|sql, _| sql.query(statement, &[])).unwrap()[0].integer(0)
    }

    fn at_upload<T>(
        &self,
        name: &str,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let context = self.context(Object::Upload(name.to_owned()));
        let mut uploads = self.uploads.borrow_mut();
        let memory = uploads.entry(name.to_owned()).or_insert_with(|| {
            let file = format!("{}.sqlite", name.replace('/', "-"));
            let folder = self.folder.as_ref();
            let memory = folder.map_or_else(Memory::new, |folder| Memory::open(&folder.join(file)));
            memory.transaction(upload::migrate).unwrap();
            memory
        });
        memory.transaction(|sql| {
            let sql = Mortal { sql, world: self };
            rule(&sql, &context)
        })
    }

    fn context(&self, object: Object) -> Context<'_> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.next_event().to_be_bytes());
        Context {
            object,
            settings: &self.settings,
            now_ms: self.now_ms,
            entropy: Entropy::new(seed),
        }
    }

    fn next_event(&self) -> u64 {
        self.events.set(self.events.get() + 1);
        self.events.get()
    }

    /// A point at which the process may die.
    fn point(&self) -> Result<(), Killed> {
        match self.left.get() {
            Some(0) => Err(Killed),
            Some(left) => {
                self.left.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn forward(&self, forward: &Forward, sent: &Sent<'_>) -> Result<Response, Killed> {
        if let Some(key) = &forward.session_key
            && self.revoked.borrow().contains(key)
        {
            return Ok(front::revoked(&forward.request));
        }
        match &forward.object {
            Object::Mailbox(_) => {
                let request = Request {
                    body: sent.body.to_vec(),
                    ..forward.request.clone()
                };
                let answered =
                    self.at_mailbox(|sql, context| mailbox::on_http(sql, context, &request));
                let (response, effects) = answered.map_err(|_| Killed)?;
                self.carry_out(effects)?;
                self.point()?;
                Ok(response)
            }
            Object::Upload(name) => self.upload(name, &forward.request, sent),
            other => panic!("unexpected object {other:?}"),
        }
    }

    /// What the shell does for a request to an upload.
    fn upload(&self, name: &str, head: &Request, sent: &Sent<'_>) -> Result<Response, Killed> {
        let mut step = self
            .at_upload(name, |sql, context| upload::start(sql, context, head))
            .map_err(|_| Killed)?;
        for _ in 0..32 {
            self.point()?;
            step = match step {
                Step::Answer(response) => return Ok(*response),
                Step::Ask { signal, .. } => {
                    let reply = self.signal(*signal)?;
                    self.point()?;
                    self.at_upload(name, |sql, context| {
                        upload::told(sql, context, head, &reply)
                    })
                    .map_err(|_| Killed)?
                }
                Step::Receive { epoch } => self.receive(name, head, sent, epoch)?,
                Step::Store { key, length } => {
                    let done = self.store(name, &key, length)?;
                    self.at_upload(name, |sql, context| {
                        upload::stored(sql, context, head, done)
                    })
                    .map_err(|_| Killed)?
                }
            };
        }
        panic!("a request went in circles");
    }

    fn receive(
        &self,
        name: &str,
        head: &Request,
        sent: &Sent<'_>,
        epoch: i64,
    ) -> Result<Step, Killed> {
        let body = &sent.body[..sent.breaks_at.unwrap_or(sent.body.len())];
        for piece in body.chunks(64 << 10) {
            let step = self
                .at_upload(name, |sql, context| {
                    upload::append(sql, context, head, epoch, piece)
                })
                .map_err(|_| Killed)?;
            if let Some(step) = step {
                return Ok(step);
            }
        }
        if sent.breaks_at.is_some() {
            return Err(Killed);
        }
        self.at_upload(name, |sql, context| {
            upload::received(sql, context, head, epoch)
        })
        .map_err(|_| Killed)
    }

    fn store(&self, name: &str, key: &str, length: u64) -> Result<bool, Killed> {
        if self.blob_store_down.get() {
            return Ok(false);
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            let offset = bytes.len() as u64;
            let row = self
                .at_upload(name, |sql, _| upload::read(sql, offset))
                .map_err(|_| Killed)?;
            assert!((1..=1_000_000).contains(&row.len()));
            bytes.extend(row);
        }
        self.blobs.borrow_mut().insert(key.to_owned(), bytes);
        self.point()?;
        Ok(true)
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
                    self.blobs.borrow_mut().remove(&key);
                    self.signal(Signal::BlobDeleted { key, gone: true })?;
                }
                Effect::PutSession { key, value, .. } if front::is_revoked(&value) => {
                    self.revoked.borrow_mut().push(key);
                }
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

/// A database whose process may die at any statement.
struct Mortal<'a> {
    sql: &'a dyn Sql,
    world: &'a World,
}

impl Sql for Mortal<'_> {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let killed = |_| SqlError("killed".to_owned());
        self.world.point().map_err(killed)?;
        self.sql.query(statement, parameters)
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
