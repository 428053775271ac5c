//! Ids of messages: the number by which a message is stored and listed, which grows with time, and nine random
//! bytes that nobody guesses.

use crate::{
    context::Context,
    sql::{Sql, SqlError},
};

/// Hexadecimal digits of the number: all that both storages hold exactly.
const DIGITS: usize = 14;
const RANDOM_BYTES: usize = 9;
/// Messages of one millisecond are told apart by so many numbers.
const PER_MS: i64 = 1024;

/// A fresh id, greater than all before.
pub fn new_id(sql: &dyn Sql, context: &Context<'_>) -> Result<String, SqlError> {
    let rows = sql.query("SELECT MAX(sequence) FROM messages", &[])?;
    let last = rows.first().map_or(0, |row| row.integer(0));
    let now = context.now_ms.saturating_mul(PER_MS);
    let sequence = now.max(last.saturating_add(1));
    let random = context.entropy.hex(RANDOM_BYTES);
    Ok(format!("{sequence:0DIGITS$x}{random}"))
}

/// The number in an id; nothing in one of other making.
pub(super) fn sequence(id: &str) -> Option<i64> {
    let (number, random) = id.split_at_checked(DIGITS)?;
    let ours = random.len() == RANDOM_BYTES.saturating_mul(2);
    ours.then(|| i64::from_str_radix(number, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn an_id_begins_with_its_number() {
        assert_eq!(sequence("0000000000000f0123456789abcdef01"), Some(15));
        assert_eq!(sequence("0000000000000f"), None);
        assert_eq!(sequence("m1"), None);
    }
}
