//! A reply: three digits and words.

use lettre::transport::smtp::response::{Code, Severity};

use crate::words::Words;

/// A whole reply, all its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The three digits.
    pub code: Code,
    /// The text of each line, without the code.
    pub lines: Vec<Words>,
}

impl Reply {
    /// The code as a number.
    pub fn number(&self) -> u16 {
        self.code.into()
    }

    /// 2yz.
    pub fn is_positive(&self) -> bool {
        self.code.severity == Severity::PositiveCompletion
    }

    /// Code and all lines on one line.
    pub fn words(&self) -> Words {
        let mut text = self.code.to_string();
        for line in &self.lines {
            text.push(' ');
            text.push_str(line.whole());
        }
        Words::from(text)
    }
}
