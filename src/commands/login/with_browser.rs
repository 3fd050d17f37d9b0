//! Signing in with a browser: opened here when there is one, else its last page is pasted.

use std::time::{Duration, Instant};

use lettre::Address;

use crate::account::Account;
use crate::credentials::SignedIn;
use crate::credentials::browser::{Redirect, Request};
use crate::failure::{Cause, Failure, Stage};
use crate::secret::Secret;
use crate::world::{Arrival, Loopback, Status, Visit, World};

use super::status_line::{StatusLine, minutes_and_seconds};

/// How long a person may take, as with a code.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How often the time left is shown anew.
const TICK: Duration = Duration::from_secs(1);

/// The same where somebody may be pasting into that line.
const TICK_BESIDE_KEYBOARD: Duration = Duration::from_secs(60);

/// What is over, and what is not.
type Outcome = Option<Result<SignedIn, Failure>>;

pub(super) fn sign_in(
    world: &World,
    account: &Account,
    client_id: &str,
    named: Option<&Address>,
) -> Result<SignedIn, Failure> {
    let loopback = world.browser.listen();
    let mut loopback = loopback.map_err(|words| failure(Cause::LoopbackUnavailable, words))?;
    let request = Request::new(world, account, client_id, loopback.port(), named.map(AsRef::as_ref));
    let opened = world.browser.open(&request.url);
    let keyboard = world.input.is_terminal();
    world.terminal.out(&instructions(&request, opened, keyboard));
    let desk = Desk { world, account, request, line: StatusLine::new(world), keyboard };
    let outcome = desk.wait(&mut *loopback, world.clock.instant() + PATIENCE);
    desk.line.erase();
    outcome
}

fn instructions(request: &Request, opened: bool, keyboard: bool) -> String {
    let open = if opened {
        "To sign in, go to your browser. If it does not show Microsoft's page, open it there:"
    } else {
        "To sign in, open this page in a browser:"
    };
    let mut text = format!("{open}\n\n{}\n\n", request.url);
    if keyboard {
        text.push_str(
            "If that browser runs on another machine, the last page it is sent to does not\n\
             load. Copy the address of that page and paste it here.\n\n",
        );
    }
    text
}

/// Where the answer is waited for.
struct Desk<'a> {
    world: &'a World,
    account: &'a Account,
    request: Request,
    line: StatusLine<'a>,
    keyboard: bool,
}

impl Desk<'_> {
    fn wait(&self, loopback: &mut dyn Loopback, until: Instant) -> Result<SignedIn, Failure> {
        let tick = if self.keyboard { TICK_BESIDE_KEYBOARD } else { TICK };
        loop {
            let now = self.world.clock.instant();
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Err(failure(Cause::SignInDeclined, NOBODY_CAME));
            }
            let paste = if self.keyboard { ". Paste here: " } else { "" };
            self.line.show(&format!("Waiting for your browser, {} left{paste}", minutes_and_seconds(left)));
            let outcome = match loopback.next(until.min(now + tick)) {
                Arrival::Nothing => None,
                Arrival::Visit(visit) => self.visited(visit),
                Arrival::Line(line) => self.pasted(&line),
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    fn visited(&self, visit: Box<dyn Visit>) -> Outcome {
        let outcome = match self.request.read(visit.target()) {
            Redirect::Unrelated => {
                visit.answer(Status::NotFound, &page("Nothing here", ""));
                return None;
            }
            Redirect::Foreign => {
                visit.answer(Status::BadRequest, &page("Another sign-in", "This page belongs to another sign-in."));
                return None;
            }
            Redirect::Code(code) => self.redeemed(&code),
            Redirect::Ended(failure) => Err(failure),
        };
        // Only now it is known what to say.
        let page = match &outcome {
            Ok(_) => page("Signed in", "You can close this page and go back to the terminal."),
            Err(_) => page("Not signed in", "The terminal says why."),
        };
        visit.answer(Status::Ok, &page);
        Some(outcome)
    }

    fn pasted(&self, line: &Secret) -> Outcome {
        self.line.erase();
        let advice = match self.request.read(line) {
            Redirect::Code(code) => return Some(self.redeemed(&code)),
            Redirect::Ended(failure) => return Some(Err(failure)),
            Redirect::Foreign => "That page belongs to another sign-in; open the one above.\n".to_owned(),
            Redirect::Unrelated if line.reveal().trim_ascii().is_empty() => return None,
            Redirect::Unrelated => {
                format!("That is not it: the address begins with {}/?\n", self.request.redirect_uri())
            }
        };
        self.world.terminal.err(&advice);
        None
    }

    fn redeemed(&self, code: &Secret) -> Result<SignedIn, Failure> {
        self.request.redeem(self.world, self.account, code)
    }
}

/// Microsoft shows an unregistered redirect URI (AADSTS50011) on its page and tells nobody else.
const NOBODY_CAME: &str = "no browser came back within 15 minutes; if Microsoft's page names the redirect URI, add \
                           http://localhost to the registration";

fn failure(cause: Cause, detail: impl Into<crate::words::SafeText>) -> Failure {
    Failure::new(Stage::Credentials, cause, detail)
}

fn page(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title} - outlook-sendmail</title>\n\
         <style>:root {{ color-scheme: light dark }} body {{ font: 1.2em system-ui, sans-serif; max-width: 30em; \
         margin: 20vh auto; padding: 0 1em }}</style>\n<h1>{title}</h1>\n<p>{text}</p>\n</html>\n"
    )
}
