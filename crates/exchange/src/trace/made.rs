//! Calls that one made. A row in the caller's own mailbox says that there was one, to whom, and how it went; what was
//! said is kept by the callee's mailbox alone, which shows the caller what the caller's own connection saw.

use serde_json::{Value as Json, json};

use super::{
    sheet::{Outcome, Sheet},
    show, store,
};
use crate::{
    context::Context,
    effect::Effect,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError, Value},
    upstream,
};

/// Whom these rows count for: an owner's own calls push out no others.
const ORIGIN: &str = "made";

/// Tells the mailbox of a caller who is proven and has one here, once, as soon as it is known how the call went.
pub(crate) fn tell(context: &Context<'_>, sheet: &mut Sheet) -> Option<Effect> {
    let Object::Mailbox(callee) = &context.object else {
        return None;
    };
    if sheet.told || sheet.outcome().0 == Outcome::Ringing {
        return None;
    }
    // A foreign proxy may say that one of ours calls; that is for the callee to see, and proves nothing.
    if sheet.flow == upstream::FLOW {
        return None;
    }
    let caller = sheet.caller.proven().filter(|caller| *caller != callee)?;
    let known = context.settings.address(caller).ok()?;
    if known.as_str() != caller {
        return None;
    }
    let caller = caller.to_owned();
    sheet.told = true;
    let mut call = show::summary(sheet);
    for (name, value) in [
        ("way", json!("made")),
        ("to", json!(callee)),
        ("last_at", Json::Null),
        ("messages", Json::Null),
    ] {
        if let Some(call) = call.as_object_mut() {
            call.insert(name.to_owned(), value);
        }
    }
    Some(Effect::Signal {
        to: Object::Mailbox(caller),
        signal: Box::new(Signal::Made {
            id: sheet.id(),
            call_id: sheet.call_id.clone(),
            call: call.to_string(),
        }),
        tag: String::new(),
    })
}

/// Keeps what the callee's mailbox told; once, however often it tells.
pub(crate) fn keep(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
    call_id: &str,
    call: &str,
) -> Result<(), SqlError> {
    if !super::is_on(context) {
        return Ok(());
    }
    let parameters: [Value; 6] = [
        store::new_key(context).into(),
        id.into(),
        context.now_ms.into(),
        call_id.into(),
        ORIGIN.into(),
        call.into(),
    ];
    sql.query(
        "INSERT INTO mailbox_calls (key, id, began, call_id, origin, summary) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM mailbox_calls WHERE id = ?2 AND origin = ?5 AND json_extract(summary, '$.to') = json_extract(?6, '$.to'))",
        &parameters,
    )?;
    store::began(sql, context, ORIGIN)
}
