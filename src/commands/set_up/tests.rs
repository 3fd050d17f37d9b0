//! What `login` writes for accounts whose endpoints are Microsoft's own.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::account::Accounts;
use crate::fake_world::Fakes;
use crate::reply::Reply;
use crate::world::Server;
use crate::world::{FileFault, Files, Network, Readers, Wire, WireFault};

/// A configuration file.
#[derive(Default)]
struct Paper(RefCell<Option<String>>);

impl Files for Rc<Paper> {
    fn read(&self, _: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        Ok(self.0.borrow().clone().map(String::into_bytes))
    }
    fn read_alias_include(&self, _: &Path) -> Result<Vec<u8>, FileFault> {
        Err(FileFault::NotRegular)
    }
    fn write(&self, _: &Path, content: &[u8], _: Readers) -> Result<(), FileFault> {
        *self.0.borrow_mut() = Some(String::from_utf8(content.to_vec()).unwrap());
        Ok(())
    }
}

/// Servers that take every sign-in.
struct Welcoming;

impl Network for Welcoming {
    fn connect(&self, _: Server<'_>, _: Instant) -> Result<Box<dyn Wire>, WireFault> {
        let lines = ["220 hello", "250-x\r\n250 STARTTLS", "220 go", "250-x\r\n250 AUTH LOGIN XOAUTH2", "235 in"];
        Ok(Box::new(Saying(lines.into_iter())))
    }
}

struct Saying(std::array::IntoIter<&'static str, 5>);

impl Wire for Saying {
    fn send(&mut self, _: &[u8], _: Instant) -> Result<(), WireFault> {
        Ok(())
    }
    fn has_unread(&mut self) -> Result<bool, WireFault> {
        Ok(false)
    }
    fn reply(&mut self, _: Instant) -> Result<Reply, WireFault> {
        let line = self.0.next().ok_or(WireFault::TimedOut)?;
        Ok(crate::fake_world::parse_reply(format!("{line}\r\n").as_bytes()).unwrap())
    }
    fn start_tls(&mut self, _: Instant) -> Result<(), WireFault> {
        Ok(())
    }
    fn address_literal(&self) -> String {
        "[192.0.2.1]".into()
    }
}

/// Runs `login` over a configuration, somebody with this address approving. Gives the configuration afterwards.
fn after(config: Option<&str>, arguments: &CommandArguments, email: &str) -> (Result<(), Failure>, String, Fakes) {
    let fakes = Fakes::default();
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"email":"{email}"}}"#));
    fakes.answers(200, r#"{"device_code":"D1","user_code":"X","verification_uri":"https://u.example"}"#).answers(
        200,
        &format!(r#"{{"access_token":"A1","refresh_token":"R1","expires_in":3600,"id_token":"e30.{claims}.s"}}"#),
    );
    let file = Rc::new(Paper(RefCell::new(config.map(str::to_owned))));
    let mut world = fakes.world();
    world.files = Box::new(Rc::clone(&file));
    world.network = Box::new(Welcoming);
    let outcome = set_up(&world, arguments);
    let text = file.0.borrow().clone().unwrap_or_default();
    (outcome, text, fakes)
}

fn arguments(operands: &[&str]) -> CommandArguments {
    let mut arguments = CommandArguments::default().with(CommandOption::ClientId, "id");
    arguments.operands.extend(operands.iter().map(|operand| (*operand).to_owned()));
    arguments
}

const FIRST: &str = "# outlook-sendmail\n\n[accounts.me]\naddress = \"me@outlook.com\"\nclient_id = \"id\"\n";

#[test]
fn the_first_account_is_a_table_with_its_address_and_client_id() {
    let (outcome, text, fakes) = after(None, &arguments(&[]), "me@outlook.com");
    assert_eq!((outcome, text.as_str()), (Ok(()), FIRST));
    assert!(fakes.paper.out.borrow().contains("Wrote account me to "), "{}", fakes.paper.out.borrow());
    assert!(fakes.store.text("grant:me@outlook.com").contains("R1"));
    // At a terminal, where nobody answers, nothing is sent.
    assert_eq!(fakes.person.questions.borrow()[0].0, "Send a test message to me@outlook.com? [Y/n] ");
}

