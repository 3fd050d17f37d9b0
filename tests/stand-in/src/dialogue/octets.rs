//! Text with escapes to octets.

/// Undoes `\xNN`, `\r`, `\n`, `\\`, `\{` and `{text*N}`.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = match letter {
            '\\' => escape(&rest[1..], &mut octets)?,
            '{' => repetition(&rest[1..], &mut octets)?,
            _ => {
                octets.extend_from_slice(&rest.as_bytes()[..letter.len_utf8()]);
                &rest[letter.len_utf8()..]
            }
        };
    }
    Ok(octets)
}

fn escape<'a>(rest: &'a str, octets: &mut Vec<u8>) -> Result<&'a str, String> {
    if let Some(hexadecimal) = rest.strip_prefix('x') {
        let digits = hexadecimal.get(..2).ok_or("\\x needs two hexadecimal digits")?;
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| "\\x needs two hexadecimal digits")?);
        return Ok(&hexadecimal[2..]);
    }
    octets.push(match rest.bytes().next() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(literal @ (b'\\' | b'{' | b'}')) => literal,
        _ => return Err("unknown escape".to_owned()),
    });
    Ok(&rest[1..])
}

fn repetition<'a>(rest: &'a str, octets: &mut Vec<u8>) -> Result<&'a str, String> {
    let (inside, after) = rest.split_once('}').ok_or("{ without }")?;
    let (unit, count) = inside.rsplit_once('*').ok_or("a repetition is {text*N}")?;
    let count: usize = count.parse().map_err(|_| "a repetition is {text*N}")?;
    octets.extend_from_slice(&unescape(unit)?.repeat(count));
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_repetitions() {
        assert_eq!(unescape(r"a\xFFé\r\n{xy*3}\{").unwrap(), b"a\xFF\xC3\xA9\r\nxyxyxy{");
        assert!(unescape("{x}").is_err() && unescape(r"\q").is_err() && unescape(r"\xé").is_err());
    }
}
