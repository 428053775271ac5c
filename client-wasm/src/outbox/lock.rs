//! One uploader at a time over all tabs and the service worker: a Web Lock, held per attempt, and taken from
//! a holder that is frozen in the middle of one. Ids and offsets make repeats harmless where locks are missing.

use core::future::Future;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

const NAME: &str = "afterbeep-outbox";

/// The lock, held until dropped.
struct Held {
    release: Option<Function>,
    _granted: Closure<dyn FnMut(JsValue) -> JsValue>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            drop(release.call0(&JsValue::UNDEFINED));
        }
    }
}

/// How the lock is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    /// Only if nobody holds it.
    IfFree,
    /// Also from a holder that gives no sign of life.
    FromTheSilent,
}

impl Claim {
    /// The option of `navigator.locks.request` that says so.
    fn option(self) -> &'static str {
        match self {
            Self::IfFree => "ifAvailable",
            Self::FromTheSilent => "steal",
        }
    }
}

/// Runs `work` under the lock, or returns `None` at once while another tab holds it.
pub(super) async fn with_lock<Output>(
    claim: Claim,
    work: impl Future<Output = Output>,
) -> Option<Output> {
    let Some(locks) = lock_manager() else {
        return Some(work.await);
    };
    let held = acquire(&locks, claim).await?;
    let output = work.await;
    drop(held);
    Some(output)
}

fn lock_manager() -> Option<JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then_some(locks)
}

async fn acquire(locks: &JsValue, claim: Claim) -> Option<Held> {
    let (released, release) = deferred();
    let (answered, answer) = deferred();
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
        if let Some(answer) = &answer {
            drop(answer.call1(&JsValue::UNDEFINED, &JsValue::from_bool(lock.is_object())));
        }
        match lock.is_object() {
            true => released.clone().into(),
            false => JsValue::UNDEFINED,
        }
    });
    let request: Function = Reflect::get(locks, &"request".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let options = js_sys::Object::new();
    Reflect::set(&options, &claim.option().into(), &JsValue::TRUE).ok()?;
    let held = request
        .call3(locks, &NAME.into(), &options, granted.as_ref())
        .ok()?;
    let got = first_of(answered, held).await?;
    got.then_some(Held {
        release,
        _granted: granted,
    })
}

/// Waits for the grant; a rejected request (no lock API in an opaque origin) counts as not granted.
async fn first_of(answered: Promise, request: JsValue) -> Option<bool> {
    let request: Promise = request.dyn_into().ok()?;
    let race = Promise::race(&js_sys::Array::of2(&answered, &request));
    JsFuture::from(race).await.ok()?.as_bool()
}

fn deferred() -> (Promise, Option<Function>) {
    let mut resolver = None;
    let promise = Promise::new(&mut |resolve, _reject| resolver = Some(resolve));
    (promise, resolver)
}
