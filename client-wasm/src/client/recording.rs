//! Recording a message: microphone, recorder, and the draft that comes out of it.

use std::rc::Rc;

use web_sys::MediaStream;

use super::engine::Engine;
use super::means::Means;
use super::stage::State;
use super::{attachment, call, room, sound_check, words};
use crate::capture::{CaptureEvent, Kind, Take, living, recover};
use crate::client::ClientEvent;
use crate::clock;
use crate::media::Microphone;
use crate::outbox::count;
use crate::problem::Problem;
use crate::storage::{DepositRow, RowState};

/// The longest message where no session says otherwise.
const LONGEST_S: u64 = 300;

/// **Record**: needs neither a session nor a network.
pub(super) async fn begin(engine: &Rc<Engine>, to: Option<String>) -> Result<(), Problem> {
    claim(engine)?;
    let begun = match callee(engine, to) {
        Ok(to) => start(engine, to).await,
        Err(problem) => Err(problem),
    };
    engine.watch.settle();
    begun
}

/// **Re-record**: for whom that draft is, whoever was called meanwhile.
pub(super) async fn begin_again(engine: &Rc<Engine>, deposit_id: &str) -> Result<(), Problem> {
    claim(engine)?;
    let begun = match attachment::row(engine, deposit_id).await {
        Ok(draft) => {
            engine.stage.set_callee(draft.to.clone());
            start(engine, draft.to).await
        }
        Err(problem) => Err(problem),
    };
    engine.watch.settle();
    begun
}

fn claim(engine: &Engine) -> Result<(), Problem> {
    if engine.recorder.borrow().is_none() && engine.watch.claim() {
        return Ok(());
    }
    Err(Problem::new(
        "recording",
        "A message is being recorded already.",
    ))
}

async fn start(engine: &Rc<Engine>, to: String) -> Result<(), Problem> {
    let (kind, means) = engine.lens.means()?;
    // Who records has heard enough of the greeting.
    call::hang_up(engine);
    sound_check::end(engine);
    let longest_ms = longest_s(engine).saturating_mul(1000);
    let longest_ms = room::preflight(engine, kind, longest_ms).await?;
    let prepared = means.prepare(engine);
    let row = DepositRow {
        kind: kind.word().to_owned(),
        content_type: means.content_type().to_owned(),
        ..row(engine, &to)?
    };
    let stream = stream(engine, kind).await?;
    engine.stage.set_deposit(Some(row.deposit_id.clone()));
    let hearing = Rc::downgrade(engine);
    let deposit_id = row.deposit_id.clone();
    let on_event = move |event| {
        if let Some(engine) = hearing.upgrade() {
            hear(&engine, &deposit_id, event);
        }
    };
    let started = Means::start(prepared, engine, stream, &row, longest_ms, on_event);
    match started.await {
        Ok(started) => {
            engine.take_up(started)?;
            engine.watch.begin(longest_ms);
            room::keep_on_disk(&engine.listener);
            Ok(())
        }
        Err(error) if may_go_otherwise(engine, means, error.code()) => {
            Box::pin(start(engine, to)).await
        }
        Err(error) => {
            engine.lens.close();
            Err(words::failed(error.code(), &error.to_string(), 0))
        }
    }
}

/// Opens the microphone, and for video the camera. Who began a call meanwhile does not record.
async fn stream(engine: &Rc<Engine>, kind: Kind) -> Result<MediaStream, Problem> {
    let microphone = match microphone(engine) {
        Some(microphone) => microphone,
        None => engine.open_microphone().await?,
    };
    if engine.stage.is_in_call() {
        return Err(Problem::new("cancelled", "A call has begun instead."));
    }
    let stream = engine.lens.stream(kind, &microphone).await;
    engine.stage.release_microphone();
    stream
}

/// Whether the browser's own recorder is to try where the worklet has failed. A device that stores nothing stores
/// nothing by other means.
fn may_go_otherwise(engine: &Engine, means: Means, code: &str) -> bool {
    means == Means::Worklet && !code.starts_with("storage_") && engine.lens.give_up_worklet()
}

/// The microphone that is open already, if it gives the sound that is wanted now.
fn microphone(engine: &Engine) -> Option<Rc<Microphone>> {
    let processing = engine.tuning.processing();
    engine
        .stage
        .microphone()
        .filter(|microphone| microphone.is_processed(processing))
}

/// **Pause**.
pub(super) fn pause(engine: &Engine) {
    if engine.stage.state() != State::Recording {
        return;
    }
    if let Some(recorder) = engine.recorder.borrow().as_ref() {
        recorder.pause();
    }
    engine.stage.enter(State::Paused);
}

/// **Resume**.
pub(super) fn resume(engine: &Engine) {
    if engine.stage.state() != State::Paused {
        return;
    }
    if let Some(recorder) = engine.recorder.borrow().as_ref() {
        recorder.resume();
    }
    engine.stage.enter(State::Recording);
}

/// **Stop**: a draft, nothing more.
pub(super) fn stop(engine: &Engine) {
    if let Some(recorder) = engine.recorder.borrow().as_ref() {
        recorder.stop();
    }
}

/// The page is being left: the microphone is let go, and what was said is written down. It is a draft for whoever
/// comes back, to this page or to another.
pub(super) fn hurry(engine: &Engine) {
    if let Some(recorder) = engine.recorder.borrow().as_ref() {
        recorder.hurry();
    }
}

