//! Base64 (RFC 4648 section 4) of what is written, on one line, as sendMail wants it.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets encoded at a time: a multiple of three, so that only the end is padded.
const BLOCK: usize = 12 * 1024;

/// How long so many octets become.
pub(super) const fn encoded_length(octets: u64) -> u64 {
    octets.div_ceil(3).saturating_mul(4)
}

/// Encodes what is written to it.
pub(super) struct Base64Writer<'a> {
    sink: &'a mut dyn Write,
    held: Vec<u8>,
}

impl<'a> Base64Writer<'a> {
    pub(super) fn new(sink: &'a mut dyn Write) -> Self {
        Self { sink, held: Vec::with_capacity(BLOCK) }
    }

    /// Writes the end, padded.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.encode()
    }

    fn encode(&mut self) -> io::Result<()> {
        let encoded = STANDARD.encode(&self.held);
        self.held.clear();
        self.sink.write_all(encoded.as_bytes())
    }
}

impl Write for Base64Writer<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = BLOCK.saturating_sub(self.held.len()).min(octets.len());
        self.held.extend_from_slice(octets.get(..room).unwrap_or_default());
        if self.held.len() >= BLOCK {
            self.encode()?;
        }
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_the_whole_would_be(length in 0_usize..40_000, piece in 1_usize..20_000) {
            let octets: Vec<u8> = (0..length).map(|place| (place * 7 % 251) as u8).collect();
            let mut encoded = Vec::new();
            let mut writer = Base64Writer::new(&mut encoded);
            for part in octets.chunks(piece) {
                writer.write_all(part).unwrap();
            }
            writer.finish().unwrap();
            prop_assert_eq!(encoded.len() as u64, encoded_length(length as u64));
            prop_assert!(encoded == STANDARD.encode(&octets).into_bytes());
        }
    }
}
