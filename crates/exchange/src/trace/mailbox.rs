//! What a mailbox adds: the frames of its voicemail. The notes of a call ride in the row that the voicemail writes
//! for it anyway.

use super::{
    entry::{End, Note},
    made,
    sheet::Sheet,
    store,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::hop,
    object::Object,
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
};

/// What a line or a connection tells of a call.
pub(crate) fn tell(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: Option<&str>,
    caller: Option<&Caller>,
    notes: Vec<Note>,
) -> Result<Vec<Effect>, SqlError> {
    if !super::is_on(context) {
        return Ok(Vec::new());
    }
    let nobody = Caller::default();
    store::add(sql, context, flow, caller.unwrap_or(&nobody), notes)
}

/// The row of a call is written: its record takes the notes of this event along, and the frames that it sends. The
/// caller's own mailbox may have to hear of it.
pub(crate) fn ride(context: &Context<'_>, sheet: &mut Sheet, effects: &[Effect]) -> Option<Effect> {
    if !super::is_on(context) {
        return None;
    }
    for note in of_call(context, &sheet.call_id, effects) {
        sheet.add(note);
    }
    made::tell(context, sheet)
}

/// The state of a call is not written, because nothing changed that the call must remember: the notes go into the row of
/// this key all the same.
pub(crate) fn leave(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
    sheet: &Sheet,
    effects: &[Effect],
) -> Result<Option<Effect>, SqlError> {
    if !super::is_on(context) {
        return Ok(None);
    }
    let notes = of_call(context, &sheet.call_id, effects);
    store::change(sql, context, key, sheet.clone(), notes)
}

/// The end of an event: what no call took along belongs to one that has no row any more.
pub(crate) fn finish(
    sql: &dyn Sql,
    context: &Context<'_>,
    effects: &[Effect],
) -> Result<Vec<Effect>, SqlError> {
    if !super::is_on(context) {
        return Ok(Vec::new());
    }
    let mut notes = context.trace.take();
    let sent = effects.iter().filter_map(|effect| sent(context, effect));
    notes.extend(sent.filter(|note| !context.trace.is_marked(&note.call_id)));
    store::add(sql, context, None, &Caller::default(), notes)
}

/// All notes of this event about one call.
fn of_call(context: &Context<'_>, call_id: &str, effects: &[Effect]) -> Vec<Note> {
    let mut notes = context.trace.take_of(call_id);
    let sent = effects.iter().filter_map(|effect| sent(context, effect));
    notes.extend(sent.filter(|note| note.call_id == call_id));
    context.trace.mark(call_id);
    notes
}

/// A frame that leaves the voicemail.
fn sent(context: &Context<'_>, effect: &Effect) -> Option<Note> {
    let (frame, to) = match effect {
        Effect::SendFrame { flow, frame, .. } => (frame, End::Flow(flow.clone())),
        Effect::Signal {
            to: Object::Line(_),
            signal,
            ..
        } => match signal.as_ref() {
            Signal::Receive { frame, .. } => (frame, End::Edge),
            _ => return None,
        },
        _ => return None,
    };
    let mut note = Note::read(frame, End::Voicemail, to, context.now_ms)?;
    note.session = session(context, frame);
    Some(note)
}

/// The session that a message names, read before it is masked.
fn session(context: &Context<'_>, frame: &[u8]) -> Option<String> {
    let message = hop::read(frame)?;
    let body = message.as_request()?.body_text()?.to_owned();
    let token = body.lines().find_map(|line| line.strip_prefix("ID="))?;
    let keys = &context.settings.token_keys;
    let claims = deposit::token::verify_session(token.trim(), keys).ok()?;
    Some(claims.session())
}