/// A journal that a dead recorder left open is closed before it is sent.
pub(super) async fn settle(engine: &Engine, deposit_id: &str) -> Result<(), Problem> {
    let row = engine.database.deposit(deposit_id).await?;
    let is_open = row.is_some_and(|row| row.state == RowState::Recording);
    let is_dead = is_open
        && !living()
            .await
            .unwrap_or_default()
            .iter()
            .any(|id| id == deposit_id);
    if is_dead {
        recover(&engine.database, deposit_id).await?;
    }
    Ok(())
}

/// The mailbox's limit, or less where the page wants less.
pub(super) fn longest_s(engine: &Engine) -> u64 {
    let session = engine.stage.session();
    let taken = session.and_then(|session| session.max_duration_s);
    let wanted = engine.options.max_duration_s.unwrap_or(u64::MAX);
    taken.unwrap_or(LONGEST_S).min(wanted)
}

/// Whom the message is for: as said now, or as called last. Where somebody else answered for the address dialled, it is
/// for whoever the caller heard.
pub(super) fn callee(engine: &Engine, to: Option<String>) -> Result<String, Problem> {
    let to = to.map(|to| engine.identity.address(&to)).transpose()?;
    engine
        .stage
        .meant(to)
        .ok_or_else(|| Problem::new("no_callee", "Say first whom the message is for."))
}

/// A fresh row of a recording.
pub(super) fn row(engine: &Engine, to: &str) -> Result<DepositRow, Problem> {
    let session = engine
        .stage
        .session()
        .filter(|session| session.called_party == to);
    Ok(DepositRow {
        deposit_id: clock::uuid()?,
        state: RowState::Recording,
        to: to.to_owned(),
        to_name: engine.stage.name_of(to).unwrap_or_default(),
        server: engine.server.origin().to_owned(),
        session_id: session.map(|session| session.id),
        created_at: clock::now_ms(),
        ..DepositRow::default()
    })
}

fn hear(engine: &Rc<Engine>, deposit_id: &str, event: CaptureEvent) {
    match event {
        CaptureEvent::Started => {
            engine.stage.enter(State::Recording);
            engine.outbox.changed();
        }
        CaptureEvent::Level {
            peak,
            elapsed_ms,
            heard,
        } => {
            engine.watch.hear(heard, elapsed_ms);
            engine.listener.emit(ClientEvent::Level {
                peak,
                elapsed_ms: count(elapsed_ms),
            });
        }
        CaptureEvent::Gap(gap) => engine.listener.emit(ClientEvent::Gap {
            at_ms: count(gap.at_ms),
            length_ms: count(gap.length_ms),
        }),
        CaptureEvent::Silence { remaining_ms } => engine.listener.emit(ClientEvent::Silence {
            remaining_ms: remaining_ms.map(count),
        }),
        CaptureEvent::Saved { duration_ms, .. } => engine.watch.saved(duration_ms),
        CaptureEvent::Interrupted(cause) => engine.listener.problem(words::interrupted(cause)),
        CaptureEvent::Finished(recorded) => {
            drop_recorder(engine);
            review(
                engine,
                recorded.deposit_id,
                recorded.duration_ms,
                recorded.waveform,
            );
            engine.outbox.changed();
        }
        CaptureEvent::Failed { code, .. } if begin_otherwise(engine, &code) => {}
        CaptureEvent::Failed { code, message } => fail(engine, deposit_id, &code, &message),
    }
}

/// The draft is here.
pub(super) fn review(engine: &Engine, deposit_id: String, duration_ms: u64, waveform: Vec<u8>) {
    engine.listener.emit(ClientEvent::Recorded {
        deposit_id,
        duration_ms: count(duration_ms),
        waveform,
    });
    engine.stage.enter(State::Review);
}

/// What was saved until then is closed and offered. Where not even that can be written, the outbox shows it all the
/// same, and it is closed as soon as there is room.
fn fail(engine: &Rc<Engine>, deposit_id: &str, code: &str, message: &str) {
    drop_recorder(engine);
    let saved_ms = engine.watch.saved_ms();
    engine
        .listener
        .problem(words::failed(code, message, saved_ms));
    let (engine, deposit_id) = (Rc::clone(engine), deposit_id.to_owned());
    wasm_bindgen_futures::spawn_local(async move {
        let draft = match saved_ms {
            0 => Ok(None),
            _ => recover(&engine.database, &deposit_id).await,
        };
        match draft {
            Ok(Some(row)) => review(&engine, row.deposit_id, row.duration_ms, row.waveform),
            _ => {
                engine.stage.set_deposit(None);
                engine.stage.enter(State::Ready);
                engine.await_others().await;
            }
        }
        engine.outbox.changed();
    });
}

/// A worklet that fails before the first sound makes room for the browser's own recorder; nothing was said yet that
/// could be lost.
fn begin_otherwise(engine: &Rc<Engine>, code: &str) -> bool {
    let worklet = matches!(*engine.recorder.borrow(), Some(Take::Worklet(_)));
    let heard = matches!(engine.stage.state(), State::Recording | State::Paused);
    if !worklet || heard || !may_go_otherwise(engine, Means::Worklet, code) {
        return false;
    }
    drop_recorder(engine);
    let engine = Rc::clone(engine);
    wasm_bindgen_futures::spawn_local(async move {
        if let Err(problem) = begin(&engine, None).await {
            engine.listener.problem(problem);
        }
    });
    true
}

/// The recorder is in the middle of telling us something: it goes when it has finished.
fn drop_recorder(engine: &Rc<Engine>) {
    engine.watch.end();
    engine.lens.close();
    let recorder = engine.recorder.take();
    wasm_bindgen_futures::spawn_local(async move { drop(recorder) });
}
