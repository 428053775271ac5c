//! The edge under every test world: each object with its own database (in memory or in a file), a blob store,
//! revoked sessions, one clock. Its process can be killed at any statement and at any other point.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    rc::Rc,
};

use super::Memory;
use crate::{
    context::{Context, Entropy},
    front, line, mailbox,
    object::Object,
    settings::{Settings, tests::settings},
    sql::{Row, Sql, SqlError, Value},
    upload, wakeup,
};

/// The process died, or the answer was lost: nobody heard anything.
#[derive(Debug)]
pub(crate) struct Killed;

pub(crate) struct Edge {
    pub(crate) settings: Settings,
    pub(crate) now_ms: i64,
    folder: Option<PathBuf>,
    stores: RefCell<BTreeMap<Object, Rc<Memory>>>,
    pub(crate) blobs: RefCell<BTreeMap<String, Vec<u8>>>,
    revoked: RefCell<BTreeSet<String>>,
    /// Counts events; every event draws other randomness.
    events: Cell<u64>,
    /// How many more points are passed before the process dies.
    left: Cell<Option<u64>>,
    /// The blob store takes nothing and deletes nothing.
    pub(crate) blob_store_down: Cell<bool>,
    /// A body comes in pieces of this length.
    pub(crate) piece: Cell<usize>,
}

impl Edge {
    /// An edge whose randomness follows from `seed`; with a folder it goes on from what lies there.
    pub(crate) fn new(now_ms: i64, seed: u64, folder: Option<PathBuf>) -> Self {
        Self {
            settings: settings(),
            now_ms,
            folder,
            stores: RefCell::default(),
            blobs: RefCell::default(),
            revoked: RefCell::default(),
            events: Cell::new(seed),
            left: Cell::new(None),
            blob_store_down: Cell::new(false),
            piece: Cell::new(64 << 10),
        }
    }

    /// The process dies after so many more points; nothing means never.
    pub(crate) fn kill_after(&self, points: Option<u64>) {
        self.left.set(points);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.get() == Some(0)
    }

    /// A point at which the process may die.
    pub(crate) fn point(&self) -> Result<(), Killed> {
        match self.left.get() {
            Some(0) => Err(Killed),
            Some(left) => {
                self.left.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The next process: it lives, and knows only what was stored.
    pub(crate) fn restart(&self) {
        self.left.set(None);
        if self.folder.is_some() {
            self.stores.borrow_mut().clear();
        }
    }

    /// One event of an object, in one transaction.
    pub(crate) fn at<T>(
        &self,
        object: &Object,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let store = self.store(object);
        let context = Context {
            object: object.clone(),
            settings: &self.settings,
            now_ms: self.now_ms,
            entropy: Entropy::new(self.seed()),
            trace: crate::trace::Notebook::default(),
        };
        if !matches!(object, Object::Line(_)) {
            return store.transaction(|sql| rule(&Mortal { sql, edge: self }, &context));
        }
        // A line that leaves nothing is rolled back, as the shell does.
        let empty = crate::sql::is_empty(&*store)?;
        let mut outcome = None;
        let kept = store.transaction(|sql| {
            if empty {
                line::migrate(sql)?;
            }
            outcome = Some(rule(&Mortal { sql, edge: self }, &context)?);
            if empty && line::leaves_nothing(sql)? {
                return Err(SqlError("nothing to keep".to_owned()));
            }
            Ok(())
        });
        outcome.ok_or_else(|| match kept {
            Err(error) => error,
            Ok(()) => SqlError("no outcome".to_owned()),
        })
    }

    /// Rows out of an object's database, whether the process lives or not.
    pub(crate) fn rows(&self, object: &Object, query: &str) -> Vec<Row> {
        let store = self.store(object);
        let rows = store.query(query, &[]);
        rows.unwrap_or_else(|error| panic!("{error}"))
    }

    /// One number out of an object's database.
    pub(crate) fn count(&self, object: &Object, query: &str) -> i64 {
        let rows = self.rows(object, query);
        rows.first().map_or(0, |row| row.integer(0))
    }

    /// All objects that have a database.
    pub(crate) fn objects(&self) -> Vec<Object> {
        self.stores.borrow().keys().cloned().collect()
    }

    /// When an object's alarm stands.
    pub(crate) fn alarm(&self, object: &Object) -> Option<i64> {
        let store = self.store(object);
        // The statement at which a story wants it to die may be this one; the next is another.
        let due = || match object {
            Object::Mailbox(_) => mailbox::next_wakeup(&*store),
            Object::Line(_) if crate::sql::is_empty(&*store)? => Ok(None),
            _ => wakeup::next(&*store),
        };
        due().or_else(|_| due()).expect("wakeups")
    }

    /// The nth statement of this object from now on fails, and with it its transaction.
    pub(crate) fn crash(&self, object: &Object, nth: u64) {
        self.store(object).crash_at(Some(nth));
    }

    /// Whether the statement that was to fail has been reached.
    pub(crate) fn has_crashed(&self, object: &Object, nth: u64) -> bool {
        self.store(object).statements() > nth
    }

    /// Writes to the session store.
    pub(crate) fn put_session(&self, key: &str, value: &str) {
        if front::is_revoked(value) {
            self.revoked.borrow_mut().insert(key.to_owned());
        }
    }

    pub(crate) fn knows_revoked(&self, key: &str) -> bool {
        self.revoked.borrow().contains(key)
    }

    /// Whether the blob is certainly gone.
    pub(crate) fn delete_blob(&self, key: &str) -> bool {
        let up = !self.blob_store_down.get();
        if up {
            self.blobs.borrow_mut().remove(key);
        }
        up
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.next_event().to_be_bytes());
        seed
    }

    pub(crate) fn next_event(&self) -> u64 {
        self.events.set(self.events.get() + 1);
        self.events.get()
    }

    fn store(&self, object: &Object) -> Rc<Memory> {
        let mut stores = self.stores.borrow_mut();
        let opened = || Rc::new(self.open(object));
        Rc::clone(stores.entry(object.clone()).or_insert_with(opened))
    }

    fn open(&self, object: &Object) -> Memory {
        let memory = self.folder.as_ref().map_or_else(Memory::new, |folder| {
            let plain = |letter: char| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            };
            let name: String = format!("{object:?}").chars().map(plain).collect();
            Memory::open(&folder.join(format!("{name}.sqlite")))
        });
        let migrated = memory.transaction(|sql| match object {
            Object::Line(_) => Ok(()),
            Object::Mailbox(_) => mailbox::migrate(sql),
            Object::Upload(_) => upload::migrate(sql),
            Object::Upstream => crate::upstream::migrate(sql),
            Object::Flow(_) | Object::Network(_) | Object::Directory(_) => {
                crate::sql::migrate(sql, &[&[wakeup::TABLE]])
            }
        });
        migrated.expect("migration");
        memory
    }
}

/// A database whose process may die at any statement.
struct Mortal<'a> {
    sql: &'a dyn Sql,
    edge: &'a Edge,
}

impl Sql for Mortal<'_> {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let killed = |_| SqlError("killed".to_owned());
        self.edge.point().map_err(killed)?;
        self.sql.query(statement, parameters)
    }
}
