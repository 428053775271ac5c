//! The recorder as the capture worker sees it: it pushes samples, events come back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use voice::{AutoStop, Countdown, EncodeError, Finished, Gain, Playing, Recording};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use super::gaps::Gaps;
use super::sample_clock::SampleClock;
use super::suppressor::Outside;
use super::{BLOCK_MS, FIRST_BLOCK_MS};
use crate::capture::{CaptureEvent, Journal, Liveness, Measuring, Progress, Wishes};
use crate::plain;
use crate::storage::{Database, DepositRow, Gap, RowState, StorageError};

/// With pieces of 43 ms a level comes with every second one: as often as somebody sees a difference.
const LEVEL_EVERY_MS: u64 = 80;
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
    auto_stop: Option<AutoStop>,
}

#[wasm_bindgen]
impl VoiceRecorder {
    /// Gets ready. Nothing is stored before the first sound; `row` is what will be, `wishes` are
    /// [`Wishes`]. Events go to `listener`.
    pub async fn open(
        row: JsValue,
        sample_rate: u32,
        wishes: JsValue,
        listener: Function,
    ) -> Result<Self, JsError> {
        let row: DepositRow = plain::read(row)?;
        let row = DepositRow {
            state: RowState::Recording,
            ..row
        };
        let wishes: Wishes = plain::read(wishes)?;
        let liveness = Liveness::hold(&row.deposit_id)
            .await
            .map_err(|_| no_lock())?;
        let mut serial = [0; 4];
        getrandom::fill(&mut serial).map_err(|error| JsError::new(&error.to_string()))?;
        let gain = if wishes.untouched {
            Gain::None
        } else {
            Gain::Slow
        };
        let recording = Recording::begin(u32::from_le_bytes(serial), sample_rate, gain)?;
        let tell: Rc<dyn Fn(&CaptureEvent)> = Rc::new(move |event| tell(&listener, event));
        let (journal_tell, blocked_tell) = (Rc::clone(&tell), Rc::clone(&tell));
        // Nobody waits for another page's upgrade with words in his mouth.
        let database = Database::open(move || blocked_tell(&unstored(&StorageError::Blocked)))
            .await
            .inspect_err(|error| tell(&unstored(error)))?;
        Ok(Self {
            sound: RefCell::new(Some(Sound::new(recording, sample_rate, &wishes))),
            journal: Journal::new(database, row, move |event| journal_tell(event)),
            clock: RefCell::new(SampleClock::new(sample_rate)),
            tell,
            longest_ms: wishes.longest_ms.unwrap_or(u64::MAX),
            paused: Cell::new(false),
            _liveness: liveness,
        })
    }

    /// Lets a function clean every 10 ms in place from here on: a `Denoiser`'s.
    pub fn suppress_with(&self, function: Function) {
        if let Some(sound) = self.sound.borrow_mut().as_mut() {
            sound
                .recording
                .suppress_with(Box::new(Outside::new(function)));
        }
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
            sound.excuse_silence();
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

    /// Tells what is new, writes what is due, and says whether the recording is over: as long as it may be, or
    /// silent for as long.
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
        let silent = self.count_down(sound);
        silent || sound.recording.duration_ms() >= self.longest_ms
    }

    /// Tells how long the silence may last yet, and says whether it lasted too long.
    fn count_down(&self, sound: &mut Sound) -> bool {
        let remaining_ms = match sound.countdown() {
            None => return false,
            Some(Countdown::Over) => return true,
            Some(Countdown::Cancelled) => None,
            Some(Countdown::Remaining(remaining)) => Some(remaining),
        };
        (self.tell)(&CaptureEvent::Silence { remaining_ms });
        false
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
            ..playing(sound.recording.playing())
        };
        self.journal.append(&block, progress);
    }

    fn close(&self, finished: Finished, gaps: Vec<Gap>) {
        let progress = Progress {
            duration_ms: finished.duration_ms,
            gap_ms: self.clock.borrow().gap_ms(),
            gaps,
            waveform: finished.waveform,
            ..playing(finished.playing)
        };
        self.journal.close(&finished.tail, progress);
    }
}

impl Sound {
    fn new(recording: Recording, sample_rate: u32, wishes: &Wishes) -> Self {
        Self {
            recording,
            started: false,
            first_block: true,
            level_at_ms: 0,
            measuring: Measuring::default(),
            gaps: Gaps::new(sample_rate),
            auto_stop: wishes.silence_ms.map(AutoStop::new),
        }
    }

    /// Silence for the gap, then the samples; returns the gap that they end.
    fn push(&mut self, gap: u64, samples: &[f32]) -> Result<Option<Gap>, EncodeError> {
        self.measuring.hear(samples);
        self.gaps.miss(self.recording.duration_ms(), gap);
        if gap > 0 {
            self.recording.push(&vec![0.0; gap as usize])?;
            self.excuse_silence();
        }
        self.recording.push(samples)?;
        Ok(match samples.is_empty() {
            true => None,
            false => self.gaps.end(),
        })
    }

    /// Silence so far is none of the speaker's.
    fn excuse_silence(&mut self) {
        let silent_ms = self.recording.silent_ms();
        if let Some(auto_stop) = &mut self.auto_stop {
            auto_stop.excuse(silent_ms);
        }
    }

    fn countdown(&mut self) -> Option<Countdown> {
        let silent_ms = self.recording.silent_ms();
        self.auto_stop.as_mut()?.look(silent_ms)
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
        if self.started && elapsed_ms < self.level_at_ms {
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

fn playing(playing: Playing) -> Progress {
    Progress {
        silent_start_ms: playing.silence.start_ms,
        silent_end_ms: playing.silence.end_ms,
        gain_db: playing.gain_db,
        ..Progress::default()
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

fn unstored(error: &StorageError) -> CaptureEvent {
    let (code, message) = (error.code().to_owned(), error.to_string());
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
