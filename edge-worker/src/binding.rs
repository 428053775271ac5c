//! The names of the bindings and the settings behind them. Names are for good: deployments hold them.

use std::{cell::RefCell, rc::Rc};

use exchange::{object::Object, settings::Settings};
use worker::{Bucket, Env, Fetcher, ObjectNamespace, Result, kv::KvStore};

thread_local! {
    /// Settings are the same for all events of an isolate, and parsing keys costs more than a request.
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

/// The operator's settings, read once per isolate.
pub(crate) fn settings(env: &Env) -> Result<Rc<Settings>> {
    if let Some(settings) = SETTINGS.with_borrow(Clone::clone) {
        return Ok(settings);
    }
    let read = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let settings =
        Settings::read(read).map_err(|error| worker::Error::RustError(error.to_string()))?;
    let settings = Rc::new(settings);
    SETTINGS.set(Some(Rc::clone(&settings)));
    Ok(settings)
}

/// Pending sessions (KV).
pub(crate) fn sessions(env: &Env) -> Result<KvStore> {
    env.kv("SESSIONS")
}

/// Large media (R2).
pub(crate) fn media(env: &Env) -> Result<Bucket> {
    env.bucket("MEDIA")
}

/// Static files.
pub(crate) fn assets(env: &Env) -> Result<Fetcher> {
    env.assets("ASSETS")
}

/// The namespace of an object's class.
pub(crate) fn namespace(env: &Env, object: &Object) -> Result<ObjectNamespace> {
    env.durable_object(match object {
        Object::Flow(_) => "FLOW",
        Object::Line(_) => "LINE",
        Object::Mailbox(_) => "MAILBOX",
        Object::Upload(_) => "UPLOAD",
        Object::Network(_) => "NETWORK",
        Object::Directory(_) => "DIRECTORY",
        Object::Upstream => "UPSTREAM",
    })
}
