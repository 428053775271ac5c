//! Recording a message: microphone, recorder, and the draft that comes out of it.

use std::rc::Rc;

use super::engine::Engine;
use super::means::Means;
use super::stage::State;
use super::{call, engine};
use crate::capture::{CaptureEvent, Recorded, Take, recover};
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
    if engine.recorder.borrow().is_some() {
        return Err(Problem::new(
            "recording",
            "A message is being recorded already.",
        ));
    }
    let to = callee(engine, to)?;
    let (kind, means) = engine.lens.means()?;
    // Who records has heard enough of the greeting.
    call::hang_up(engine);
    let microphone = match microphone(engine) {
        Some(microphone) => microphone,
        None => engine.open_microphone().await?,
    };
    let row = DepositRow {
        kind: kind.word().to_owned(),
        content_type: means.content_type().to_owned(),
        ..row(engine, &to)?
    };
    let stream = engine.lens.stream(kind, &microphone).await;
    engine.stage.release_microphone();
    drop(microphone);
    let stream = stream?;
    engine.stage.set_deposit(Some(row.deposit_id.clone()));
    let hearing = Rc::downgrade(engine);
    let deposit_id = row.deposit_id.clone();
    let started = means.start(engine, stream, &row, move |event| {
        if let Some(engine) = hearing.upgrade() {
            hear(&engine, &deposit_id, event);
        }
    });
    let started = match started.await {
        Ok(started) => started,
        Err(_) if means == Means::Worklet && engine.lens.give_up_worklet() => {
            return Box::pin(begin(engine, Some(to))).await;
        }
        Err(error) => {
            engine.lens.close();
            let words = format!("Recording did not start: {error}.");
            return Err(Problem::new(error.code(), words));
        }
    };
    drop(engine.recorder.replace(Some(started)));
    engine::keep_on_disk();
    Ok(())
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

/// The mailbox's limit, or less where the page wants less.
pub(super) fn longest_s(engine: &Engine) -> u64 {
    let session = engine.stage.session();
    let taken = session.and_then(|session| session.max_duration_s);
    let wanted = engine.options.max_duration_s.unwrap_or(u64::MAX);
    taken.unwrap_or(LONGEST_S).min(wanted)
}

/// Whom the message is for: as said now, or as called last.
pub(super) fn callee(engine: &Engine, to: Option<String>) -> Result<String, Problem> {
    let to = to.map(|to| engine.identity.address(&to)).transpose()?;
    let to = to
        .or_else(|| engine.stage.callee())
        .ok_or_else(|| Problem::new("no_callee", "Say first whom the message is for."))?;
    engine.stage.set_callee(to.clone());
    Ok(to)
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
            peak, elapsed_ms, ..
        } => engine.listener.emit(ClientEvent::Level {
            peak,
            elapsed_ms: count(elapsed_ms),
        }),
        CaptureEvent::Gap(gap) => engine.listener.emit(ClientEvent::Gap {
            at_ms: count(gap.at_ms),
            length_ms: count(gap.length_ms),
        }),
        CaptureEvent::Silence { remaining_ms } => engine.listener.emit(ClientEvent::Silence {
            remaining_ms: remaining_ms.map(count),
        }),
        CaptureEvent::Saved { .. } => {}
        CaptureEvent::Finished(recorded) => finish(engine, recorded),
        CaptureEvent::Failed { .. } if begin_otherwise(engine) => {}
        CaptureEvent::Failed { code, message } => {
            fail(engine, deposit_id, Problem { code, message });
        }
    }
}

fn finish(engine: &Rc<Engine>, recorded: Recorded) {
    drop_recorder(engine);
    engine.listener.emit(ClientEvent::Recorded {
        deposit_id: recorded.deposit_id,
        duration_ms: count(recorded.duration_ms),
        waveform: recorded.waveform,
    });
    engine.stage.enter(State::Review);
    engine.outbox.changed();
}

/// What was saved until then is closed and offered.
fn fail(engine: &Rc<Engine>, deposit_id: &str, problem: Problem) {
    drop_recorder(engine);
    engine.listener.problem(problem);
    engine.stage.set_deposit(None);
    engine.stage.enter(State::Ready);
    let (engine, deposit_id) = (Rc::clone(engine), deposit_id.to_owned());
    wasm_bindgen_futures::spawn_local(async move {
        if let Err(error) = recover(&engine.database, &deposit_id).await {
            engine.listener.problem(error.into());
        }
        engine.outbox.changed();
    });
}

/// A worklet that fails before the first sound makes room for the browser's own recorder; nothing was said yet that
/// could be lost.
fn begin_otherwise(engine: &Rc<Engine>) -> bool {
    let worklet = matches!(*engine.recorder.borrow(), Some(Take::Worklet(_)));
    let heard = matches!(engine.stage.state(), State::Recording | State::Paused);
    if !worklet || heard || !engine.lens.give_up_worklet() {
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
    engine.lens.close();
    let recorder = engine.recorder.take();
    wasm_bindgen_futures::spawn_local(async move { drop(recorder) });
}
