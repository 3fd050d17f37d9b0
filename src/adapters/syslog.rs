//! The system log through the C library: whoever reads /dev/log gets it, and nobody is an answer too.

use nix::syslog::{Facility, LogFlags, Priority as SystemPriority, Severity, openlog, syslog};

use crate::world::{Log, Priority};

/// The longest record, in octets: rsyslog cuts at 8 KiB.
const RECORD: usize = 8000;

/// Facility mail, as `sendmail[pid]`.
#[derive(Clone, Copy, Debug)]
pub struct SystemLog;

impl SystemLog {
    /// Says who we are; connects only when there is something to log.
    pub fn open() -> Self {
        // It fails for a name with a NUL only.
        let _ = openlog(Some(c"sendmail"), LogFlags::LOG_PID, Facility::LOG_MAIL);
        Self
    }
}

impl Log for SystemLog {
    fn record(&self, priority: Priority, text: &str) {
        let severity = match priority {
            Priority::Info => Severity::LOG_INFO,
            Priority::Warning => Severity::LOG_WARNING,
            Priority::Error => Severity::LOG_ERR,
        };
        let _ = syslog(SystemPriority::new(severity, Facility::LOG_MAIL), &one_record(text));
    }
}

/// One line without NUL, cut between characters.
fn one_record(text: &str) -> String {
    let end = (0..=RECORD.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().replace(['\0', '\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_log_is_no_error() {
        let log = SystemLog::open();
        for priority in [Priority::Info, Priority::Warning, Priority::Error] {
            log.record(priority, "outlook-sendmail: a test of the log, %s %n, please ignore");
        }
    }

    #[test]
    fn a_record_is_one_line_cut_between_characters() {
        assert_eq!(one_record("a\nb\0c"), "a b c");
        assert_eq!(one_record(&format!("x{}", "é".repeat(5000))).len(), 7999);
    }
}
