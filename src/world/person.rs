//! A person at a terminal: what they are asked, and what their screen can show.

use crate::secret::Secret;

/// Whether what is typed can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Echo {
    /// As anywhere else.
    Shown,
    /// Nothing of it: a password.
    Hidden,
}

/// One of our two output streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Which escape sequences a terminal may be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Escapes {
    /// None: TERM is `dumb` or not set.
    None,
    /// Those that rewrite a line, but no colours: NO_COLOR is set (no-color.org).
    Lines,
    /// Colours too.
    Colours,
}

/// A terminal that shows what we write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// How many characters fit in a line.
    pub columns: u16,
    /// What it understands.
    pub escapes: Escapes,
}

/// Somebody at the terminal.
pub trait Person {
    /// Shows `question` and reads the line typed in answer, without its end. `None` when nobody sees the question or types
    /// at standard input, and when that ends. Whatever ends the question, the terminal echoes again afterwards.
    fn ask(&self, question: &str, echo: Echo) -> Option<Secret>;
    /// The terminal a stream is; `None` when it is none.
    fn screen(&self, stream: Stream) -> Option<Screen>;
}
