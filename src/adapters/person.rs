//! A person at the terminal: lines they type, seen or unseen, and the screen in front of them.

use std::env;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::read;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use zeroize::Zeroizing;

use super::terminal::StandardStreams;
use crate::secret::Secret;
use crate::world::{Echo, Escapes, Person, Screen, Stream, Terminal as _};

/// Longer lines are nobody's typing.
const LONGEST_LINE: usize = 16 * 1024;

/// A screen that does not say how wide it is.
const USUAL_COLUMNS: u16 = 80;

/// Standard input as a keyboard, standard error for questions.
#[derive(Clone, Copy, Debug)]
pub struct AtTheTerminal;

impl Person for AtTheTerminal {
    fn ask(&self, question: &str, echo: Echo) -> Option<Secret> {
        // A question in a file is seen by nobody.
        let show: fn(&str) = match (io::stderr().is_terminal(), io::stdout().is_terminal()) {
            (true, _) => |text| StandardStreams.err(text),
            (false, true) => |text| StandardStreams.out(text),
            (false, false) => return None,
        };
        if !io::stdin().is_terminal() {
            return None;
        }
        let line = match echo {
            Echo::Shown => {
                show(question);
                typed_line()
            }
            Echo::Hidden => hidden_line(&|| show(question)),
        };
        // Enter was not pressed, or not seen: what comes next starts a line of its own.
        if line.is_none() || echo == Echo::Hidden {
            show("\n");
        }
        line
    }

    fn screen(&self, stream: Stream) -> Option<Screen> {
        let (is_terminal, size) = match stream {
            Stream::Output => (io::stdout().is_terminal(), tcgetwinsize(io::stdout())),
            Stream::Error => (io::stderr().is_terminal(), tcgetwinsize(io::stderr())),
        };
        is_terminal.then(|| Screen {
            columns: columns(size.map_or(0, |size| size.ws_col), env::var("COLUMNS").ok().as_deref()),
            escapes: escapes(env::var("TERM").ok().as_deref(), env::var("NO_COLOR").ok().as_deref()),
        })
    }
}

fn columns(of_terminal: u16, variable: Option<&str>) -> u16 {
    let named = || variable.and_then(|text| text.parse().ok());
    Some(of_terminal).filter(|columns| *columns > 0).or_else(named).unwrap_or(USUAL_COLUMNS)
}

fn escapes(term: Option<&str>, no_color: Option<&str>) -> Escapes {
    match (term, no_color) {
        (None | Some("" | "dumb"), _) => Escapes::None,
        (Some(_), None | Some("")) => Escapes::Colours,
        (Some(_), Some(_)) => Escapes::Lines,
    }
}

/// A line as the terminal hands it over, edited there. Read octet by octet: what is typed ahead stays for the next
/// question, and a buffer of ours is wiped.
pub(super) fn typed_line() -> Option<Secret> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    loop {
        match next_octet(None)? {
            b'\n' => return Some(Secret::new(line.to_vec())),
            octet if line.len() < LONGEST_LINE => line.push(octet),
            _ => return None,
        }
    }
}

/// A line nobody sees. The terminal neither echoes nor turns keys into signals meanwhile, or Ctrl-C would leave a shell
/// that does not echo; the keys that edit and end a line are done here. The question comes once nothing is shown any
/// more: whoever types at once is not seen either.
fn hidden_line(ask: &dyn Fn()) -> Option<Secret> {
    let stdin = io::stdin();
    let usual = tcgetattr(&stdin).ok()?;
    // Of a thread that was started before, the mask is its own: then a signal ends us as it would any program.
    let ending: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
    let watch = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok()?;
    let mask = ending.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK).ok()?;
    let hidden = hidden(&usual);
    let line = match tcsetattr(&stdin, OptionalActions::Drain, &hidden) {
        Ok(()) => {
            ask();
            hidden_keys(&usual, &watch)
        }
        Err(_) => Err(None),
    };
    let _ = tcsetattr(&stdin, OptionalActions::Drain, &usual);
    // Ends us here if one came meanwhile.
    let _ = mask.thread_set_mask();
    line.map_err(|signal| signal.map(raise)).ok()
}

fn hidden(usual: &Termios) -> Termios {
    let mut hidden = usual.clone();
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
    hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
    hidden
}

/// The keys up to Enter; else the signal a key stands for, if it was one.
fn hidden_keys(usual: &Termios, watch: &SignalFd) -> Result<Secret, Option<Signal>> {
    let key = |index: SpecialCodeIndex| usual.special_codes[index];
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    loop {
        let octet = next_octet(Some(watch.as_fd())).ok_or(None)?;
        match octet {
            b'\n' | b'\r' => return Ok(Secret::new(line.to_vec())),
            // _POSIX_VDISABLE: this key does nothing.
            0 => {}
            octet if octet == key(SpecialCodeIndex::VINTR) => return Err(Some(Signal::SIGINT)),
            octet if octet == key(SpecialCodeIndex::VQUIT) => return Err(Some(Signal::SIGINT)),
            octet if octet == key(SpecialCodeIndex::VEOF) && line.is_empty() => return Err(None),
            octet if octet == key(SpecialCodeIndex::VERASE) || octet == 8 || octet == 127 => erase(&mut line),
            octet if octet == key(SpecialCodeIndex::VKILL) => line.clear(),
            octet if line.len() < LONGEST_LINE => line.push(octet),
            _ => return Err(None),
        }
    }
}

/// Takes the last character away, all its octets.
fn erase(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|octet| octet & 0b1100_0000 == 0b1000_0000) {}
}

/// One octet of standard input; `None` at its end, or when `other` has something first.
fn next_octet(other: Option<BorrowedFd<'_>>) -> Option<u8> {
    let stdin = io::stdin();
    loop {
        let mut watched = vec![PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        watched.extend(other.map(|other| PollFd::new(other, PollFlags::POLLIN)));
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(_) => return None,
        }
        if watched.get(1).and_then(PollFd::any).unwrap_or(false) {
            return None;
        }
        let mut octet = [0];
        match read(&stdin, &mut octet) {
            Ok(1) => return octet.first().copied(),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Ok(_) | Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_as_wide_as_it_says_else_as_the_variable_says_else_80() {
        assert_eq!(columns(120, Some("40")), 120);
        assert_eq!(columns(0, Some("40")), 40);
        assert_eq!(columns(0, Some("wide")), 80);
        assert_eq!(columns(0, None), 80);
    }

    #[test]
    fn escapes_are_for_terminals_that_know_them_and_colours_for_people_who_want_them() {
        assert_eq!(escapes(Some("xterm"), None), Escapes::Colours);
        assert_eq!(escapes(Some("xterm"), Some("")), Escapes::Colours);
        assert_eq!(escapes(Some("xterm"), Some("1")), Escapes::Lines);
        assert_eq!(escapes(Some("dumb"), None), Escapes::None);
        assert_eq!(escapes(None, None), Escapes::None);
    }

    #[test]
    fn backspace_takes_a_whole_character() {
        let mut line = "a\u{fc}\u{20ac}".as_bytes().to_vec();
        for left in ["a\u{fc}", "a", "", ""] {
            erase(&mut line);
            assert_eq!(line, left.as_bytes());
        }
    }
}
