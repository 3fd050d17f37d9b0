//! What the verdict on a letter teaches about the addresses its mailbox may write as.

use lettre::Address;

use crate::account::{Account, TransportKind};
use crate::envelope::Letter;
use crate::failure::{Cause, Failure};
use crate::memory::send_as::{self, Said, name_of};
use crate::outcome::Receipt;
use crate::world::World;

/// Takes down what the verdict on a letter says about the addresses it was from.
pub(super) fn remember(world: &World, account: &Account, letter: &Letter, verdict: Result<&Receipt, &Failure>) {
    match verdict {
        Ok(_) => accepted(account, letter).into_iter().for_each(|it| send_as::note(world, account, it, Said::Accepted)),
        Err(failure) if failure.cause == Cause::SenderDenied => {
            if let Some(address) = refused(account, letter, failure.detail.whole()) {
                send_as::note(world, account, address, Said::Refused);
            }
        }
        Err(_) => {}
    }
}

/// Only what certainly was looked at: of several authors nobody knows who was.
fn accepted<'a>(account: &Account, letter: &'a Letter) -> Vec<&'a Address> {
    let author = match (account.transport, letter.authors()) {
        (TransportKind::Smtp, [author]) => Some(author),
        // Graph puts the account's own address in place of another, and says nothing.
        (TransportKind::Smtp | TransportKind::Graph, _) => return Vec::new(),
    };
    let mut all: Vec<_> =
        author.into_iter().chain(letter.envelope().from()).filter(|it| !is_own(account, it)).collect();
    all.dedup_by(|one, other| name_of(one) == name_of(other));
    all
}

/// The address the reply names, else the only one it can be about.
fn refused<'a>(account: &Account, letter: &'a Letter, words: &str) -> Option<&'a Address> {
    let all = letter.authors().iter().chain(letter.senders()).chain(letter.envelope().from());
    let all: Vec<_> = all.filter(|address| !is_own(account, address)).collect();
    let words = words.to_ascii_lowercase();
    let apart = |letter: char| letter.is_whitespace() || ";,<>\"'()[]".contains(letter);
    let mut named = words.split(apart).map(|word| word.trim_end_matches('.'));
    let first = all.first()?;
    match named.find_map(|word| all.iter().find(|address| name_of(address) == word)) {
        Some(address) => Some(address),
        None => all.iter().all(|address| name_of(address) == name_of(first)).then_some(first),
    }
}

fn is_own(account: &Account, address: &Address) -> bool {
    name_of(address) == name_of(&account.address)
}

#[cfg(test)]
mod tests {
    use std::cell::LazyCell;
    use std::time::Duration;

    use super::*;
    use crate::failure::Stage;
    use crate::fake_world::{self, Fakes, START, account};
    use crate::invocation::{FlagValue, FlagValues, Submit};
    use crate::memory::send_as::KnownSenders;
    use crate::moments::DAY;
    use crate::world::{Caller, memory_spool};

    fn mine() -> Account {
        let send_as = ["alias@outlook.com", "Other@outlook.com"].map(|address| address.parse().unwrap());
        Account { send_as: send_as.to_vec(), ..account() }
    }

    fn letter(world: &World, account: &Account, sender: Option<&str>, header: &str) -> Letter {
        let octets = format!("{header}\r\n\r\nx\r\n");
        let values = sender.map_or_else(FlagValues::default, |it| FlagValues::default().with(FlagValue::Sender, it));
        let submit = Submit { operands: vec![b"a@example.org".to_vec()], values, ..Submit::default() };
        fake_world::letter(world, account, &submit, octets.as_bytes(), memory_spool())
    }

    fn world(fakes: &Fakes) -> World {
        let caller = || Caller { login: "root".into(), host_name: "web1".into(), ..Caller::default() };
        World { caller: LazyCell::new(Box::new(caller)), ..fakes.world() }
    }

    fn denied(words: &str) -> Failure {
        Failure::new(Stage::Submission, Cause::SenderDenied, words)
    }

