//! What the owner of a mailbox may choose.

use crate::sql::{Sql, SqlError};

use serde::{Deserialize, Serialize};

/// The owner's choices; absent ones follow the operator's settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct MailboxSettings {
    /// When the session information is sent.
    pub instruction: Instruction,
    /// Whether the INFO goes before or after the greeting.
    pub info_timing: InfoTiming,
    /// Which greeting is played.
    pub greeting: GreetingChoice,
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

/// The owner's choices as stored.
pub fn load(sql: &dyn Sql) -> Result<MailboxSettings, SqlError> {
    let rows = sql.query("SELECT settings FROM mailbox", &[])?;
    let text = rows.first().map_or_else(String::new, |row| row.text(0));
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
