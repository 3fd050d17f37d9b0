//! The one mail that tells of messages that failed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use lettre::Address;

use super::entry::{Facts, Name, Progress, State, thread_mark};
use super::store::{Opened, Store};
use super::taking::facts;
use super::{unreadable, unwritable};
use crate::account::{Account, Accounts};
use crate::envelope::Stamp;
use crate::failure::Failure;
use crate::invocation::FlagValue;
use crate::invocation::FlagValues;
use crate::invocation::{HeaderRecipients, Submit};
use crate::message::{Dots, IntakeFault, Message, ours};
use crate::moments;
use crate::service::Submission;
use crate::world::{Caller, World};

/// Messages told of in one mail; the others come in the next.
const MOST: usize = 100;

/// Writes one when messages have failed that nobody was told of, and none is under way. Each is told of once: they are
/// marked before the mail has its name, so what a crash between the two costs is the mail. The log has told.
pub(super) fn write(world: &World, store: Store<'_>, accounts: &Accounts) -> Result<Option<Name>, Failure> {
    let names = store.shelf().map_err(unreadable)?.messages.into_iter().map(|(name, _)| name);
    let known: Vec<(Name, Progress)> = names.map(|name| (name.clone(), store.progress(&name))).collect();
    let is_over = |progress: &Progress| matches!(progress.state, State::Failed | State::PerhapsSent);
    if !known.iter().any(|(_, progress)| is_over(progress) && !progress.told) {
        return Ok(None);
    }
    let mut untold = Vec::new();
    for (name, progress) in known {
        match store.facts(&name) {
            Ok(facts) if facts.summary && !is_over(&progress) => return Ok(None),
            Ok(facts) if is_over(&progress) && !progress.told && !facts.summary => untold.push((name, facts, progress)),
            Ok(_) | Err(_) => {}
        }
    }
    untold.truncate(MOST);
    if untold.is_empty() {
        return Ok(None);
    }
    let account = accounts.for_sender(&[])?;
    let to = account.local_mail_to.as_ref().unwrap_or(&account.address);
    // Whoever asked for this run has nothing to do with it.
    let owner = world.outbox.owner();
    let caller = Caller { uid: owner, login: owner.to_string(), full_name: String::new(), ..world.caller.clone() };
    let stamp = Stamp::now(world);
    let message = message(world, account, to, &stamp, &untold)?;
    let mut request = Submission {
        caller,
        submit: Submit {
            header_recipients: HeaderRecipients::Ignored,
            operands: vec![to.to_string().into_bytes()],
            values: FlagValues::default().with(FlagValue::Sender, account.address.to_string()),
            dots: Dots::Content,
            ..Submit::default()
        },
        stamp,
        message,
    };
    let facts = Facts { summary: true, ..facts(world, &request) };
    let (mut draft, _) = store.draft(owner, &thread_mark(b""), &facts, &*world.random).map_err(unwritable)?;
    request.write(&mut draft).and_then(|()| draft.flush()).map_err(unwritable)?;
    let mut told = BTreeSet::new();
    for (name, ..) in &untold {
        if let Ok(Opened::Entry(mut entry)) = store.open(name) {
            let progress = Progress { told: true, ..entry.progress().clone() };
            entry.put(progress).map_err(unwritable)?;
            told.insert(name.id.clone());
        }
    }
    if told.is_empty() {
        return Ok(None);
    }
    let entry = draft.commit(Some(Progress::untried(moments::unix_seconds(world.clock.now())))).map_err(unwritable)?;
    Ok(Some(entry.name().clone()))
}

fn message(
    world: &World,
    account: &Account,
    to: &Address,
    stamp: &Stamp,
    untold: &[(Name, Facts, Progress)],
) -> Result<Message, IntakeFault> {
    let mut text = String::from(
        "These messages were accepted on this machine and could not be sent, or not to everybody.\n\
         They are in the queue: outlook-sendmail queue show, retry or drop, with the id.\n",
    );
    for (name, facts, progress) in untold {
        let reason = progress.trouble.as_ref().map_or("", |trouble| trouble.line.as_str());
        let _ = write!(
            text,
            "\n{}, {}\n    from:    {}\n    to:      {}\n    subject: {}\n    reason:  {reason}\n",
            name.id.as_str(),
            progress.state.words(),
            facts.from,
            facts.to,
            facts.subject,
        );
        for refused in &progress.refused {
            let _ = writeln!(text, "    refused: {}: {}", refused.address, refused.words);
        }
    }
    let (count, host) = (untold.len(), &world.caller.host_name);
    let subject = match count {
        1 => format!("1 message could not be sent from {host}"),
        _ => format!("{count} messages could not be sent from {host}"),
    };
    let (now, unique) = (stamp.now, stamp.unique);
    let from = &account.address;
    ours::Text { from, to, subject: &subject, body: &text, now, unique, automatic: true }.message(&*world.spools)
}
