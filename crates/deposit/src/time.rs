//! Points in time as text: RFC 3339 for JSON and metadata, IMF-fixdate (RFC 9110 section 5.6.7) for headers.

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// A Unix time in milliseconds as `2026-12-01T12:00:00.250Z`; whole seconds without a fraction.
#[must_use]
pub fn rfc3339(time_ms: i64) -> String {
    let moment = Moment::new(time_ms);
    let fraction = match moment.millisecond {
        0 => String::new(),
        millisecond => format!(".{millisecond:03}"),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
    )
}

/// A Unix time in milliseconds as `Tue, 01 Dec 2026 12:00:00 GMT`.
#[must_use]
pub fn http_date(time_ms: i64) -> String {
    let moment = Moment::new(time_ms);
    let name = |names: &[&'static str], index: i64| {
        let index = usize::try_from(index).unwrap_or(0);
        names.get(index).copied().unwrap_or_default()
    };
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        name(&WEEKDAYS, time_ms.div_euclid(DAY_MS).rem_euclid(7)),
        moment.day,
        name(&MONTHS, moment.month.saturating_sub(1)),
        moment.year,
        moment.hour,
        moment.minute,
        moment.second
    )
}

/// Reads an RFC 3339 time, with any offset, as Unix time in milliseconds.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = fields::<3>(date, '-')?;
    let (clock, offset_ms) = split_offset(clock)?;
    let (clock, fraction) = clock
        .split_once('.')
        .map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
    let [hour, minute, second] = fields::<3>(clock, ':')?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let seconds = hour
        .checked_mul(3600)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    days_from_civil(year, month, day)
        .checked_mul(DAY_MS)?
        .checked_add(seconds.checked_mul(1000)?)?
        .checked_add(fraction.map_or(Some(0), milliseconds)?)?
        .checked_sub(offset_ms)
}

fn milliseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    fraction
        .chars()
        .chain("00".chars())
        .take(3)
        .collect::<String>()
        .parse()
        .ok()
}

fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = clock.rfind(['+', '-'])?;
    let (clock, offset) = clock.split_at_checked(at)?;
    let sign = if offset.starts_with('-') {
        -60_000
    } else {
        60_000
    };
    let [hours, minutes] = fields::<2>(offset.trim_start_matches(['+', '-']), ':')?;
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    (hours < 24 && minutes < 60).then(|| (clock, total.saturating_mul(sign)))
}

/// Exactly `N` unsigned numbers between separators; the first may have four digits, all others have two.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = text.split(separator).map(field).collect();
    numbers?.try_into().ok()
}

fn field(text: &str) -> Option<i64> {
    let plain = matches!(text.len(), 2 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
}

impl Moment {
    fn new(time_ms: i64) -> Self {
        let (year, month, day) = civil_from_days(time_ms.div_euclid(DAY_MS));
        let in_day = time_ms.rem_euclid(DAY_MS);
        Self {
            year,
            month,
            day,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1000 % 60,
            millisecond: in_day % 1000,
        }
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (H. Hinnant's algorithm: years start
/// in March). Bounded input: years have four digits.
#[allow(clippy::arithmetic_side_effects)]
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]. Bounded input: days of an `i64` of milliseconds.
#[allow(clippy::arithmetic_side_effects)]
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_known_moments() {
        for (time_ms, text, header) in [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (
                1_796_126_400_250,
                "2026-12-01T12:00:00.250Z",
                "Tue, 01 Dec 2026 12:00:00 GMT",
            ),
            (
                951_782_400_000,
                "2000-02-29T00:00:00Z",
                "Tue, 29 Feb 2000 00:00:00 GMT",
            ),
            (
                -1,
                "1969-12-31T23:59:59.999Z",
                "Wed, 31 Dec 1969 23:59:59 GMT",
            ),
        ] {
            assert_eq!(rfc3339(time_ms), text);
            assert_eq!(http_date(time_ms), header);
            assert_eq!(parse_rfc3339(text), Some(time_ms));
        }
    }

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        for day in -20_000..140_000i64 {
            let time_ms = day * DAY_MS + 43_200_000;
            assert_eq!(parse_rfc3339(&rfc3339(time_ms)), Some(time_ms));
        }
    }

    #[test]
    fn reads_offsets_and_fractions() {
        assert_eq!(parse_rfc3339("1970-01-01T01:00:00.5+01:00"), Some(500));
        assert_eq!(parse_rfc3339("1969-12-31t23:00:00.123456-01:00"), Some(123));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T12:00:00",
            "2026-12-01",
            "2026-12-01T12:00Z",
            "2026-12-01T12:00:00.Z",
            "2026-12-01T12:00:00+2500",
            "+026-12-01T12:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
