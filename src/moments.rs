//! Moments as people and programs read them.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Duration, OffsetDateTime};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A day, in seconds.
pub const DAY: u64 = 24 * HOUR;

/// Whole seconds since 1970; 0 for a clock before that.
pub fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since 1970; 0 for a clock before that.
pub fn unix_milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long ago that was, to a person. A moment that is yet to come shows that the clock was set back.
pub fn ago(at: u64, now: u64, utc_offset: i32) -> String {
    let Some(seconds) = now.checked_sub(at) else {
        return format!("{} (the clock was set back)", date(at, utc_offset));
    };
    match seconds {
        0..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => format!("{} ago", count(seconds / MINUTE, "minute")),
        HOUR..DAY => format!("{} ago", count(seconds / HOUR, "hour")),
        _ => format!("{} ago, {}", count(seconds / DAY, "day"), date(at, utc_offset)),
    }
}

/// `1 day`, `2 days`.
pub fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// The day by the clock on the wall, `2026-11-23`.
pub fn date(at: u64, utc_offset: i32) -> String {
    let local = moment(at).and_then(|moment| moment.checked_add(Duration::seconds(i64::from(utc_offset))));
    local.map_or_else(|| "never".to_owned(), |local| day(&local))
}

/// RFC 3339 in UTC; `None` for what no calendar has.
pub fn rfc3339(at: u64) -> Option<String> {
    let moment = moment(at)?;
    let (hour, minute, second) = moment.to_hms();
    Some(format!("{}T{hour:02}:{minute:02}:{second:02}Z", day(&moment)))
}

fn moment(at: u64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(at).ok()?).ok()
}

fn day(moment: &OffsetDateTime) -> String {
    let (year, month, day) = moment.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn what_was_is_told_in_the_largest_unit() {
        let ago = |seconds: u64| ago(NOW - seconds, NOW, 0);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(3599), "59 minutes ago");
        assert_eq!(ago(3600), "1 hour ago");
        assert_eq!(ago(2 * DAY - 1), "1 day ago, 2027-01-13");
        assert_eq!(ago(NOW), "20833 days ago, 1970-01-01");
    }

    #[test]
    fn what_is_yet_to_come_was_written_by_another_clock() {
        assert_eq!(ago(NOW + 1, NOW, 0), "2027-01-15 (the clock was set back)");
        assert_eq!(ago(u64::MAX, NOW, 0), "never (the clock was set back)");
    }

    #[test]
    fn a_moment_is_utc_and_a_date_local() {
        assert_eq!(rfc3339(NOW).as_deref(), Some("2027-01-15T08:00:00Z"));
        assert_eq!((rfc3339(u64::MAX), rfc3339(i64::MAX as u64)), (None, None));
        assert_eq!(date(NOW, 16 * 3600), "2027-01-16");
        assert_eq!(date(NOW, -9 * 3600), "2027-01-14");
    }
}
