//! What a line adds: the frames that it sends. The notes of an event go to the mailbox with the call itself, or in
//! one signal of their own; the line stores none.

use super::{
    entry::{End, Note},
    flow::{enclose, told},
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{self, hop},
    line,
    object::Object,
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
};

/// What an event began with, as far as notes are concerned.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// The caller's connection, where the event is the begin of a call.
    flow: Option<String>,
    caller: Option<Caller>,
    /// The call is another line's, which this one only vouches for.
    passes: bool,
}

impl Arrival {
    /// Looks at a signal before the line works on it.
    pub(crate) fn of(context: &Context<'_>, signal: &Signal) -> Self {
        match signal {
            Signal::Originate { flow, frame, .. } => Self {
                flow: Some(flow.clone()),
                caller: None,
                passes: !is_for(context, frame),
            },
            Signal::Terminate { flow, caller, .. } => Self {
                flow: Some(flow.clone()),
                caller: Some(caller.clone()),
                passes: false,
            },
            _ => Self::default(),
        }
    }
}

fn is_for(context: &Context<'_>, frame: &[u8]) -> bool {
    let message = hop::read(frame);
    let request = message.as_ref().and_then(sip::Message::as_request);
    let target = request.and_then(|request| flow::target(request, context));
    matches!((target, &context.object), (Some(target), Object::Line(own)) if target == *own)
}

/// Adds what the line sends, and hands all notes of the event on.
pub(crate) fn carry(
    sql: &dyn Sql,
    context: &Context<'_>,
    arrival: Arrival,
    effects: &mut Vec<Effect>,
) -> Result<(), SqlError> {
    if !super::is_on(context) {
        return Ok(());
    }
    let mut notes = context.trace.take();
    if arrival.passes {
        if let Some(signal) = effects.iter_mut().find_map(terminates) {
            enclose(signal, notes);
        }
        return Ok(());
    }
    notes.extend(effects.iter().filter_map(|effect| sent(context, effect)));
    let Object::Line(own) = &context.object else {
        return Ok(());
    };
    if notes.is_empty() || line::account::find(sql)?.is_none() {
        return Ok(());
    }
    match effects.iter_mut().find_map(asks_voicemail) {
        Some(signal) => enclose(signal, notes),
        None => effects.push(told(own.clone(), arrival.flow, arrival.caller, notes)),
    }
    Ok(())
}

fn terminates(effect: &mut Effect) -> Option<&mut Box<Signal>> {
    match effect {
        Effect::Signal { signal, .. } if matches!(**signal, Signal::Terminate { .. }) => {
            Some(signal)
        }
        _ => None,
    }
}

fn asks_voicemail(effect: &mut Effect) -> Option<&mut Box<Signal>> {
    match effect {
        Effect::Signal { signal, .. } if matches!(**signal, Signal::Voicemail { .. }) => {
            Some(signal)
        }
        _ => None,
    }
}

/// A frame that leaves the line.
fn sent(context: &Context<'_>, effect: &Effect) -> Option<Note> {
    match effect {
        Effect::SendFrame { flow, frame, .. } => {
            Note::read(frame, End::Edge, End::Flow(flow.clone()), context.now_ms)
        }
        Effect::Signal {
            to: Object::Mailbox(_),
            signal,
            ..
        } => match signal.as_ref() {
            Signal::Voicemail { frame, .. } | Signal::Receive { frame, .. } => {
                Note::read(frame, End::Edge, End::Voicemail, context.now_ms)
            }
            _ => None,
        },
        _ => None,
    }
}
