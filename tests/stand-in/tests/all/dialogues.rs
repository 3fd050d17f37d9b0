//! Every file in tests/dialogues can be read, says what is expected, and is survived by the server; where the message is

//! to go out, even a simple client gets it out.

use std::fs;
use std::time::Duration;

use crate::client::{Client, xoauth2};
use stand_in::{Dialogue, Options, Outlook};

fn dialogues() -> Vec<(String, Dialogue)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../dialogues");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut dialogues: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "dialogue"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let parsed = Dialogue::parse(&fs::read_to_string(&path).unwrap());
            (name.clone(), parsed.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect();
    dialogues.sort_by(|(left, _), (right, _)| left.cmp(right));
    dialogues
}

#[test]
fn every_file_expects_a_status_and_a_count() {
    let dialogues = dialogues();
    assert!(dialogues.len() > 100);
    for (name, dialogue) in dialogues {
        let expectations = dialogue.expectations();
        assert!(expectations.status.is_some() && expectations.received.is_some(), "{name}");
        assert_eq!(expectations.received, Some(usize::from(expectations.status == Some(0))), "{name}");
        let temporary = expectations.dsn.as_ref().map(|dsn| dsn.starts_with("4."));
        assert!(temporary.is_none_or(|temporary| temporary == (expectations.status == Some(75))), "{name}");
    }
}

/// One session step by step, as far as it goes; whether the message was taken.
fn session(outlook: &Outlook) -> Option<()> {
    let done = |reply: String, code: &str| reply.starts_with(code).then_some(());
    let mut client = Client::impatient(outlook, Duration::from_millis(100));
    done(client.reply(), "220")?;
    let list = client.try_say("EHLO localhost.localdomain")?;
    list.contains("STARTTLS").then_some(())?;
    done(client.try_say("STARTTLS")?, "220")?;
    client.buffered().is_empty().then_some(())?;
    let mut client = client.start_tls(outlook.authority.der()).ok()?;
    done(client.try_say("EHLO localhost.localdomain")?, "250")?;
    let response = xoauth2(&outlook.options().account, &outlook.access_token());
    let mut reply = client.try_say(&format!("AUTH XOAUTH2 {response}"))?;
    if reply.starts_with("50") {
        done(client.try_say("AUTH XOAUTH2")?, "334")?;
        reply = client.try_say(&response)?;
    } else if reply.starts_with("334") {
        reply = client.try_say("")?;
    }
    done(reply, "235")?;
    done(client.try_say("MAIL FROM:<someone@outlook.com>")?, "250")?;
    done(client.try_say("RCPT TO:<bad@example.org>")?, "25")?;
    done(client.try_say("RCPT TO:<good@example.org>")?, "25")?;
    done(client.try_say("DATA")?, "354")?;
    done(client.try_say("From: someone@outlook.com\r\n\r\nhello\r\n.")?, "250")?;
    client.try_say("QUIT");
    Some(())
}

#[test]
fn every_dialogue_can_be_played() {
    for (name, dialogue) in dialogues() {
        let expected = dialogue.expectations().status == Some(0);
        let outlook =
            Outlook::start(Options { dialogue: Some(dialogue), ..Options::new(crate::client::ca_file()) }).unwrap();
        let sent = session(&outlook).or_else(|| session(&outlook));
        assert!(!expected || sent.is_some(), "{name}: {}", outlook.smtp.transcript());
        // A banner that goes on for megabytes takes a moment to notice that nobody reads it.
        assert!(outlook.smtp.wait_until_idle(Duration::from_secs(10)), "{name}: {}", outlook.smtp.transcript());
        assert!(!expected || outlook.smtp.received().len() == 1, "{name}: {}", outlook.smtp.transcript());
    }
}
