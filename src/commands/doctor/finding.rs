//! What a check finds, and the sheet it is written on.

use lettre::Address;

use crate::commands::columns::wrapped;
use crate::failure::{Failure, Whose, for_account, for_the_system};
use crate::world::{Escapes, Stream, World};

/// What a check found.
#[derive(Debug)]
pub(super) enum Finding {
    /// As it should be.
    Fine(String),
    /// Mail gets out, but somebody may be surprised: what is odd, and what to do.
    Odd(String, String),
    /// Mail does not get out, or the next will not.
    Bad(Failure),
    /// Not looked at, and why.
    Unknown(String),
}

/// The sheet as it is written, line by line.
pub(super) struct Sheet<'a> {
    world: &'a World,
    columns: usize,
    colours: bool,
    status: u8,
    /// The account that is looked at, where there are several.
    account: Option<String>,
}

/// Where the words begin: behind mark and name.
const INDENT: &str = "                      ";

impl<'a> Sheet<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let screen = world.person.screen(Stream::Output);
        Self {
            world,
            columns: screen.map_or(80, |screen| usize::from(screen.columns)).clamp(40, 120),
            colours: screen.is_some_and(|screen| screen.escapes == Escapes::Colours),
            status: 0,
            account: None,
        }
    }

    /// What follows is about one account of several.
    pub(super) fn begin_account(&mut self, name: &str, address: &Address) {
        self.world.terminal.out(&format!("\naccount {name}, {address}\n"));
        self.account = Some(name.to_owned());
    }

    /// What follows is about none of them.
    pub(super) fn begin_machine(&mut self) {
        self.world.terminal.out("\nthis machine\n");
        self.account = None;
    }

    /// A remedy, for the account it is about.
    fn addressed(&self, remedy: &str, whose: Whose) -> String {
        let remedy = match whose {
            Whose::User => remedy.to_owned(),
            Whose::System => for_the_system(remedy),
        };
        match &self.account {
            Some(name) => for_account(&remedy, name),
            None => remedy,
        }
    }

    pub(super) fn tell(&mut self, name: &str, finding: Finding) {
        let (mark, colour, text, remedy) = match finding {
            Finding::Fine(text) => ("ok  ", "32", text, String::new()),
            Finding::Odd(text, remedy) => ("warn", "33", text, self.addressed(&remedy, self.world.places.whose())),
            Finding::Unknown(text) => ("--  ", "0", text, String::new()),
            Finding::Bad(failure) => {
                if self.status == 0 {
                    self.status = failure.exit_status() as u8;
                }
                let whose = match failure.whose {
                    Whose::System => Whose::System,
                    Whose::User => self.world.places.whose(),
                };
                let failure = failure.about(whose);
                let sentence = failure.sentence();
                let detail = failure.detail.short();
                let text = if detail.is_empty() { sentence.to_owned() } else { format!("{sentence}: {detail}") };
                // Its advice says already whose it is.
                ("FAIL", "31", text, self.addressed(&remedy(&failure.advice()), Whose::User))
            }
        };
        let mut lines = wrapped(&text, &format!("{mark}  {name:<14}  "), INDENT, self.columns);
        if !remedy.is_empty() {
            lines += &wrapped(&remedy, &format!("{}-> ", &INDENT), &format!("{INDENT}   "), self.columns);
        }
        if self.colours {
            lines = lines.replacen(mark, &format!("\x1b[{colour}m{mark}\x1b[0m"), 1);
        }
        self.world.terminal.out(&lines);
    }

    pub(super) fn status(&self) -> u8 {
        self.status
    }
}

/// The table's advice speaks of a message; here there is none.
fn remedy(advice: &str) -> String {
    let advice = advice.replace("? nothing was sent", "?");
    let parts = advice.split("; ").filter(|part| *part != "nothing was sent");
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Stage};
    use crate::fake_world::Fakes;
    use crate::world::Screen;

    #[test]
    fn a_screen_gets_colours_and_lines_that_fit_it() {
        let fakes = Fakes::default();
        let told = |screen: Option<Screen>| {
            fakes.person.screen.set(screen);
            fakes.paper.out.borrow_mut().clear();
            let world = fakes.world();
            let mut sheet = Sheet::new(&world);
            sheet.tell("clock", Finding::Odd("eight minutes behind".to_owned(), "set the clock now".to_owned()));
            sheet.tell("store", Finding::Bad(Failure::new(Stage::Credentials, Cause::KeyringHung, "")));
            sheet.tell("sign-in", Finding::Bad(Failure::new(Stage::Credentials, Cause::NoGrant, "")));
            assert_eq!(sheet.status(), 75, "the first that fails");
            fakes.paper.out.borrow().clone()
        };
        let narrow = told(Some(Screen { columns: 40, escapes: Escapes::Colours }));
        assert!(
            narrow.starts_with("\x1b[33mwarn\x1b[0m  clock           eight minutes\n                      behind\n")
        );
        assert!(
            narrow.contains("\n                      -> set the clock\n                         now\n"),
            "{narrow}"
        );
        assert!(narrow.contains("\x1b[31mFAIL\x1b[0m  store"), "{narrow}");
        for screen in [None, Some(Screen { columns: 120, escapes: Escapes::Lines })] {
            assert!(told(screen).starts_with("warn  clock           eight minutes behind\n"));
        }
    }

    #[test]
    fn no_remedy_speaks_of_a_message() {
        assert_eq!(remedy("is port 587 blocked here? nothing was sent"), "is port 587 blocked here?");
        assert_eq!(remedy("nothing was sent; try again later"), "try again later");
    }
}
