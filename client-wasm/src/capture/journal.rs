//! Writes blocks to disk in their order, one transaction at a time, and knows the file's hash. Both recorders write
//! through it: the capture worker's and the browser's own.

use std::cell::RefCell;
use std::rc::Rc;

use sha2::{Digest, Sha256};
use wasm_bindgen_futures::spawn_local;

use super::event::{CaptureEvent, Recorded};
use crate::storage::{Database, DepositRow, Gap, RowState, StorageError};

/// What the row says about the sound written so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) duration_ms: u64,
    pub(crate) gap_ms: u64,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) waveform: Vec<u8>,
    pub(crate) silent_start_ms: u64,
    pub(crate) silent_end_ms: u64,
    pub(crate) gain_db: Option<f32>,
}

/// The journal of one recording.
pub(crate) struct Journal {
    database: Database,
    queue: RefCell<Queue>,
    on_event: Box<dyn Fn(&CaptureEvent)>,
}

struct Queue {
    row: DepositRow,
    begun: bool,
    hash: Sha256,
    waiting: Vec<u8>,
    progress: Progress,
    phase: Phase,
    writing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Over,
}

impl Journal {
    pub(crate) fn new(
        database: Database,
        row: DepositRow,
        on_event: impl Fn(&CaptureEvent) + 'static,
    ) -> Rc<Self> {
        let queue = Queue {
            row,
            begun: false,
            hash: Sha256::new(),
            waiting: Vec::new(),
            progress: Progress::default(),
            phase: Phase::Open,
            writing: false,
        };
        let queue = RefCell::new(queue);
        Rc::new(Self {
            database: database.keep_open(),
            queue,
            on_event: Box::new(on_event),
        })
    }

    /// Queues a block. Blocks that come while the disk is busy are written as one.
    pub(crate) fn append(self: &Rc<Self>, block: &[u8], progress: Progress) {
        self.enqueue(block, progress, Phase::Open);
    }

    /// Queues the last block; `Finished` is told when it is on disk.
    pub(crate) fn close(self: &Rc<Self>, tail: &[u8], progress: Progress) {
        self.enqueue(tail, progress, Phase::Closing);
    }

    fn enqueue(self: &Rc<Self>, block: &[u8], progress: Progress, phase: Phase) {
        let mut queue = self.queue.borrow_mut();
        if queue.phase != Phase::Open {
            return;
        }
        queue.hash.update(block);
        queue.waiting.extend_from_slice(block);
        queue.progress = progress;
        queue.phase = phase;
        if !queue.writing {
            queue.writing = true;
            let journal = Rc::clone(self);
            spawn_local(async move { journal.drain().await });
        }
    }

    async fn drain(&self) {
        while let Some((block, row, begun)) = self.next() {
            let written = self.write(&block, &row, begun).await;
            match written {
                Ok(row) => self.written(row),
                Err(error) => return self.fail(&error),
            }
        }
    }

    /// The next block and the row as it will be with it; nothing when all is written.
    fn next(&self) -> Option<(Vec<u8>, DepositRow, bool)> {
        let mut queue = self.queue.borrow_mut();
        // The end is written also where no bytes come with it.
        let nothing = queue.waiting.is_empty() && queue.phase != Phase::Closing;
        if nothing || queue.phase == Phase::Over {
            queue.writing = false;
            return None;
        }
        let block = std::mem::take(&mut queue.waiting);
        let mut row = queue.row.clone();
        queue.describe(&mut row);
        Some((block, row, queue.begun))
    }

    async fn write(
        &self,
        block: &[u8],
        described: &DepositRow,
        begun: bool,
    ) -> Result<DepositRow, StorageError> {
        if !begun {
            return self.database.begin_journal(described, block).await;
        }
        let id = described.deposit_id.as_str();
        self.database
            .append_block(id, block, |row| copy_progress(described, row))
            .await
    }

    fn written(&self, row: DepositRow) {
        let (size, duration_ms) = (row.size, row.duration_ms);
        let finished = (row.state == RowState::Recorded).then(|| recorded(&row));
        {
            let mut queue = self.queue.borrow_mut();
            queue.begun = true;
            queue.row = row;
            if finished.is_some() {
                queue.phase = Phase::Over;
            }
        }
        (self.on_event)(&CaptureEvent::Saved { size, duration_ms });
        if let Some(recorded) = finished {
            (self.on_event)(&CaptureEvent::Finished(recorded));
        }
    }

    fn fail(&self, error: &StorageError) {
        self.queue.borrow_mut().phase = Phase::Over;
        let (code, message) = (error.code().to_owned(), error.to_string());
        (self.on_event)(&CaptureEvent::Failed { code, message });
    }
}

impl Queue {
    /// All that is queued goes into the row at once, also the end if it is known.
    fn describe(&self, row: &mut DepositRow) {
        row.duration_ms = self.progress.duration_ms;
        row.gap_ms = self.progress.gap_ms;
        row.gaps.clone_from(&self.progress.gaps);
        row.waveform.clone_from(&self.progress.waveform);
        row.silent_start_ms = self.progress.silent_start_ms;
        row.silent_end_ms = self.progress.silent_end_ms;
        row.trim_start_ms = row.silent_start_ms;
        row.trim_end_ms = row.silent_end_ms;
        row.gain_db = self.progress.gain_db;
        if self.phase == Phase::Closing {
            row.state = RowState::Recorded;
            row.sha256 = Some(format!("{:x}", self.hash.clone().finalize()));
        }
    }
}

fn copy_progress(from: &DepositRow, row: &mut DepositRow) {
    row.duration_ms = from.duration_ms;
    row.gap_ms = from.gap_ms;
    row.gaps.clone_from(&from.gaps);
    row.waveform.clone_from(&from.waveform);
    row.silent_start_ms = from.silent_start_ms;
    row.silent_end_ms = from.silent_end_ms;
    row.trim_start_ms = from.trim_start_ms;
    row.trim_end_ms = from.trim_end_ms;
    row.gain_db = from.gain_db;
    row.state = from.state;
    row.sha256.clone_from(&from.sha256);
}

fn recorded(row: &DepositRow) -> Recorded {
    Recorded {
        deposit_id: row.deposit_id.clone(),
        duration_ms: row.duration_ms,
        size: row.size,
        sha256: row.sha256.clone().unwrap_or_default(),
        waveform: row.waveform.clone(),
        gap_ms: row.gap_ms,
    }
}
