//! Whether a text can be a date: any form people and programs write, but a day and an hour that exist.

/// A longer text is no date.
const LENGTH: usize = 200;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Whether somebody can read a date in it: that of RFC 5322 section 3.3, of date(1), of ISO 8601, or day, month and year
/// in figures.
pub fn can_be_date(value: &[u8]) -> bool {
    let text = without_comments(value);
    let Some((tokens, time_exists)) = (text.len() <= LENGTH).then(|| tokens(&text)) else { return false };
    let numbers: Vec<Number> = tokens.iter().filter_map(Token::number).collect();
    let month = tokens.iter().find_map(|token| match token {
        Token::Word(word) => month_of(word),
        Token::Number(_) => None,
    });
    let day_exists = match (month, numbers.as_slice()) {
        (Some(month), [day, year, ..]) => exists(*year, month, *day) || exists(*day, month, *year),
        (None, [first, second, third, ..]) => {
            exists(*first, second.value, *third)
                || exists(*third, second.value, *first)
                || exists(*third, first.value, *second)
        }
        (Some(_) | None, _) => false,
    };
    day_exists && time_exists
}

#[derive(Clone, Copy)]
struct Number {
    value: u32,
    digits: usize,
}

enum Token {
    Word(String),
    Number(Number),
}

impl Token {
    fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Word(_) => None,
        }
    }
}

/// RFC 5322 section 4.3 says how years of two and three figures are read.
fn exists(year: Number, month: u32, day: Number) -> bool {
    let full = match (year.digits, year.value) {
        (2, 0..=49) => 2000 + year.value,
        (2 | 3, _) => 1900 + year.value,
        (4, 1900..) => year.value,
        (_, _) => return false,
    };
    let Some(month) = u8::try_from(month).ok().and_then(|month| time::Month::try_from(month).ok()) else {
        return false;
    };
    let days = i32::try_from(full).map_or(0, |year| month.length(year));
    day.digits <= 2 && (1..=u32::from(days)).contains(&day.value)
}

fn month_of(word: &str) -> Option<u32> {
    let is_it = |month: &str| word.len() >= 3 && (month.starts_with(word) || word == "sept" && month == "september");
    let place = MONTHS.iter().position(|month| is_it(month))?;
    u32::try_from(place + 1).ok()
}

/// Words and numbers but for the time and the zone; and whether the time, if there is one, exists.
fn tokens(text: &[u8]) -> (Vec<Token>, bool) {
    let mut found = Vec::new();
    let mut time_exists = true;
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        if first.is_ascii_alphabetic() {
            // The T between an ISO date and its time, and the Z behind it, are words as well.
            let (word, after) = run(rest, u8::is_ascii_alphabetic);
            found.push(Token::Word(String::from_utf8_lossy(word).to_ascii_lowercase()));
            rest = after;
        } else if first.is_ascii_digit() {
            let (figures, after) = run(rest, u8::is_ascii_digit);
            rest = after;
            if after.first() == Some(&b':') {
                let (time, after) = run(after, |octet| octet.is_ascii_digit() || b":.".contains(octet));
                time_exists &= is_time(figures, time);
                rest = without_zone(after);
            } else {
                found.push(Token::Number(number(figures)));
            }
        } else if first.is_ascii_whitespace() {
            rest = without_zone(behind);
        } else {
            rest = behind;
        }
    }
    (found, time_exists)
}

/// Elsewhere a sign is a hyphen.
fn without_zone(text: &[u8]) -> &[u8] {
    match text {
        [b'+' | b'-', zone @ ..] => run(zone, |octet| octet.is_ascii_digit() || *octet == b':').1,
        _ => text,
    }
}

fn run(text: &[u8], is_it: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|octet| is_it(octet)).count();
    text.split_at_checked(length).unwrap_or((text, b""))
}

fn number(figures: &[u8]) -> Number {
    let text = std::str::from_utf8(figures).unwrap_or_default();
    Number { value: text.parse().unwrap_or(u32::MAX), digits: figures.len() }
}

/// `hour` and `:minute`, `:minute:second`, a fraction behind it or not.
fn is_time(hour: &[u8], rest: &[u8]) -> bool {
    let mut parts = rest.split(|octet| b":.".contains(octet)).skip(1).map(|part| number(part).value);
    let (minute, second) = (parts.next(), parts.next());
    number(hour).value < 24 && minute.is_some_and(|minute| minute < 60) && second.is_none_or(|second| second <= 60)
}

fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut depth = 0_usize;
    let outside = |octet: &u8| {
        match octet {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ => return depth == 0,
        }
        false
    };
    value.iter().copied().filter(outside).collect::<Vec<u8>>().trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_date_is_one() {
        for date in [
            "Sun, 22 Nov 2026 20:05:02 +0100",
            "22 Nov 2026 20:05 -0000",
            "Sun,22 Nov 26 20:05:02 GMT",
            "Sun Nov 22 20:05:02 CET 2026",
            "Sun Nov 22 20:05:02 2026",
            "22 November 2026 20:05:02 (a comment (in it)) +0000",
            "Thu, 29 Feb 2024 23:59:60 +0000 (UTC)",
            "Tue, 1 Sept 2026 1:02:03 Z",
            "Sun,\r\n 22 Nov 2026\r\n 20:05:02 +0100",
            "2026-11-22T20:05:02Z",
            "2026-11-22 20:05:02.123+01:00",
            "2026-11-22",
            "22.11.2026 20:05",
            "11/22/2026 20:05",
            "22-Nov-2026 20:05:02",
            "Fri, 5 Jan 124 10:00:00 GMT",
        ] {
            assert!(can_be_date(date.as_bytes()), "{date}");
        }
    }

    #[test]
    fn what_no_calendar_has_is_none() {
        for text in [
            "",
            " ",
            "now",
            "yesterday",
            "0",
            "1795374302",
            "`date`",
            "$(date -R)",
            "%a, %d %b %Y",
            "(22 Nov 2026)",
            "Thu, 32 Jan 2024 10:00:00 +0000",
            "Fri, 30 Feb 2024 10:00:00 +0000",
            "29 Feb 2023",
            "0 Jan 2024",
            "Thu, 1 Foo 2024 10:00:00 +0000",
            "1 Jan 2024 25:00:00 +0000",
            "1 Jan 2024 10:61:00 +0000",
            "1 Jan 0000",
            "2024-13-01",
            "2024-00-10",
            "22:05:02",
            "Jan 2024",
            "Sun, 22 Nov 20:05:02",
            "0000-00-00 00:00:00",
            "Mon, 99999999999999999999 Jan 2024",
        ] {
            assert!(!can_be_date(text.as_bytes()), "{text}");
        }
        let long = format!("22 Nov 2026 {}", "x ".repeat(200));
        assert!(!can_be_date(long.as_bytes()));
    }
}
