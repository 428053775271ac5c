//! What the owner of a mailbox may choose.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Answered, notification};
use crate::{
    context::Context,
    http::Request,
    json,
    problem::{self, Refusal},
    sql::{Sql, SqlError},
};

const RING_TIMEOUTS_S: std::ops::RangeInclusive<u32> = 0..=120;
const RETENTIONS_DAYS: std::ops::RangeInclusive<u32> = 1..=3650;

/// The owner's choices; absent ones follow the operator's settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxSettings {
    /// When the session information is sent.
    pub instruction: Instruction,
    /// Whether the INFO goes before or after the greeting.
    pub info_timing: InfoTiming,
    /// Which greeting is played.
    pub greeting: GreetingChoice,
    /// Whether the voicemail takes the caller's call or calls the caller.
    pub answer: Answer,
    /// Overrides the operator's ring time-out, in seconds.
    pub ring_timeout_s: Option<u32>,
    /// Overrides the operator's retention, in days.
    pub retention_days: Option<u32>,
    /// Whether a message is removed once a device holds it whole.
    pub delete_after_delivery: bool,
}

/// Which requests carry the session information.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// INFO.
    #[default]
    Info,
    /// BYE.
    Bye,
    /// Both.
    Both,
    /// Neither.
    None,
}

/// When the INFO goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoTiming {
    /// Before the greeting.
    #[default]
    Before,
    /// After the greeting.
    After,
}

/// Which greeting is played.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GreetingChoice {
    /// The owner's own; the system's while there is none.
    #[default]
    Personal,
    /// The system's.
    System,
    /// None.
    None,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The voicemail answers the call that nobody took.
    #[default]
    SameCall,
    /// That call ends with 480, and the voicemail calls the caller.
    CallBack,
}

/// The owner's choices as stored.
pub fn load(sql: &dyn Sql) -> Result<MailboxSettings, SqlError> {
    let rows = sql.query("SELECT settings FROM mailbox", &[])?;
    let text = rows.first().map_or_else(String::new, |row| row.text(0));
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// `PATCH /mailbox/settings` (RFC 7396): what is named is changed, `null` returns to the default.
pub(super) fn change(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let before = load(sql)?;
    let changes: serde_json::Map<String, Json> = json::read(request)?;
    let mut merged = match serde_json::to_value(&before) {
        Ok(Json::Object(present)) => present,
        _ => serde_json::Map::new(),
    };
    for (name, value) in changes {
        if value.is_null() {
            merged.remove(&name);
        } else {
            merged.insert(name, value);
        }
    }
    let invalid = |detail: &str| Refusal::of(request, problem::INVALID_FIELD, detail);
    let settings: MailboxSettings = serde_json::from_value(Json::Object(merged))
        .map_err(|error| invalid(&error.to_string()))?;
    check(&settings).map_err(invalid)?;
    let text = serde_json::to_string(&settings).unwrap_or_else(|_| "{}".to_owned());
    sql.query("UPDATE mailbox SET settings = ?", &[text.into()])?;
    let rings_otherwise = settings.ring_timeout_s != before.ring_timeout_s;
    let effects = if rings_otherwise {
        notification::tell_ring_timeout(sql, context)?
    } else {
        Vec::new()
    };
    Ok((json::answer(200, &settings), effects))
}

fn check(settings: &MailboxSettings) -> Result<(), &'static str> {
    let ring = settings
        .ring_timeout_s
        .is_none_or(|value| RING_TIMEOUTS_S.contains(&value));
    if !ring {
        return Err("ring_timeout_s is from 0 to 120.");
    }
    let kept = settings
        .retention_days
        .is_none_or(|value| RETENTIONS_DAYS.contains(&value));
    if !kept {
        return Err("retention_days is from 1 to 3650.");
    }
    Ok(())
}
