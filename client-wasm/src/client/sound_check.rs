//! The sound check before speaking: how loud the microphone is, what it is good for, and which one it is.

use core::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use super::Client;
use super::engine::Engine;
use super::promise::promise;
use crate::capture::{Ear, Hearing};
use crate::client::ClientEvent;
use crate::media::{Device, Microphone, choose, chosen, microphones};
use crate::problem::Problem;

/// A check under way. Dropping it lets the microphone go.
pub(super) struct SoundCheck {
    _ear: Ear,
    _microphone: Microphone,
}

/// The microphones as the page lists them.
#[derive(Serialize)]
struct Listed {
    microphones: Vec<Device>,
    /// The id that was chosen; it need not be among them.
    chosen: Option<Device>,
}

impl SoundCheck {
    async fn open(engine: &Engine) -> Result<Self, Problem> {
        let microphone = engine.microphone().await?;
        let listener = engine.listener.clone();
        let hearing = RefCell::new(Hearing::default());
        let told = RefCell::new("listening");
        let ear = Ear::open(
            microphone.stream(),
            &engine.options.worklet_url,
            move |measure, now_ms| {
                if let Some(verdict) = hearing.borrow_mut().hear(measure, now_ms) {
                    told.replace(verdict.code());
                }
                listener.emit(ClientEvent::SoundCheck {
                    peak: measure.peak,
                    code: *told.borrow(),
                });
            },
        );
        let ear = ear.await.map_err(|error| {
            let words = format!("The microphone could not be checked: {error}.");
            Problem::new(error.code(), words)
        })?;
        Ok(Self {
            _ear: ear,
            _microphone: microphone,
        })
    }
}

/// Ends the check, if there is one: the microphone is let go.
pub(super) fn end(engine: &Engine) {
    engine.checks.set(engine.checks.get().wrapping_add(1));
    drop(engine.check.take());
}

async fn begin(engine: &Rc<Engine>) -> Result<(), Problem> {
    end(engine);
    if engine.stage.is_occupied() || engine.recorder.borrow().is_some() {
        return Err(Problem::new(
            "busy",
            "Finish the call or the recording first.",
        ));
    }
    let number = engine.checks.get();
    let check = SoundCheck::open(engine).await?;
    // Whoever closed the panel while the browser asked wants no microphone.
    if engine.checks.get() == number {
        engine.check.replace(Some(check));
    }
    Ok(())
}

#[wasm_bindgen]
impl Client {
    /// Opens the microphone and tells how it sounds in `sound_check` events, until `end_check`, a call or a recording.
    pub fn check_microphone(&self) -> Promise {
        let client = self.clone();
        promise(async move { Ok(begin(&client.engine).await?) })
    }

    /// Ends the sound check; the microphone is let go.
    pub fn end_check(&self) {
        end(&self.engine);
    }

    /// `{microphones: [{id, label}], chosen?: {id, label}}`; names are known once the microphone was allowed.
    pub fn microphones(&self) -> Promise {
        let client = self.clone();
        promise(async move {
            let listed = Listed {
                microphones: microphones().await,
                chosen: chosen(&client.engine.database).await,
            };
            Ok(serde_wasm_bindgen::to_value(&listed)?)
        })
    }

    /// Takes this microphone from now on, also after a restart; an empty id leaves the choice to the browser.
    pub fn choose_microphone(&self, id: String) -> Promise {
        let client = self.clone();
        promise(async move {
            let mut listed = microphones().await.into_iter();
            let device = listed.find(|device| device.id == id);
            choose(&client.engine.database, device.as_ref()).await?;
            if !client.engine.stage.is_in_call() {
                client.engine.stage.release_microphone();
            }
            Ok(())
        })
    }
}
