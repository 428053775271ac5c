//! The host's clock, randomness and waiting. The rules get all three as arguments.

use crate::problem::Problem;

/// Unix time in milliseconds.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Fresh random bytes of the browser's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new("no_randomness", "This browser gives no random numbers."))?;
    Ok(bytes)
}

/// Sleeps; the timer goes when the future is dropped.
pub(crate) async fn sleep(milliseconds: u32) {
    gloo_timers::future::TimeoutFuture::new(milliseconds).await;
}

/// A random UUID (RFC 9562 section 5.4).
pub(crate) fn uuid() -> Result<String, Problem> {
    let value = u128::from_be_bytes(random()?);
    let value = (value & !(0xf << 76) | (0x4 << 76)) & !(0x3 << 62) | (0x2 << 62);
    let part = |shift: u32, bits: u32| (value >> shift) & ((1 << bits) - 1);
    Ok(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 32),
        part(80, 16),
        part(64, 16),
        part(48, 16),
        part(0, 48)
    ))
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn deposit_ids_are_random_uuids_of_version_4() {
        let id = uuid().unwrap();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(id.chars().nth(14), Some('4'));
        let variant = id.chars().nth(19).unwrap();
        assert!("89ab".contains(variant), "{id}");
        assert_ne!(id, uuid().unwrap());
    }
}