    /// What is known after this verdict on a message with this sender and header.
    fn learned(
        account: &Account,
        sender: Option<&str>,
        header: &str,
        words: Result<&str, &str>,
    ) -> Vec<(String, Said)> {
        let fakes = Fakes::default();
        let world = world(&fakes);
        let letter = letter(&world, account, sender, header);
        match words {
            Ok(words) => remember(&world, account, &letter, Ok(&Receipt::new(words.into()))),
            Err(words) => remember(&world, account, &letter, Err(&denied(words))),
        }
        KnownSenders::load(&world, account).all().to_vec()
    }

    #[test]
    fn only_what_was_said_for_certain_is_learned() {
        let (alias, other) = ("alias@outlook.com".to_owned(), "other@outlook.com".to_owned());
        let accepted = |address: &String| vec![(address.clone(), Said::Accepted(START))];
        let refused = |address: &String| vec![(address.clone(), Said::Refused(START))];
        let two = "From: alias@outlook.com, other@outlook.com";
        let words = "554 5.2.252 SendAsDenied; me@outlook.com not allowed to send as OTHER@outlook.com; STOREDRV";
        assert_eq!(learned(&mine(), None, "From: Me <Alias@outlook.com>", Ok("OK")), accepted(&alias));
        assert_eq!(learned(&mine(), Some("alias@outlook.com"), "From: alias@outlook.com", Ok("OK")), accepted(&alias));
        assert_eq!(learned(&mine(), Some("other@outlook.com"), "From: me@outlook.com", Ok("OK")), accepted(&other));
        assert_eq!(learned(&mine(), None, "From: me@outlook.com", Ok("OK")), []);
        assert_eq!(learned(&mine(), None, "From: stranger@example.org", Ok("OK")), [], "it was rewritten");
        assert_eq!(learned(&mine(), None, two, Ok("OK")), [], "of two authors nobody knows");
        assert_eq!(learned(&mine(), None, two, Err("554 SendAsDenied")), []);
        assert_eq!(learned(&mine(), None, two, Err(words)), refused(&other));
        assert_eq!(learned(&mine(), None, "From: alias@outlook.com", Err("554 SendAsDenied")), refused(&alias));
        assert_eq!(learned(&mine(), None, "From: me@outlook.com", Err("554 SendAsDenied; me@outlook.com")), []);
        let graph = Account { transport: TransportKind::Graph, ..mine() };
        assert_eq!(learned(&graph, None, "From: alias@outlook.com", Ok("202")), [], "Graph replaces it silently");
        assert_eq!(learned(&graph, None, "From: alias@outlook.com", Err("ErrorSendAsDenied")), refused(&alias));
    }

    #[test]
    fn other_failures_teach_nothing() {
        let fakes = Fakes::default();
        let world = world(&fakes);
        let letter = letter(&world, &mine(), None, "From: alias@outlook.com");
        remember(&world, &mine(), &letter, Err(&Failure::new(Stage::Submission, Cause::Refused, "554 no")));
        assert!(fakes.state.records.borrow().is_empty());
    }

    #[test]
    fn a_refused_address_is_left_alone_for_a_week_and_accepted_again_clears_it() {
        let fakes = Fakes::default();
        let (world, account) = (world(&fakes), mine());
        let alias: Address = "alias@outlook.com".parse().unwrap();
        let from = |address: &str| letter(&world, &account, None, &format!("From: {address}"));
        remember(&world, &account, &from("alias@outlook.com"), Err(&denied("")));
        let refusal = KnownSenders::for_policy(&world, &account).refusal(&alias).unwrap();
        assert_eq!((refusal.on.as_str(), refusal.until.as_str()), ("2027-01-15", "2027-01-22"));
        assert_eq!(from("alias@outlook.com").authors(), std::slice::from_ref(&account.address));
        assert_eq!(from("other@outlook.com").authors(), ["other@outlook.com".parse().unwrap()]);
        world.clock.sleep(Duration::from_secs(7 * DAY - 1));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_some());
        world.clock.sleep(Duration::from_secs(1));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_none());
        remember(&world, &account, &from("alias@outlook.com"), Err(&denied("")));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_some(), "another week");
        world.clock.sleep(Duration::from_secs(7 * DAY));
        remember(&world, &account, &from("alias@outlook.com"), Ok(&Receipt::new("OK".into())));
        assert!(matches!(KnownSenders::load(&world, &account).said(&alias), Some(Said::Accepted(_))));
    }
}
