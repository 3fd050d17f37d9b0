//! Dates as Outlook writes them, without a date library.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Date {
    days: u64,
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millis: u32,
}

/// `Sun, 13 Oct 2024 16:12:02 +0000`.
pub(crate) fn rfc5322_now() -> String {
    let date = date(SystemTime::now());
    let weekday = DAYS[(date.days % 7) as usize];
    let month = MONTHS[(date.month - 1) as usize];
    let Date { year, day, hour, minute, second, .. } = date;
    format!("{weekday}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

/// `Sun, 13 Oct 2024 16:12:02 GMT`.
pub(crate) fn http_now() -> String {
    rfc5322_now().replace("+0000", "GMT")
}

/// `2024-10-10T21:50:33.251Z`.
pub(crate) fn iso_now() -> String {
    let Date { year, month, day, hour, minute, second, millis, .. } = date(SystemTime::now());
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn date(time: SystemTime) -> Date {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, rest) = (elapsed.as_secs() / 86_400, elapsed.as_secs() % 86_400);
    let (mut year, mut left) = (1970, days);
    while left >= year_length(year) {
        left -= year_length(year);
        year += 1;
    }
    let mut month = 1;
    while left >= month_length(year, month) {
        left -= month_length(year, month);
        month += 1;
    }
    Date {
        days,
        year,
        month,
        day: left + 1,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        millis: elapsed.subsec_millis(),
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_length(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_length(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_leap_day_is_read_off_the_clock() {
        let date = date(UNIX_EPOCH + Duration::from_secs(1_709_210_096));
        assert_eq!((date.year, date.month, date.day, date.hour), (2024, 2, 29, 12));
        assert_eq!(DAYS[(date.days % 7) as usize], "Thu");
    }
}
