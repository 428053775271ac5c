//! How the microphone's sound is treated: what the browser is asked for, what our own modules do, and the switch
//! **Reduce noise**, which survives reload.

use core::cell::Cell;
use std::rc::Rc;

use js_sys::{Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{MediaStream, MediaStreamTrack};

use super::Client;
use super::engine::Engine;
use super::options::Options;
use super::promise::promise;
use super::recording::longest_s;
use crate::capture::Wishes;
use crate::media::Processing;
use crate::problem::Problem;
use crate::storage::Database;

/// Name of the stored switch.
const REDUCE_NOISE: &str = "reduce_noise";

/// Who treats the sound, by the attribute `processing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// The browser, and our own modules where it does not.
    Browser,
    /// Our own modules.
    Own,
    /// Nobody.
    Off,
}

/// How sound is treated on this page.
pub(super) struct Tuning {
    treatment: Treatment,
    silence_ms: Option<u64>,
    reduce_noise: Cell<bool>,
}

impl Tuning {
    /// As the page wants it, with the switch as it was left.
    pub(super) async fn load(options: &Options, database: &Database) -> Result<Self, Problem> {
        let reduce_noise: Option<bool> = database.value(REDUCE_NOISE).await?;
        let treatment = match options.processing.as_deref() {
            Some("off") => Treatment::Off,
            Some("own") => Treatment::Own,
            _ => Treatment::Browser,
        };
        let silence_ms = options.silence_timeout_s.map(|seconds| seconds * 1000.0);
        Ok(Self {
            treatment,
            silence_ms: silence_ms.map(|ms| ms as u64).filter(|ms| *ms > 0),
            reduce_noise: Cell::new(reduce_noise.unwrap_or(true)),
        })
    }

    /// What the browser is asked for.
    pub(super) fn processing(&self) -> Processing {
        let browser = self.treatment == Treatment::Browser;
        Processing {
            echo: self.treatment != Treatment::Off,
            noise: browser && self.reduce_noise.get(),
            level: browser,
        }
    }

    /// What our own modules do to this stream.
    fn wishes(&self, stream: &MediaStream) -> Wishes {
        let untouched = self.treatment == Treatment::Off;
        Wishes {
            longest_ms: None,
            silence_ms: self.silence_ms,
            untouched,
            reduce_noise: !untouched && self.reduce_noise.get() && !is_suppressed(stream),
        }
    }
}

/// What is wished of a recording of this stream.
pub(super) fn wishes(engine: &Engine, stream: &MediaStream) -> Wishes {
    Wishes {
        longest_ms: Some(longest_s(engine).saturating_mul(1000)),
        ..engine.tuning.wishes(stream)
    }
}

#[wasm_bindgen]
impl Client {
    /// Whether noise is reduced; undefined where the page wants the sound as it is.
    pub fn reduces_noise(&self) -> Option<bool> {
        let tuning = &self.engine.tuning;
        (tuning.treatment != Treatment::Off).then(|| tuning.reduce_noise.get())
    }

    /// **Reduce noise**, from the next recording on.
    pub fn reduce_noise(&self, reduce: bool) -> Promise {
        let engine = Rc::clone(&self.engine);
        promise(async move {
            engine.tuning.reduce_noise.set(reduce);
            let stored = engine.database.set_value(REDUCE_NOISE, &reduce).await;
            Ok(stored.map_err(Problem::from)?)
        })
    }

    /// Leaves silence at both ends of a draft out, or keeps it.
    pub fn keep_silence(&self, deposit_id: String, keep: bool) -> Promise {
        let engine = Rc::clone(&self.engine);
        promise(async move {
            let stored = engine
                .database
                .update_deposit(&deposit_id, |row| row.keep_silence(keep))
                .await;
            stored.map_err(Problem::from)?;
            engine.outbox.changed();
            Ok(())
        })
    }
}

/// Whether the browser takes the noise out already.
fn is_suppressed(stream: &MediaStream) -> bool {
    let track = stream.get_audio_tracks().get(0);
    let settings = track
        .dyn_ref::<MediaStreamTrack>()
        .map(MediaStreamTrack::get_settings);
    let suppressed = settings.map(|settings| Reflect::get(&settings, &"noiseSuppression".into()));
    matches!(suppressed, Some(Ok(value)) if value.as_bool() == Some(true))
}
