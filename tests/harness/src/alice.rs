//! Who the expectations of `tests/callers` are written for: alice on host1, whoever runs the test and wherever.

use std::fs;
use std::process::Command;

use super::{Machine, run, skipped};

/// Names of its own, files of its own.
const AS_ALICE_ON_HOST1: &str = "
    echo host1 > /proc/sys/kernel/hostname
    cd \"$1\" && mount --bind hosts /etc/hosts && mount --bind passwd /etc/passwd || exit 125
    shift && exec \"$@\"";
const HOSTS: &str = "127.0.0.1 localhost\n127.0.1.1 host1.example.org host1\n";
const PASSWD: &str = "alice:x:0:0:Alice Example,,,:/home/alice:/bin/sh\n";

/// A command that runs what its further arguments say, as alice on host1.
pub fn as_alice(machine: &Machine) -> Command {
    let folder = machine.folder.path();
    fs::write(folder.join("hosts"), HOSTS).unwrap();
    fs::write(folder.join("passwd"), PASSWD).unwrap();
    let mut command = machine.command("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--uts", "--mount", "/bin/sh", "-c", AS_ALICE_ON_HOST1, "sh"]).arg(folder);
    command
}

/// Whether this process may have files and names of its own.
pub fn may_be_alice(machine: &Machine) -> bool {
    let may = run(as_alice(machine).arg("true"), b"").status == 0;
    if !may {
        skipped("unshare --uts --mount does not work: no host name and users of a process's own");
    }
    may
}
