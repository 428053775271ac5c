//! Which recordings still have a living recorder, over all tabs: each holds a Web Lock, which the
//! browser takes back from the dead.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

const PREFIX: &str = "afterbeep-recording:";

#[wasm_bindgen]
extern "C" {
    /// `LockManager`; web-sys keeps it behind its unstable flag.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, granted: &Function) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;
}

/// Says that this recording has a recorder, until dropped.
pub(crate) struct Liveness {
    release: Option<Function>,
    _granted: Option<Closure<dyn FnMut() -> Promise>>,
}

impl Liveness {
    /// Takes the lock and waits for it. Without Web Locks nothing is held.
    pub(crate) async fn hold(deposit_id: &str) -> Result<Self, JsValue> {
        let Some(locks) = lock_manager() else {
            return Ok(Self {
                release: None,
                _granted: None,
            });
        };
        let (held, release) = deferred();
        let (here, arrived) = deferred();
        let granted = Closure::<dyn FnMut() -> Promise>::new(move || {
            resolve(arrived.as_ref());
            held.clone()
        });
        let name = format!("{PREFIX}{deposit_id}");
        let over = locks.request(&name, granted.as_ref().unchecked_ref())?;
        JsFuture::from(Promise::race(&Array::of2(&here, &over))).await?;
        Ok(Self {
            release,
            _granted: Some(granted),
        })
    }
}

impl Drop for Liveness {
    fn drop(&mut self) {
        resolve(self.release.as_ref());
    }
}

/// Ids of all recordings with a living recorder.
#[cfg_attr(
    not(feature = "call"),
    allow(dead_code, reason = "only the page's module asks")
)]
pub(crate) async fn living() -> Result<Vec<String>, JsValue> {
    let Some(locks) = lock_manager() else {
        return Ok(Vec::new());
    };
    let snapshot = JsFuture::from(locks.query()?).await?;
    let held: Array = Reflect::get(&snapshot, &"held".into())?.dyn_into()?;
    Ok(held.iter().filter_map(|lock| recording_of(&lock)).collect())
}

fn recording_of(lock: &JsValue) -> Option<String> {
    let name = Reflect::get(lock, &"name".into()).ok()?.as_string()?;
    name.strip_prefix(PREFIX).map(str::to_owned)
}

fn lock_manager() -> Option<LockManager> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}

fn deferred() -> (Promise, Option<Function>) {
    let mut resolver = None;
    let promise = Promise::new(&mut |resolve, _reject| resolver = Some(resolve));
    (promise, resolver)
}

fn resolve(resolver: Option<&Function>) {
    if let Some(resolver) = resolver {
        // A promise's own resolver never throws.
        let _ = resolver.call0(&JsValue::UNDEFINED);
    }
}
