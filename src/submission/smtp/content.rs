//! The content on its way out, slice by slice, as long as the server takes it.

use std::io;

use crate::submission::smtp::{Deadlines, Line, Speaker};
use crate::words::SafeText;
use crate::world::{Clock, Wire, WireFault};

/// Why the content went no further.
pub(super) enum Cut {
    /// The server has said something before it was asked.
    Unasked,
    /// The connection failed.
    Fault(WireFault),
}

/// Everything but the last slice.
pub(super) struct Slices<'a> {
    wire: &'a mut dyn Wire,
    clock: &'a dyn Clock,
    times: Deadlines,
    /// Octets of content, and of those that went out.
    size: u64,
    sent: u64,
    transcript: &'a mut dyn FnMut(Line),
    cut: Option<Cut>,
}

impl<'a> Slices<'a> {
    pub(super) fn new(
        wire: &'a mut dyn Wire,
        clock: &'a dyn Clock,
        times: Deadlines,
        size: u64,
        transcript: &'a mut dyn FnMut(Line),
    ) -> Self {
        Self { wire, clock, times, size, sent: 0, transcript, cut: None }
    }

    /// Writes one slice.
    pub(super) fn give(&mut self, slice: &[u8]) -> io::Result<()> {
        self.try_to_give(slice).map_err(|cut| {
            self.cut = Some(cut);
            io::ErrorKind::BrokenPipe.into()
        })
    }

    fn try_to_give(&mut self, slice: &[u8]) -> Result<(), Cut> {
        if self.wire.has_unread().map_err(Cut::Fault)? {
            return Err(Cut::Unasked);
        }
        let until = self.times.content_until(self.size, self.clock.instant());
        self.wire.send(slice, until).map_err(Cut::Fault)?;
        self.sent += slice.len() as u64;
        let text = SafeText::from(progress(self.sent, self.size));
        (self.transcript)(Line { speaker: Speaker::Progress, text });
        Ok(())
    }

    /// Why it went no further, if it did not.
    pub(super) fn cut(self) -> Option<Cut> {
        self.cut
    }
}

/// How much of the message the server has, for a person who waits. Doubled dots and line ends may make it a little more.
pub(in crate::submission) fn progress(sent: u64, size: u64) -> String {
    let megabytes = |octets: u64| octets as f64 / 1e6;
    format!("{:.1} of {:.1} MB sent", megabytes(sent.min(size)), megabytes(size))
}
