//! `outlook-sendmail test`: a real message on the real way, each step told as it happens.

use std::time::{Duration, Instant};

use lettre::Address;

use crate::account::{Account, Accounts};
use crate::attempt::Step;
use crate::commands::columns::wrapped;
use crate::commands::test_message;
use crate::credentials::{Credential, Origin};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandOption;
use crate::invocation::{CommandArguments, Verbosity};
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::report;
use crate::transcript::{Line, Speaker};
use crate::words::Words;
use crate::world::{Stream, World};

/// As wide as a time.
const INDENT: &str = "           ";

/// Sends it. Gives the exit status sendmail would end with.
pub(super) fn run(world: &World, arguments: &CommandArguments) -> u8 {
    let columns = world.person.screen(Stream::Output).map_or(80, |screen| usize::from(screen.columns)).max(40);
    let steps = Steps { world, start: world.clock.instant(), columns };
    let verdict =
        if world.places.is_own() { send_here(&steps, arguments) } else { send_through_broker(&steps, arguments) };
    match verdict {
        Ok((_, where_to)) => report::show(world, &format!("Sent. It should be in {where_to} within a minute.\n")),
        Err(failure) => {
            steps.tell(&format!("failed: {}", failure.cause.row().sentence));
            report::complain(world, &failure)
        }
    }
}

/// As any message is sent, each step told.
fn send_here(steps: &Steps<'_>, arguments: &CommandArguments) -> Result<(Receipt, String), Failure> {
    let (world, accounts) = (steps.world, Accounts::load(steps.world)?);
    let account = chosen(steps, &accounts, arguments)?;
    let recipient = recipient(account, arguments)?;
    let receipt = test_message::send(world, account, &recipient, &mut |step| match step {
        Step::Addressed(letter) => steps.tell(&format!("a message of {} octets to {recipient}", letter.size())),
        Step::Credential(credential) => steps.tell(&told(world, account, credential)),
        Step::TokenRefused => steps.tell("the cached access token was refused"),
        Step::Said(Line { speaker: Speaker::Event, text }) => steps.tell(&text.short()),
        Step::Said(Line { speaker: Speaker::Client | Speaker::Server | Speaker::Progress, .. }) => {}
    })?;
    steps.tell(&format!("{} took it: {}", account.provider.server.called(), receipt.words.short()));
    Ok((receipt, whose_inbox(account, &recipient)))
}

fn recipient(account: &Account, arguments: &CommandArguments) -> Result<Address, Failure> {
    arguments.operands.first().map_or_else(|| Ok(account.address.clone()), |written| address(written))
}

/// What the broker tells is the conversation, as it goes.
fn send_through_broker(steps: &Steps<'_>, arguments: &CommandArguments) -> Result<(Receipt, String), Failure> {
    let world = steps.world;
    let accounts = Accounts::load(world)?;
    let account = chosen(steps, &accounts, arguments)?;
    let recipient = recipient(account, arguments)?;
    steps.tell(&format!("a message to {recipient}, handed to this machine's mail service"));
    match test_message::through_broker(world, account, &recipient, Verbosity::Transcript)? {
        Taken::Sent(receipt) => Ok((receipt, whose_inbox(account, &recipient))),
        Taken::Kept { id, why } => {
            steps.tell(&format!("kept as {id}, to be sent when that has passed"));
            Err(why.about(world.places.whose()))
        }
    }
}

fn chosen<'a>(steps: &Steps<'_>, accounts: &'a Accounts, arguments: &CommandArguments) -> Result<&'a Account, Failure> {
    let account = match arguments.value(CommandOption::Account) {
        Some(name) => accounts.named(name)?,
        None => accounts.for_sender(&[])?,
    };
    let file = steps.world.places.sending_config().display();
    steps.tell(&format!("configuration {file}, account {}", account.name));
    Ok(account)
}

fn whose_inbox(account: &Account, recipient: &Address) -> String {
    if account.owns(recipient) { "your inbox".to_owned() } else { format!("the inbox of {recipient}") }
}

/// The steps as they are told, with the time since the start.
struct Steps<'a> {
    world: &'a World,
    start: Instant,
    columns: usize,
}

impl Steps<'_> {
    fn tell(&self, text: &str) {
        let passed = self.world.clock.instant().saturating_duration_since(self.start);
        let time = format!("{:>7.3} s  ", passed.as_secs_f64());
        // Nobody copies an id: it may be broken.
        let room = self.columns.saturating_sub(INDENT.len()).max(1);
        let text: Vec<_> = text.split(' ').flat_map(|word| in_pieces(word, room)).collect();
        self.world.terminal.out(&wrapped(&text.join(" "), &time, INDENT, self.columns));
    }
}

/// The word in parts of at most `room` characters.
fn in_pieces(word: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    match letters.len() {
        0 => vec![String::new()],
        _ => letters.chunks(room).map(|part| part.iter().collect()).collect(),
    }
}

fn told(world: &World, account: &Account, credential: &Credential) -> String {
    let token = match credential {
        Credential::Bearer(token) => token,
        Credential::Password(_) => return "password from the store".to_owned(),
    };
    let left = token.expires_at.duration_since(world.clock.now()).unwrap_or(Duration::ZERO).as_secs() / 60;
    match token.origin {
        Origin::Cached => format!("access token from the cache, good for {left} minutes"),
        Origin::Renewed => {
            let authority = account.authority.strip_prefix("https://").unwrap_or(&account.authority);
            format!("access token renewed at {authority}, good for {left} minutes")
        }
    }
}

fn address(written: &str) -> Result<Address, Failure> {
    written.parse().map_err(|_| Failure::new(Stage::Invocation, Cause::AddressSyntax, Words::from(written)))
}
