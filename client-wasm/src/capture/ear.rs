//! Listens to a microphone without recording it: the sound check.

use std::cell::{Cell, RefCell};

use gloo_events::EventListener;
use js_sys::{Float32Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MediaStream, MessageEvent};

use super::error::CaptureError;
use super::measure::{Measure, Measuring};
use super::wiring::{Bench, Rate, Tap, channel};

/// A measure about this often.
const EVERY_MS: u64 = 40;

/// Listens until it is dropped. The stream is its owner's to stop.
pub struct Ear {
    _tap: Tap,
    _heard: EventListener,
}

struct Listening {
    rate: f64,
    samples: Cell<f64>,
    measuring: RefCell<Measuring>,
    due_ms: Cell<u64>,
}

impl Ear {
    /// Tells what is heard, each time with the length of what was heard so far.
    pub async fn open(
        stream: &MediaStream,
        worklet: &str,
        on_measure: impl Fn(Measure, u64) + 'static,
    ) -> Result<Self, CaptureError> {
        let mut bench = Bench::prepare(worklet, Rate::Encoder)?;
        let source = match bench.join(stream) {
            Ok(source) => source,
            Err(_) => {
                bench = Bench::prepare(worklet, Rate::Device)?;
                bench
                    .join(stream)
                    .map_err(|cause| CaptureError::audio(&cause))?
            }
        };
        let listening = Listening {
            rate: f64::from(bench.rate()),
            samples: Cell::new(0.0),
            measuring: RefCell::default(),
            due_ms: Cell::new(EVERY_MS),
        };
        let (worklet_end, our_end) = channel()?;
        let heard = EventListener::new(&our_end, "message", move |event| {
            if let Some((measure, now_ms)) = listening.take(event) {
                on_measure(measure, now_ms);
            }
        });
        our_end.start();
        Ok(Self {
            _tap: bench.tap(source, &worklet_end).await?,
            _heard: heard,
        })
    }
}

impl Listening {
    /// A piece of samples, or word of how many there should have been.
    fn take(&self, event: &Event) -> Option<(Measure, u64)> {
        let data = event.dyn_ref::<MessageEvent>()?.data();
        let field = |name: &str| Reflect::get(&data, &JsValue::from_str(name)).ok();
        let count = match field("samples")?.dyn_into::<Float32Array>() {
            Ok(samples) => {
                self.measuring.borrow_mut().hear(&samples.to_vec());
                f64::from(samples.length())
            }
            Err(_) => field("missing")?.as_f64()?,
        };
        let samples = self.samples.get() + count;
        self.samples.set(samples);
        let now_ms = (samples * 1000.0 / self.rate) as u64;
        if now_ms < self.due_ms.get() {
            return None;
        }
        self.due_ms.set(now_ms + EVERY_MS);
        Some((self.measuring.borrow_mut().take(), now_ms))
    }
}