#[test]
fn a_second_account_is_added_and_the_first_stays_the_one_that_counts() {
    let (outcome, text, _) = after(Some(FIRST), &arguments(&["you@outlook.com"]), "you@outlook.com");
    assert_eq!(outcome, Ok(()));
    let second = "\n[accounts.you]\naddress = \"you@outlook.com\"\nclient_id = \"id\"\n";
    assert_eq!(text, format!("account = \"me\"\n\n{FIRST}{second}"));
    let accounts = Accounts::parse(Path::new("c"), text.as_bytes()).unwrap();
    assert_eq!(accounts.for_sender(&[]).unwrap().name, "me");

    let named = arguments(&[]).with(CommandOption::Account, "the other").with(CommandOption::Store, "file");
    let (outcome, text, _) = after(Some(&text), &named, "other@outlook.com");
    assert_eq!(outcome, Ok(()));
    let third = "\n[accounts.\"the other\"]\naddress = \"other@outlook.com\"\nclient_id = \"id\"\nstore = \"file\"\n";
    assert_eq!(text, format!("account = \"me\"\n\n{FIRST}{second}{third}"));
}

#[test]
fn a_bad_option_is_the_options_fault_and_not_the_files() {
    for file in [None, Some(FIRST)] {
        for (option, wanted) in [
            ("--store", arguments(&[]).with(CommandOption::Store, "drawer")),
            ("--transport", arguments(&[]).with(CommandOption::Transport, "pigeon")),
        ] {
            let (outcome, text, _) = after(file, &wanted, "me@outlook.com");
            let failure = outcome.unwrap_err();
            assert_eq!(failure.cause, Cause::BadValue, "{}", failure.line());
            let line = failure.line();
            assert!(line.starts_with(&format!("option has a value it cannot have: {option} ")), "{line}");
            assert!(!line.contains(" line "), "{line}");
            assert_eq!(text, file.unwrap_or_default());
        }
    }
}

#[test]
fn a_mailbox_under_another_name_is_the_account_it_is() {
    let known = FIRST.to_owned() + "send_as = [\"alias@outlook.com\"]\n";
    let (outcome, text, fakes) = after(Some(&known), &arguments(&["alias@outlook.com"]), "me@outlook.com");
    assert_eq!((outcome, text.as_str()), (Ok(()), known.as_str()));
    assert!(fakes.store.text("grant:me@outlook.com").contains("R1"));
    assert!(fakes.person.questions.borrow().iter().all(|(question, _)| question.starts_with("Send a test message")));
    // Nobody has said that it is the same mailbox.
    for configuration in [Some(FIRST), None] {
        let (outcome, text, fakes) = after(configuration, &arguments(&["alias@outlook.com"]), "me@outlook.com");
        let failure = outcome.unwrap_err();
        assert_eq!((failure.cause, text.as_str()), (Cause::SignInDeclined, configuration.unwrap_or_default()));
        assert!(failure.detail.whole().starts_with("signed in as me@outlook.com, not as alias@outlook.com;"));
        assert_eq!(fakes.person.questions.borrow().len(), 1);
        assert!(fakes.store.saves.borrow().is_empty());
    }
}

#[test]
fn a_work_account_is_microsoft_365s() {
    for tenant in ["organizations", "contoso.example"] {
        let wanted = arguments(&[]).with(CommandOption::Tenant, tenant);
        let (outcome, text, fakes) = after(None, &wanted, "me@contoso.example");
        assert_eq!(outcome, Ok(()));
        let expected = format!(
            "# outlook-sendmail\n\n[accounts.me]\naddress = \"me@contoso.example\"\nclient_id = \"id\"\n\
             provider = \"microsoft365\"\ntenant = \"{tenant}\"\n"
        );
        assert_eq!(text, expected);
        let request = fakes.https.requests.borrow()[0].clone();
        assert!(request.starts_with(&format!("https://login.microsoftonline.com/{tenant}/oauth2/")), "{request}");

        let (outcome, text, _) = after(None, &wanted, "me@hotmail.co.uk");
        assert_eq!((outcome.unwrap_err().cause, text.as_str()), (Cause::BadValue, ""));
    }
    let back = arguments(&[]).with(CommandOption::Tenant, "consumers");
    let work = FIRST.to_owned() + "provider = \"microsoft365\" # work\n";
    let (outcome, text, _) = after(Some(&work), &back, "me@outlook.com");
    assert_eq!(outcome, Ok(()));
    let expected = work
        .replace("\"microsoft365\"", "\"outlook\"")
        .replace("address = \"me@outlook.com\"\n", "address = \"me@outlook.com\"\ntenant = \"consumers\"\n");
    assert_eq!(text, expected);
}

#[test]
fn nobody_is_made_somebody_else_without_being_asked() {
    let (outcome, text, fakes) = after(Some(FIRST), &arguments(&[]), "you@outlook.com");
    assert_eq!((outcome.unwrap_err().cause, text.as_str()), (Cause::SignInDeclined, FIRST));
    assert_eq!(fakes.person.questions.borrow().len(), 1);
    assert!(fakes.store.saves.borrow().is_empty());
}
