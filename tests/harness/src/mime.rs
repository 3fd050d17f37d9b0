//! A message as it arrived, decoded the plain way: for tests, so every part is either text or kept as it is.

/// Header fields and the body behind them.
pub struct Arrived {
    /// Unfolded, in order.
    pub fields: Vec<(String, String)>,
    /// After undoing Content-Transfer-Encoding, with LF line ends.
    pub body: Vec<u8>,
}

impl Arrived {
    pub fn parse(octets: &[u8]) -> Self {
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n").map_or(octets.len(), |at| at + 2);
        let header = String::from_utf8_lossy(&octets[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
        let fields: Vec<(String, String)> = header
            .split_terminator("\r\n")
            .map(|line| line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}")))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let raw = octets.get(end + 2..).unwrap_or_default();
        let mut arrived = Self { fields, body: Vec::new() };
        let encoding = arrived.field("Content-Transfer-Encoding").unwrap_or("7bit").to_ascii_lowercase();
        let decoded = match encoding.as_str() {
            "quoted-printable" => quoted_printable(raw),
            "base64" => base64(raw),
            "7bit" | "8bit" | "binary" => raw.to_vec(),
            other => panic!("Content-Transfer-Encoding: {other}"),
        };
        arrived.body = with_lf(&decoded);
        arrived
    }

    /// The value of the only field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        let value = found.next().map(|field| field.1.as_str());
        assert!(found.next().is_none(), "two fields {name}");
        value
    }

    /// The same with encoded words decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(encoded_words)
    }

    pub fn body_text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }
}

pub fn with_lf(octets: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(octets.len());
    for (at, &octet) in octets.iter().enumerate() {
        if octet != b'\r' || octets.get(at + 1) != Some(&b'\n') {
            clean.push(octet);
        }
    }
    clean
}

/// RFC 2045 section 6.7.
pub fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        match (octet, behind) {
            (b'=', [b'\r', b'\n', behind @ ..]) => rest = behind,
            (b'=', [high, low, behind @ ..]) => {
                let pair = [*high, *low];
                let digits = std::str::from_utf8(&pair).expect("two hexadecimal digits");
                decoded.push(u8::from_str_radix(digits, 16).expect("two hexadecimal digits"));
                rest = behind;
            }
            _ => decoded.push(octet),
        }
    }
    decoded
}

/// RFC 2045 section 6.8.
pub fn base64(octets: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut decoded, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for octet in octets {
        let Some(value) = ALPHABET.iter().position(|letter| letter == octet) else { continue };
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
        }
    }
    decoded
}

/// RFC 2047, for UTF-8; blanks between encoded words go.
fn encoded_words(value: &str) -> String {
    let mut text = Vec::new();
    let mut rest = value;
    let mut behind_encoded = false;
    while !rest.is_empty() {
        let word = rest.strip_prefix("=?").and_then(|word| {
            let (charset, word) = word.split_once('?')?;
            let (coding, word) = word.split_once('?')?;
            let (content, behind) = word.split_once("?=")?;
            Some((charset, coding, content, behind))
        });
        match word {
            Some((charset, coding, content, behind)) => {
                assert!(charset.eq_ignore_ascii_case("utf-8"), "{charset}");
                text.extend(match coding {
                    "B" | "b" => base64(content.as_bytes()),
                    _ => quoted_printable(content.replace('_', " ").as_bytes()),
                });
                rest = behind;
                behind_encoded = true;
            }
            None if behind_encoded && rest.trim_start().starts_with("=?") => rest = rest.trim_start(),
            None => {
                behind_encoded = false;
                let mut letters = rest.chars();
                let letter = letters.next().unwrap_or_default();
                text.extend(letter.to_string().as_bytes());
                rest = letters.as_str();
            }
        }
    }
    String::from_utf8(text).expect("encoded words in UTF-8")
}
