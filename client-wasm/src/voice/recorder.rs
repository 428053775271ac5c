//! The recorder as the capture worker sees it: it pushes samples, events come back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use voice::{EncodeError, Finished, Gain, Recording};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use super::gaps::Gaps;
use super::sample_clock::SampleClock;
use super::{BLOCK_MS, FIRST_BLOCK_MS};
use crate::capture::{CaptureEvent, Journal, Liveness, Measuring, Progress};
use crate::storage::{Database, DepositRow, Gap, RowState};

/// With pieces of 21 ms a level comes with every second one.
const LEVEL_EVERY_MS: u64 = 40;
/// A microphone that gives nothing but zeros is taken for real after this.
const ZEROS_MS: u64 = 500;

/// One recording, from its first sample to the closed journal.
#[wasm_bindgen]
pub struct VoiceRecorder {
    sound: RefCell<Option<Sound>>,
    journal: Rc<Journal>,
    clock: RefCell<SampleClock>,
    tell: Rc<dyn Fn(&CaptureEvent)>,
    longest_ms: u64,
    paused: Cell<bool>,
    _liveness: Liveness,
}

/// What exists while sound is taken.
struct Sound {
    recording: Recording,
    started: bool,
    first_block: bool,
    level_at_ms: u64,
    measuring: Measuring,
    gaps: Gaps,
}

#[wasm_bindgen]
impl VoiceRecorder {
    /// Gets ready. Nothing is stored before the first sound; `row` is what will be. Events go to
    /// `listener`.
    pub async fn open(
        row: JsValue,
        sample_rate: u32,
        longest_ms: Option<f64>,
        listener: Function,
    ) -> Result<Self, JsError> {
        let row: DepositRow = serde_wasm_bindgen::from_value(row)?;
        let row = DepositRow {
            state: RowState::Recording,
            ..row
        };
        let liveness = Liveness::hold(&row.deposit_id)
            .await
            .map_err(|_| no_lock())?;
        let mut serial = [0; 4];
        getrandom::fill(&mut serial).map_err(|error| JsError::new(&error.to_string()))?;
        let recording = Recording::begin(u32::from_le_bytes(serial), sample_rate, Gain::Slow)?;
        let tell: Rc<dyn Fn(&CaptureEvent)> = Rc::new(move |event| tell(&listener, event));
        let journal_tell = Rc::clone(&tell);
        Ok(Self {
            sound: RefCell::new(Some(Sound::new(recording, sample_rate))),
            journal: Journal::new(Database::open().await?, row, move |event| {
                journal_tell(event)
            }),
            clock: RefCell::new(SampleClock::new(sample_rate)),
            tell,
            longest_ms: longest_ms.map_or(u64::MAX, |longest| longest as u64),
            paused: Cell::new(false),
            _liveness: liveness,
        })
    }

    /// Takes samples that begin at number `frame` of the context's clock.
    pub fn push(&self, frame: f64, samples: &[f32]) {
        if self.paused.get() {
            return;
        }
        let count = samples.len() as u64;
        let gap = self.clock.borrow_mut().arrive(frame as u64, count);
        self.take(gap, samples);
    }

    /// The context gave no samples for a while.
    pub fn miss(&self, frame: f64, count: u32) {
        if self.paused.get() {
            return;
        }
        let gap = self.clock.borrow_mut().skip(frame as u64, u64::from(count));
        self.take(gap, &[]);
    }

    /// The context slept for so long, which its own clock does not tell.
    pub fn lose(&self, ms: f64) {
        if self.paused.get() {
            return;
        }
        let gap = self.clock.borrow_mut().lose(ms as u64);
        self.take(gap, &[]);
    }

    /// Leaves out what comes until `resume`; what was said is written at once.
    pub fn pause(&self) {
        self.paused.set(true);
        if let Some(sound) = self.sound.borrow_mut().as_mut() {
            self.write(sound);
        }
    }

    /// Goes on after `pause`.
    pub fn resume(&self) {
        self.clock.borrow_mut().forget();
        self.paused.set(false);
    }

    /// Closes the journal. Saying it twice is saying it once.
    pub fn finish(&self) {
        let Some(sound) = self.sound.borrow_mut().take() else {
            return;
        };
        if sound.recording.duration_ms() == 0 {
            return (self.tell)(&nothing_recorded());
        }
        let gaps = sound.gaps.list();
        match sound.recording.finish() {
            Ok(finished) => self.close(finished, gaps),
            Err(error) => (self.tell)(&refused(error)),
        }
    }
}

