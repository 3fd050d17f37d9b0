//! Where characters end, in the charsets mail uses: an encoded word must not hold half of one (RFC 2047 section 5).

/// How many octets the character at the start of `octets` takes. At least 1; 0 only at the end of the text.
pub(super) fn character_length(octets: &[u8], charset: &str) -> usize {
    let wanted = match octets {
        [] => return 0,
        [lead, rest @ ..] => match family(charset) {
            Family::Utf8 => match lead {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            },
            Family::Single => 1,
            Family::ShiftJis => match lead {
                0x81..=0x9f | 0xe0..=0xfc => 2,
                _ => 1,
            },
            Family::EucJp => match lead {
                0x8f => 3,
                0x8e | 0xa1..=0xfe => 2,
                _ => 1,
            },
            Family::Double => match (lead, rest) {
                (0x81..=0xfe, [0x30..=0x39, ..]) => 4,
                (0x81..=0xfe, _) => 2,
                _ => 1,
            },
        },
    };
    wanted.min(octets.len())
}

/// Whether the second octet of a character may be a quotation mark, a parenthesis or a backslash.
pub(super) fn has_marks_in_characters(charset: &str) -> bool {
    match family(charset) {
        Family::ShiftJis | Family::Double => true,
        Family::Utf8 | Family::Single | Family::EucJp => false,
    }
}

enum Family {
    Utf8,
    Single,
    ShiftJis,
    EucJp,
    /// GBK, GB 18030, Big5, EUC-KR.
    Double,
}

fn family(charset: &str) -> Family {
    let name = charset.to_ascii_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if name == "utf-8" {
        Family::Utf8
    } else if starts(&["shift", "sjis", "x-sjis", "csshiftjis", "windows-31j", "cp932", "ms_kanji"]) {
        Family::ShiftJis
    } else if starts(&["euc-jp"]) {
        Family::EucJp
    } else if starts(&[
        "gb",
        "big5",
        "euc-",
        "ks_c",
        "x-gbk",
        "csbig5",
        "x-euc",
        "johab",
        "cp936",
        "cp949",
        "cp950",
        "windows-936",
        "windows-949",
    ]) {
        Family::Double
    } else {
        Family::Single
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let cases: &[(&[u8], &str, usize)] = &[
            (b"a", "utf-8", 1),
            ("ü".as_bytes(), "UTF-8", 2),
            ("字".as_bytes(), "utf-8", 3),
            ("🦀".as_bytes(), "utf-8", 4),
            (b"\xfc\xfc", "iso-8859-1", 1),
            (b"\xb1\x83\x41", "Shift_JIS", 1),
            (b"\x83\x41", "Shift_JIS", 2),
            (b"\x8f\xa2\xaf", "EUC-JP", 3),
            (b"\x81\x30\x81\x30", "GB18030", 4),
            (b"\xd6\xd0", "gb2312", 2),
            (b"\xd6", "gb2312", 1),
            (b"", "utf-8", 0),
        ];
        for (octets, charset, length) in cases {
            assert_eq!(character_length(octets, charset), *length, "{octets:x?} {charset}");
        }
    }
}
