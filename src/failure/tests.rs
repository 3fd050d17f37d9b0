//! The table's columns agree with each other, and every row has a reader.

use std::fs;
use std::path::Path;

use super::*;

#[test]
fn status_75_exactly_when_the_enhanced_status_is_temporary() {
    for cause in Cause::ALL {
        let row = cause.row();
        assert_eq!(row.status == ExitStatus::Temporary, row.enhanced.starts_with("4."), "{cause:?}");
    }
}

#[test]
fn what_passes_by_itself_is_what_ends_with_75() {
    for cause in Cause::ALL {
        let row = cause.row();
        assert_eq!(row.kind.passes(), row.status == ExitStatus::Temporary, "{cause:?}");
    }
}

#[test]
fn the_exit_status_says_whom_a_failure_blames() {
    for cause in Cause::ALL {
        let row = cause.row();
        let agrees = match row.status {
            ExitStatus::Usage => row.blame == Blame::Caller,
            ExitStatus::Data | ExitStatus::NoUser => row.blame == Blame::Message,
            ExitStatus::Software | ExitStatus::OsError | ExitStatus::CannotCreate | ExitStatus::Protocol => {
                row.blame == Blame::Machine
            }
            ExitStatus::Config => matches!(row.blame, Blame::Machine | Blame::Mailbox),
            // The message, or what became of it.
            ExitStatus::PerhapsSent => row.blame == Blame::Message,
            ExitStatus::Unavailable | ExitStatus::Temporary | ExitStatus::NoPermission => true,
        };
        assert!(agrees, "{cause:?} {row:?}");
        if row.kind.can_be_mended() {
            assert_ne!(row.blame, Blame::Message, "{cause:?}");
        }
    }
}

#[test]
fn what_the_message_or_the_call_is_to_blame_for_stays() {
    for cause in Cause::ALL {
        if matches!(cause.row().status, ExitStatus::Data | ExitStatus::NoUser | ExitStatus::Usage) {
            assert_eq!(cause.kind(), Kind::Permanent, "{cause:?}");
        }
    }
}

#[test]
fn a_sign_in_always_waits_for_somebody_and_concerns_the_mailbox_or_the_machine() {
    for cause in Cause::ALL {
        let row = cause.row();
        if matches!(row.enhanced, "5.7.8" | "5.7.139") {
            assert_eq!(row.kind, Kind::HumanNeeded, "{cause:?}");
            assert!(matches!(row.blame, Blame::Mailbox | Blame::Machine), "{cause:?}");
        }
    }
}

#[test]
fn nobody_repeats_what_was_perhaps_sent() {
    for cause in Cause::ALL {
        let row = cause.row();
        assert_eq!(row.fate == Fate::Uncertain, row.status == ExitStatus::PerhapsSent, "{cause:?}");
        if row.fate == Fate::Uncertain || row.status == ExitStatus::Software {
            assert_eq!(row.kind, Kind::Permanent, "{cause:?}");
        }
    }
}

#[test]
fn sentences_are_short_and_end_without_a_full_stop() {
    for cause in Cause::ALL {
        let row = cause.row();
        assert!(!row.sentence.ends_with('.') && !row.advice.ends_with('.'), "{cause:?}");
        assert!(row.sentence.len() <= 100, "{cause:?}");
    }
}

#[test]
fn nothing_is_said_of_other_servers_in_outlooks_name() {
    for cause in Cause::ALL {
        let row = cause.row();
        let outlooks = |text: &str| text.contains("Outlook") || text.contains("outlook.com");
        match row.elsewhere {
            Some(other) => {
                assert!(!outlooks(other.sentence) && !outlooks(other.advice), "{cause:?}");
                assert!(!other.sentence.ends_with('.') && !other.advice.ends_with('.'), "{cause:?}");
                assert!(other.sentence.len() <= 100, "{cause:?}");
            }
            None => assert!(!outlooks(row.sentence) && !outlooks(row.advice), "{cause:?}"),
        }
    }
    let refused = Failure::new(Stage::Submission, Cause::Refused, "554 no").elsewhere();
    assert_eq!(refused.line(), "the server refuses: 554 no -- nothing was sent");
}

#[test]
fn whoever_hands_a_message_over_hears_that_nothing_was_sent() {
    for cause in Cause::ALL {
        let line = Failure::new(Stage::Submission, *cause, "why").line_about_message();
        let says = line.matches("nothing was sent").count() + line.matches("nobody got the message").count();
        assert_eq!(says, usize::from(*cause != Cause::PerhapsSent), "{line}");
    }
    let line = |cause| Failure::new(Stage::Account, cause, "x").line_about_message();
    assert_eq!(line(Cause::ConfigSyntax), "configuration error: x -- nothing was sent");
    assert_eq!(line(Cause::NoGrant), "not signed in: x -- run: outlook-sendmail login; nothing was sent");
}

#[test]
fn a_failure_is_one_line() {
    let failure = Failure::new(Stage::Submission, Cause::Refused, "554 no\r\nway");
    assert_eq!(failure.line(), "Outlook refuses: 554 no way -- nothing was sent");
}

#[test]
fn other_words_change_no_status() {
    const WORDING: Wording = Wording { sentence: "no room", advice: "make some" };
    let failure = Failure::new(Stage::Submission, Cause::Refused, "554 no").worded(Some(&WORDING)).worded(None);
    assert_eq!(failure.line(), "no room: 554 no -- make some");
    assert_eq!(failure.log_text(), "status=69 dsn=5.0.0 no room: 554 no -- make some");
}

/// The program's own code: neither tests nor comments, nor what only lists the causes.
fn code(folder: &Path) -> String {
    let mut code = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
        let is_test = name.ends_with("tests.rs")
            || ["src/manual", "src/fake_world", "src/failure"].iter().any(|room| name.starts_with(room));
        if path.is_dir() && !is_test {
            code += &self::code(&path);
        } else if name.ends_with(".rs") && !is_test {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            code.extend(text.lines().filter(|line| !line.trim_start().starts_with("//")));
        }
    }
    code
}

#[test]
fn every_cause_happens_somewhere() {
    let code = code(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    for cause in Cause::ALL {
        let name = format!("Cause::{cause:?}");
        let happens =
            code.split(&name).skip(1).any(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
        assert!(happens, "no code names {name}");
        if cause.row().advice.is_empty() {
            assert!(!code.contains(&format!("{name}, \"\")")), "{name}: neither advice nor detail");
        }
    }
}
