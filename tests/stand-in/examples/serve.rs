//! Starts a stand-in for Outlook and keeps it running, for trying any client by hand:
//! `cargo run -p stand-in --example serve -- [FILE.dialogue]`.

use std::error::Error;
use std::io::{self, Read};

use stand_in::{Dialogue, Options, Outlook};

fn main() -> Result<(), Box<dyn Error>> {
    let dialogue = match std::env::args().nth(1) {
        Some(path) => Some(Dialogue::parse(&std::fs::read_to_string(path)?)?),
        None => None,
    };
    let ca_file = std::env::temp_dir().join(format!("stand-in-{}.pem", std::process::id()));
    let outlook = Outlook::start(Options { dialogue, ..Options::new(ca_file) })?;
    println!("{}", outlook.config_toml());
    println!("# access token:  {}", outlook.access_token());
    println!("# refresh token: {}", outlook.refresh_token());
    println!("# end of standard input ends it and prints what was said");
    io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", outlook.smtp.transcript());
    for received in outlook.smtp.received_whole() {
        println!("{}\n{}\n{:?}\n{}", received.mail_from, received.rcpt_to.join("\n"), received.facts, received.text());
    }
    Ok(())
}