impl VoiceRecorder {
    fn take(&self, gap: u64, samples: &[f32]) {
        let full = match self.sound.borrow_mut().as_mut() {
            None => return,
            Some(sound) => match sound.push(gap, samples) {
                Ok(over) => self.report(sound, over),
                Err(error) => return (self.tell)(&refused(error)),
            },
        };
        if full {
            self.finish();
        }
    }

    /// Tells what is new, writes what is due, and says whether the recording is as long as it may be.
    fn report(&self, sound: &mut Sound, over: Option<Gap>) -> bool {
        if let Some(gap) = over {
            (self.tell)(&CaptureEvent::Gap(gap));
        }
        if let Some(events) = sound.news() {
            events.iter().for_each(|event| (self.tell)(event));
        }
        if sound.due() {
            self.write(sound);
        }
        sound.recording.duration_ms() >= self.longest_ms
    }

    fn write(&self, sound: &mut Sound) {
        let block = sound.recording.take_block();
        if block.is_empty() {
            return;
        }
        sound.first_block = false;
        let progress = Progress {
            duration_ms: sound.recording.taken_ms(),
            gap_ms: self.clock.borrow().gap_ms(),
            gaps: sound.gaps.list(),
            waveform: sound.recording.waveform(),
        };
        self.journal.append(&block, progress);
    }

    fn close(&self, finished: Finished, gaps: Vec<Gap>) {
        let progress = Progress {
            duration_ms: finished.duration_ms,
            gap_ms: self.clock.borrow().gap_ms(),
            gaps,
            waveform: finished.waveform,
        };
        self.journal.close(&finished.tail, progress);
    }
}

impl Sound {
    fn new(recording: Recording, sample_rate: u32) -> Self {
        Self {
            recording,
            started: false,
            first_block: true,
            level_at_ms: 0,
            measuring: Measuring::default(),
            gaps: Gaps::new(sample_rate),
        }
    }

    /// Silence for the gap, then the samples; returns the gap that they end.
    fn push(&mut self, gap: u64, samples: &[f32]) -> Result<Option<Gap>, EncodeError> {
        self.measuring.hear(samples);
        self.gaps.miss(self.recording.duration_ms(), gap);
        if gap > 0 {
            self.recording.push(&vec![0.0; gap as usize])?;
        }
        self.recording.push(samples)?;
        Ok(match samples.is_empty() {
            true => None,
            false => self.gaps.end(),
        })
    }

    fn due(&self) -> bool {
        let wait = if self.first_block {
            FIRST_BLOCK_MS
        } else {
            BLOCK_MS
        };
        self.recording.waiting_ms() >= wait
    }

    fn news(&mut self) -> Option<Vec<CaptureEvent>> {
        let elapsed_ms = self.recording.duration_ms();
        if elapsed_ms < self.level_at_ms {
            return None;
        }
        self.level_at_ms = elapsed_ms + LEVEL_EVERY_MS;
        let peak = self.recording.take_peak();
        let heard = self.measuring.take();
        let mut events = Vec::new();
        if !self.started && (heard.peak > 0.0 || elapsed_ms >= ZEROS_MS) {
            self.started = true;
            events.push(CaptureEvent::Started);
        }
        if self.started {
            events.push(CaptureEvent::Level {
                peak,
                elapsed_ms,
                heard,
            });
        }
        Some(events)
    }
}

fn tell(listener: &Function, event: &CaptureEvent) {
    if let Ok(event) = event.serialize(&Serializer::json_compatible()) {
        // A listener that throws is a fault of the worker script; the recording goes on.
        let _ = listener.call1(&JsValue::UNDEFINED, &event);
    }
}

fn refused(error: EncodeError) -> CaptureEvent {
    let (code, message) = ("encoder_failed".to_owned(), error.to_string());
    CaptureEvent::Failed { code, message }
}

fn nothing_recorded() -> CaptureEvent {
    let message = "Nothing was recorded: the microphone gave no sound.".to_owned();
    CaptureEvent::Failed {
        code: "nothing_recorded".to_owned(),
        message,
    }
}

fn no_lock() -> JsError {
    JsError::new("the recording could not be marked as running")
}
