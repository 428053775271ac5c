//! What a connection notes: the frame that came in, and where it passes it on itself, the frame that goes out.
//! It stores nothing: a note goes with the signal that the frame becomes, or in one of its own to the mailbox that
//! the flow token names.

use serde::{Deserialize, Serialize};

use super::entry::{End, Note};
use crate::{
    context::Context,
    effect::Effect,
    flow::{FlowState, hop},
    object::Object,
    signal::{Caller, Signal},
    upstream,
};

/// The memory of a connection is an attachment of at most 2 KiB; something else may come.
const MOST_STATE_BYTES: usize = 1_800;

/// A note that waits for the next one to the same mailbox, which spares a row there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Held {
    mailbox: String,
    note: Note,
}

impl Held {
    /// The note, which comes behind others that it led to.
    fn late(self) -> Note {
        Note {
            late: true,
            ..self.note
        }
    }
}

/// The effects of a frame that came in, with the notes about it.
pub(crate) fn carried(
    context: &Context<'_>,
    state: &mut FlowState,
    frame: &[u8],
    mut effects: Vec<Effect>,
) -> Vec<Effect> {
    if !super::is_on(context) {
        return effects;
    }
    let here = End::Flow(state.name.clone());
    let Some(note) = Note::read(frame, here, End::Edge, context.now_ms) else {
        return effects;
    };
    if let Some(signal) = find_signal(&mut effects) {
        wrap(state, signal, note);
        return effects;
    }
    let passed = effects.iter().find_map(|effect| match effect {
        Effect::SendFrame {
            flow, frame: out, ..
        } if *flow != state.name => passage(context, frame, flow, out),
        _ => None,
    });
    if let Some((mailbox, out)) = passed {
        effects.push(told(mailbox, None, None, vec![note, out]));
    }
    effects
}

/// The connection is gone: what it held is told.
pub(crate) fn let_go(state: &FlowState) -> Option<Effect> {
    let held = state.held.clone()?;
    Some(told(held.mailbox.clone(), None, None, vec![held.late()]))
}

/// The signal by which notes go to the mailbox of this address.
pub(super) fn told(
    mailbox: String,
    flow: Option<String>,
    caller: Option<Caller>,
    notes: Vec<Note>,
) -> Effect {
    Effect::Signal {
        to: Object::Mailbox(mailbox),
        signal: Box::new(Signal::Trace {
            flow,
            caller,
            notes,
        }),
        tag: String::new(),
    }
}

/// The signal that the frame became.
fn find_signal(effects: &mut [Effect]) -> Option<(&Object, &mut Box<Signal>)> {
    effects.iter_mut().find_map(|effect| match effect {
        Effect::Admit { admitted, .. } => find_signal(admitted),
        Effect::Signal { to, signal, .. } if carries_frame(signal) => Some((&*to, signal)),
        _ => None,
    })
}

fn carries_frame(signal: &Signal) -> bool {
    matches!(
        signal,
        Signal::Originate { .. } | Signal::Terminate { .. } | Signal::Receive { .. }
    )
}

/// Gives the note to a signal. That an INFO was answered makes the mailbox write nothing else: the note waits for
/// the next one, as long as the connection's memory holds it.
fn wrap(state: &mut FlowState, (to, signal): (&Object, &mut Box<Signal>), mut note: Note) {
    let Object::Mailbox(mailbox) = to else {
        return enclose(signal, vec![note]);
    };
    note.entry.to = End::Voicemail;
    let held = state.held.take_if(|held| held.mailbox == *mailbox);
    let settles = note.entry.status().is_some_and(|status| status < 300);
    let may_wait = held.is_none() && state.held.is_none() && state.name != upstream::FLOW;
    if may_wait && settles && note.entry.method() == "INFO" {
        state.held = Some(Held {
            mailbox: mailbox.clone(),
            note,
        });
        if serde_json::to_string(state).is_ok_and(|text| text.len() <= MOST_STATE_BYTES) {
            return;
        }
        let Some(back) = state.held.take() else {
            return;
        };
        note = back.note;
    }
    let notes = held.map(Held::late).into_iter().chain([note]);
    enclose(signal, notes.collect());
}

/// Puts notes around a signal.
pub(super) fn enclose(signal: &mut Box<Signal>, notes: Vec<Note>) {
    let inner = std::mem::replace(signal.as_mut(), Signal::Counts {});
    **signal = Signal::Traced {
        notes,
        inner: Box::new(inner),
    };
}

/// A frame that goes from one connection to another, and the mailbox that keeps the call. Its tokens say which.
fn passage(context: &Context<'_>, came: &[u8], to: &str, out: &[u8]) -> Option<(String, Note)> {
    let bytes = if came.starts_with(b"SIP/2.0") {
        came
    } else {
        out
    };
    let mailbox = hop::traced_by(context, &hop::read(bytes)?)?;
    let note = Note::read(out, End::Edge, End::Flow(to.to_owned()), context.now_ms)?;
    Some((mailbox, note))
}
