//! A person at a terminal: answers questions as they come up, and hands over everything the screen showed.

use std::process::Command;

use super::{Run, feed, installed};

/// Its arguments: pairs of what to wait for and what to type, `--`, a command. An answer that begins with a hash is
/// typed, without the hash, as soon as the terminal no longer shows what is typed.
const TYPIST: &str = r##"
import os, pty, select, subprocess, sys, termios, time
end = sys.argv.index("--")
pairs, command = sys.argv[1:end], sys.argv[end + 1:]
screen, keyboard = pty.openpty()
child = subprocess.Popen(command, stdin=keyboard, stdout=keyboard, stderr=keyboard, start_new_session=True)
shown, place = b"", 0
while True:
    if pairs and (at := shown.find(pairs[0].encode(), place)) >= 0:
        place, typed = at + len(pairs[0].encode()), pairs[1]
        if typed.startswith("#"):
            typed = typed[1:]
            while termios.tcgetattr(keyboard)[3] & termios.ECHO:
                time.sleep(0.01)
        os.write(screen, typed.encode() + b"\n")
        pairs = pairs[2:]
        continue
    if child.poll() is not None and keyboard is not None:
        os.close(keyboard)
        keyboard = None
    if keyboard is not None:
        if not select.select([screen], [], [], 0.05)[0]:
            continue
    try:
        got = os.read(screen, 65536)
    except OSError:
        break
    if not got:
        break
    shown += got
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.stderr.write("".join(pairs[::2]))
sys.exit(child.returncode)
"##;

/// Runs the command at a terminal; `answers` are what to wait for and what to type then. Standard output of the run is
/// the screen, standard error the questions that never came.
pub fn at_a_terminal(command: &Command, answers: &[(&str, &str)]) -> Option<Run> {
    if !installed("python3") {
        return None;
    }
    let mut typist = Command::new("/usr/bin/python3");
    typist.args(["-c", TYPIST]).args(answers.iter().flat_map(|(question, answer)| [question, answer]));
    typist.arg("--").arg(command.get_program()).args(command.get_args());
    typist.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(feed(&mut typist, b""))
}
