//! SIGKILL at points drawn from fixed seeds: the client, a child of the broker's, its supervisor, a run of the queue.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stand_in::Dialogue;

use super::boundaries::forget_pace;
use super::ledger::{Ledger, Told};
use super::{by_hand, say};
use harness::system::System;
use harness::{SOON, run};

const USERS: [u32; 6] = [0, 33, 65_534, 62_611, 2, 38];

/// Marsaglia's xorshift: the same points every time, as far as the machine lets them be.
struct Draw(u32);

impl Draw {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}

fn start(mut command: Command, input: &[u8]) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child
}

/// The broker's children, by what the kernel lists.
fn children(pid: u32) -> Vec<Pid> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_ascii_whitespace().map(|child| Pid::from_raw(child.parse().unwrap())).collect()
}

#[test]
fn killed_at_random_points_no_process_of_the_brokers_loses_or_doubles_a_message() {
    let latency = Duration::from_millis(3);
    let Some(mut system) = System::start_with(|options| options.latency = latency, &[("on_failure", "\"keep\"")])
    else {
        return;
    };
    let later = "on banner 2 times 2: 421 4.3.2 later\non content 4 times 2: 451 4.3.2 later";
    let rounds = by_hand().unwrap_or(20);
    let (mut draw, mut ledger, mut killed) = (Draw(0x2545_f491), Ledger::default(), [0; 4]);
    for round in 0..rounds {
        forget_pace(&system.folder("var-lib"));
        if round % 6 == 0 {
            system.machine.outlook.smtp.set_dialogue(&Dialogue::parse(later).unwrap());
        }
        let clients: Vec<_> = (0..2)
            .map(|number| {
                let recipient = format!("round-{round}-{number}@example.org");
                let message = format!("Subject: {recipient}\n\nThe text.\n");
                let uid = USERS[draw.below(6) as usize];
                let mut command = system.as_user(uid, "sendmail");
                command.arg(&recipient);
                (recipient, start(command, message.as_bytes()))
            })
            .collect();
        let mut queue = system.as_user(0, "sendmail");
        queue.arg("-q");
        let mut queue = start(queue, b"");
        let target = draw.below(4);
        killed[target as usize] += 1;
        sleep(Duration::from_micros(u64::from(draw.below(90_000))));
        let mut clients = clients;
        match target {
            0 => drop(clients[0].1.kill()),
            1 => children(system.broker_pid()).into_iter().for_each(|child| {
                let _ = kill(child, Signal::SIGKILL);
            }),
            2 => system.kill_broker(),
            _ => drop(queue.kill()),
        }
        if target == 2 {
            system.listen(&[]);
        }
        for (recipient, mut client) in clients {
            ledger.note(&recipient, Told::by(client.wait().unwrap().code().unwrap_or(-1)));
        }
        queue.wait().unwrap();
    }
    system.machine.outlook.smtp.set_dialogue(&Dialogue::parse("").unwrap());
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON));
    for _ in 0..2 {
        forget_pace(&system.folder("var-lib"));
        system.sendmail(0, &["-q"], b"").assert_all_sent_or_uncertain();
    }
    ledger.read_list(&run(&mut system.as_user(0, "mailq"), b"").stdout);
    let tally = ledger.judge(&system.machine.outlook);
    let [client, child, supervisor, queue] = killed;
    say(&format!(
        "{rounds} kills ({client} clients, {child} times the children, {supervisor} supervisors, {queue} queues), {} \
         messages: {tally}",
        ledger.len()
    ));
}
