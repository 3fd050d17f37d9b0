//! `outlook-sendmail test`: a real message on the real way, each step told as it happens.

use std::time::{Duration, Instant};

use lettre::Address;

use crate::account::{Account, Accounts};
use crate::commands::columns::wrapped;
use crate::commands::test_message::{self, SIZE_LIMIT};
use crate::credentials::{self, Credential, Origin};
use crate::envelope::{Desk, Letter, Stamp};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{Asked, Submit, Verbosity};
use crate::message::{Dots, Message};
use crate::outbox::Taken;
use crate::report::{self, Story};
use crate::submission::{self, Deadlines, Line, NoCustody, Receipt, Speaker, pace};
use crate::words::Words;
use crate::world::{Route, Stream, World, memory_spool};

/// As wide as a time.
const INDENT: &str = "           ";

/// Sends it. Gives the exit status sendmail would end with.
pub(super) fn run(world: &World, asked: &Asked) -> u8 {
    let columns = world.person.screen(Stream::Output).map_or(80, |screen| usize::from(screen.columns)).max(40);
    let steps = Steps { world, start: world.clock.instant(), columns };
    let verdict = match world.places.route {
        Route::Here => send_here(&steps, asked),
        Route::Broker | Route::Incoming => send_through_broker(&steps, asked),
    };
    match verdict {
        Ok((_, where_to)) => report::show(world, &format!("Sent. It should be in {where_to} within a minute.\n")),
        Err(failure) => {
            steps.tell(&format!("failed: {}", failure.cause.row().sentence));
            report::complain(world, &failure)
        }
    }
}

fn send_here(steps: &Steps<'_>, asked: &Asked) -> Result<(Receipt, String), Failure> {
    let mut story = Story::default();
    let verdict = send(steps, asked, &mut story);
    let taken = verdict.as_ref().map(|(receipt, _)| Taken::Sent(receipt.clone()));
    report::record(steps.world, &story, taken.as_ref().map_err(|failure| *failure));
    verdict
}

/// What the broker tells is the conversation, as it goes.
fn send_through_broker(steps: &Steps<'_>, asked: &Asked) -> Result<(Receipt, String), Failure> {
    let world = steps.world;
    let (accounts, recipient) = (Accounts::load(world)?, asked.operands.first());
    let account = chosen(steps, &accounts, asked)?;
    let recipient = recipient.map_or_else(|| Ok(account.address.clone()), |written| address(written))?;
    steps.tell(&format!("a message to {recipient}, handed to this machine's mail service"));
    match test_message::through_broker(world, account, &recipient, Verbosity::Transcript)? {
        Taken::Sent(receipt) => Ok((receipt, whose_inbox(account, &recipient))),
        Taken::Kept { id, why } => {
            steps.tell(&format!("kept as {id}, to be sent when that has passed"));
            Err(why.about(world.places.whose()))
        }
    }
}

fn chosen<'a>(steps: &Steps<'_>, accounts: &'a Accounts, asked: &Asked) -> Result<&'a Account, Failure> {
    let account = match &asked.account {
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

fn send(steps: &Steps<'_>, asked: &Asked, story: &mut Story) -> Result<(Receipt, String), Failure> {
    let world = steps.world;
    let accounts = Accounts::load(world)?;
    let account = chosen(steps, &accounts, asked)?;
    story.read_account(account);
    let times = Deadlines::new(account, world.clock.instant());
    let recipient = match asked.operands.first() {
        Some(written) => address(written)?,
        None => account.address.clone(),
    };
    let mut letter = letter(world, account, &recipient, story)?;
    story.read_letter(&letter);
    steps.tell(&format!("a message of {} octets to {recipient}", letter.size()));

    submission::check(account, &letter)?;
    let credential = credentials::credential(world, account, times.before_dot)?;
    steps.tell(&told(world, account, &credential));
    let mut submit = |credential: &Credential| {
        let mut transcript = |line: Line| match line.speaker {
            Speaker::Event => steps.tell(&line.text.short()),
            Speaker::Client | Speaker::Server | Speaker::Progress => {}
        };
        submission::submit(world, account, credential, times, &mut transcript, &mut letter, &mut NoCustody)
    };
    // It counts as any other message does.
    let verdict = pace::submit(world, account, times, &mut || match submit(&credential) {
        Err(refused) if refused.cause == Cause::AuthRejected && credential.is_cached() => {
            steps.tell("the cached access token was refused");
            let credential = credential.renewed(world, account, times.before_dot)?;
            steps.tell(&told(world, account, &credential));
            submit(&credential)
        }
        verdict => verdict,
    });
    let receipt = verdict?;
    steps.tell(&format!("{} took it: {}", account.provider.server.called(), receipt.words.short()));
    Ok((receipt, whose_inbox(account, &recipient)))
}

/// The message a person would write, through everything any message goes through.
fn letter(world: &World, account: &Account, recipient: &Address, story: &mut Story) -> Result<Letter, Failure> {
    let stamp = Stamp::now(world);
    let octets = test_message::message(account, recipient, &world.caller.host_name, &stamp);
    let message = Message::read(&mut octets.as_slice(), false, Dots::Content, memory_spool(), SIZE_LIMIT)?;
    let operand = recipient.to_string().into_bytes();
    let submit = Submit { operands: vec![operand], dots: Dots::Content, ..Submit::default() };
    story.read_message(&message, &submit.operands);
    let desk = Desk::new(world, account, &world.caller, stamp);
    Letter::address(&submit, message, &desk)
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
