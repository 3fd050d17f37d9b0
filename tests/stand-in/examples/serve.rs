//! Starts a stand-in for Outlook and keeps it running, for trying this program, or any client, by hand:
//! `cargo run -p stand-in --example serve -- [FILE.dialogue | ADDRESS]`; an address is the mailbox's.

use std::error::Error;
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use stand_in::endpoint::APPROVAL;
use stand_in::{DeviceFlow, Dialogue, Options, Outlook};

fn main() -> Result<(), Box<dyn Error>> {
    let (account, file): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.contains('@'));
    let dialogue = match file.first() {
        Some(path) => Some(Dialogue::parse(&fs::read_to_string(path)?)?),
        None => None,
    };
    let folder = std::env::temp_dir().join(format!("stand-in-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    let usual = Options::new(folder.join("ca.pem"));
    let account = account.into_iter().next().unwrap_or_else(|| usual.account.clone());
    let ended = serve(&folder, Options { dialogue, account, ..usual });
    fs::remove_dir_all(&folder)?;
    ended
}

fn serve(folder: &Path, options: Options) -> Result<(), Box<dyn Error>> {
    let outlook = Outlook::start(options)?;
    let verification_uri = format!("{}{APPROVAL}", outlook.authority_url());
    let until_approved = u32::MAX as usize;
    outlook.endpoint.set_device_flow(DeviceFlow { pending: until_approved, verification_uri, ..DeviceFlow::default() });
    let config = folder.join("config.toml");
    fs::write(&config, outlook.config_toml())?;
    println!("{}", outlook.config_toml());
    println!("# access token:  {}", outlook.access_token());
    println!("# refresh token: {}", outlook.refresh_token());
    println!("\nOutlook stands in. In another terminal, run:\n\n    . {}\n", environment(folder, &config)?.display());
    println!("Ctrl-D here ends it, and prints what was said and what arrived.");
    io::stdin().read_to_end(&mut Vec::new())?;
    println!("{}", outlook.smtp.transcript());
    for received in outlook.smtp.received_whole() {
        println!("{}\n{}\n{:?}\n{}", received.mail_from, received.rcpt_to.join("\n"), received.facts, received.text());
    }
    for post in outlook.graph.accepted() {
        println!("Graph, to {}\n{}", post.recipients.join(", "), String::from_utf8_lossy(&post.data));
    }
    Ok(())
}

/// A script that makes a shell use this stand-in and the program that was built beside us.
fn environment(folder: &Path, config: &Path) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let example = std::env::current_exe()?;
    let built = example.ancestors().nth(2).ok_or("no folder of programs")?;
    let script = built.parent().ok_or("no folder for the script")?.join("stand-in.sh");
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    let state = folder.join("state");
    fs::write(
        &script,
        format!(
            "export OUTLOOK_SENDMAIL_CONFIG={} XDG_STATE_HOME={}\nexport PATH={}:\"$PATH\"\n",
            quoted(config),
            quoted(&state),
            quoted(built)
        ),
    )?;
    Ok(script)
}
