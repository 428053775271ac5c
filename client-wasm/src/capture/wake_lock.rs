//! Keeps the screen on while somebody speaks: a device that falls asleep stops recording.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::VisibilityState;

#[wasm_bindgen]
extern "C" {
    /// `WakeLock`; web-sys keeps it behind its unstable flag.
    type ScreenLocks;

    #[wasm_bindgen(method, catch)]
    fn request(this: &ScreenLocks, kind: &str) -> Result<Promise, JsValue>;

    /// `WakeLockSentinel`, for the same reason.
    #[derive(Clone)]
    type ScreenLock;

    #[wasm_bindgen(method, catch)]
    fn release(this: &ScreenLock) -> Result<Promise, JsValue>;
}

/// The screen stays on until this is dropped, as far as the browser agrees. The browser takes the lock back from a
/// page that is hidden; it is asked for again when the page is seen.
pub struct WakeLock {
    held: Rc<Held>,
    _visible: Option<EventListener>,
}

#[derive(Default)]
struct Held {
    lock: RefCell<Option<ScreenLock>>,
    over: Cell<bool>,
}

impl WakeLock {
    /// Asks for the lock; nothing is lost without it.
    pub fn take() -> Self {
        let held = Rc::new(Held::default());
        Held::ask(&held);
        let document = web_sys::window().and_then(|window| window.document());
        let asking = Rc::downgrade(&held);
        let visible = document.map(|document| {
            let seen = document.clone();
            EventListener::new(&document, "visibilitychange", move |_| {
                if seen.visibility_state() == VisibilityState::Visible
                    && let Some(held) = asking.upgrade()
                {
                    Held::ask(&held);
                }
            })
        });
        Self {
            held,
            _visible: visible,
        }
    }
}

impl Drop for WakeLock {
    fn drop(&mut self) {
        self.held.over.set(true);
        self.held.keep(None);
    }
}

impl Held {
    fn ask(held: &Rc<Self>) {
        let Some(asked) = screen_locks().and_then(|locks| locks.request("screen").ok()) else {
            return;
        };
        let held = Rc::clone(held);
        spawn_local(async move {
            // Refused where the battery is low, or the page not seen.
            if let Ok(lock) = JsFuture::from(asked).await {
                held.keep(Some(lock.unchecked_into()));
            }
        });
    }

    /// Keeps this lock instead of the one before; whoever comes after the end is released at once.
    fn keep(&self, lock: Option<ScreenLock>) {
        let before = self.lock.replace(lock);
        let unwanted = self.over.get().then(|| self.lock.take()).flatten();
        for lock in before.into_iter().chain(unwanted) {
            if let Ok(released) = lock.release() {
                spawn_local(async move {
                    // Fails only for a lock that the browser has taken back.
                    let _ = JsFuture::from(released).await;
                });
            }
        }
    }
}

fn screen_locks() -> Option<ScreenLocks> {
    let navigator = web_sys::window()?.navigator();
    let locks: JsValue = Reflect::get(&navigator, &"wakeLock".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}
