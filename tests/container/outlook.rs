//! The stand-in for Outlook inside the container, told what to do and asked what arrived by lines on standard input.
//!
//! Started with the file to write the authority's certificate to. Every line is answered with one line of JSON:
//! `config` gives the client's config.toml, `accept` and `refuse TEXT` decide the answer to the final dot, `received` tells
//! every message that came whole, `connections` every conversation, `forget` drops both; `dialogue TEXT` has it answer
//! otherwise (` / ` between its lines), `whole` counts the messages that came up to their dot, answered or not, and
//! `revoke` ends all access tokens. It ends with standard input.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use serde_json::{Value, json};
use stand_in::{DeviceFlow, Dialogue, Options, Outlook, Received};

fn main() -> Result<(), Box<dyn Error>> {
    let ca_file = std::env::args().nth(1).ok_or("usage: container-outlook CA-FILE")?;
    let outlook = Outlook::start(Options::new(ca_file))?;
    outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 1, ..DeviceFlow::default() });
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match word {
            "config" => json!(outlook.config_toml()),
            "accept" => dialogue(&outlook, "")?,
            "refuse" => dialogue(&outlook, &format!("on content: {rest}\n"))?,
            "received" => {
                outlook.smtp.wait_until_idle(Duration::from_secs(5));
                outlook.smtp.received_whole().iter().map(told).collect()
            }
            "dialogue" => dialogue(&outlook, &rest.replace(" / ", "\n"))?,
            "grant" => json!({
                "authority": outlook.authority_url(),
                "refresh": outlook.refresh_token(),
                "access": outlook.access_token(),
            }),
            "whole" => json!(outlook.smtp.received_whole().len()),
            "revoke" => {
                outlook.tokens.revoke_all_access();
                json!(null)
            }
            "connections" => json!(outlook.smtp.transcript()),
            "forget" => {
                outlook.smtp.wait_until_idle(Duration::from_secs(5));
                outlook.smtp.forget();
                json!(null)
            }
            _ => json!({ "error": format!("unknown word {word}") }),
        };
        writeln!(io::stdout(), "{answer}")?;
    }
    Ok(())
}

fn dialogue(outlook: &Outlook, text: &str) -> Result<Value, Box<dyn Error>> {
    outlook.smtp.set_dialogue(&Dialogue::parse(text)?);
    Ok(json!(null))
}

fn told(message: &Received) -> Value {
    json!({
        "from": message.mail_from,
        "to": message.recipients(),
        "code": message.code,
        "data": message.text(),
    })
}
