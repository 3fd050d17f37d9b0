"""A booted Debian 12 and the stand-in for Outlook in it: what the programs of this folder share."""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
HOST = "host1.example.org"
# What would mail by itself while a test runs.
MASKED = ["anacron.service", "anacron.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer",
          "e2scrub_reap.service", "logrotate.timer", "man-db.timer", "arpwatch.service", "mdmonitor.service",
          "mdmonitor-oneshot.timer", "mdcheck_start.timer", "mdcheck_continue.timer", "dpkg-db-backup.timer",
          "systemd-resolved.service", "systemd-networkd.service", "ssh.service", "chkrootkit.timer", "logcheck.timer"]


class Failed(Exception):
    """The test itself could not go on."""


STARTED = time.monotonic()


def say(text):
    print(f"{time.monotonic() - STARTED:6.1f} {text}", file=sys.stderr, flush=True)


def checked(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise Failed(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


class Container:
    """A booted container on an unpacked root; nothing of it is left after close()."""

    def __init__(self, packed):
        self.name = f"outlook-sendmail-{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="outlook-sendmail-container-", dir="/var/tmp"))
        self.root = self.folder / "root"
        self.console = self.folder / "console"
        self.cgroups = []
        self.nspawn = None
        self.leader = None
        self.guests = []
        self.root.mkdir(mode=0o755)
        self.packed = packed

    def unpack(self):
        checked("tar", "--extract", "--zstd", "--numeric-owner", "--xattrs", "--acls",
                "--file", self.packed, "--directory", self.root)

    def quiet(self):
        """Nothing mails by itself, nothing asks the network, and the host has a name. Before boot()."""
        for unit in MASKED:
            link = self.root / "etc/systemd/system" / unit
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
        for job in (self.root / "etc/cron.d").glob("*"):
            job.unlink()
        (self.root / "etc/crontab").write_text("")
        (self.root / "etc/systemd/journald.conf").write_text("[Journal]\nRateLimitBurst=0\n")
        (self.root / "etc/hostname").write_text(HOST + "\n")
        (self.root / "etc/mailname").write_text(HOST + "\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {HOST} host1\n")
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text("")
        # root's mail goes to a person, anybody else's where local_mail_to says.
        (self.root / "etc/aliases").write_text("root: sysadmin@example.com\n")

    def boot(self):
        top = pathlib.Path("/sys/fs/cgroup")
        mixed = [top / "systemd", top / "unified"]
        for parent in [path for path in mixed if path.is_dir()] or [top]:
            group = parent / self.name
            group.mkdir()
            self.cgroups.append(group)

        def join():
            os.setsid()
            for group in self.cgroups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit", "--link-journal=no",
                 "--private-network", f"--machine={self.name}", f"--hostname={HOST}", "--console=pipe",
                 "--notify-ready=yes", "--system-call-filter=bpf", "--volatile=overlay"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=join,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        until = time.monotonic() + 60
        while time.monotonic() < until and self.nspawn.poll() is None:
            self.leader = self.leader or self.find_leader()
            if self.leader:
                state = self.enter(["systemctl", "is-system-running"]).stdout.decode().strip()
                if state in ("running", "degraded"):
                    return state
            time.sleep(0.1)
        raise Failed(f"the container did not boot:\n{self.console.read_text(errors='replace')[-2000:]}")

    def find_leader(self):
        pid = self.nspawn.pid
        with contextlib.suppress(OSError):
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
        return None

    def command(self, command):
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["nsenter", "-t", self.leader, "-a", "/usr/bin/env", "-i", f"PATH={path}", *command]

    def enter(self, command, timeout=60):
        """Runs a command inside; a timeout is status 124. Its output goes to a file, so that a daemon it leaves
        behind cannot hold us."""
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(self.command(command), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = child.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                status = 124
            out.seek(0)
            return subprocess.CompletedProcess(command, status, out.read())

    def must(self, *command, timeout=60):
        """Runs a command inside that has to work, and gives its output."""
        done = self.enter(list(command), timeout)
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            raise Failed(f"inside: {' '.join(command)}: status {done.returncode}: {output[-800:]}")
        return output

    def network(self, up):
        """Loopback is all the network there is inside. The root has no ip(8), the machine has."""
        commands = [["link", "set", "lo", "up"], ["address", "replace", "127.0.0.1/8", "dev", "lo"], ["address", "replace", "127.0.1.1/8", "dev", "lo"]] \
            if up else [["address", "flush", "dev", "lo"], ["link", "set", "lo", "down"]]
        for words in commands:
            checked("nsenter", "-t", self.leader, "-n", "ip", *words)

    def shell(self):
        subprocess.run(self.command(["TERM=" + os.environ.get("TERM", "dumb"), "HOME=/root", "bash", "-l"]))

    def put(self, source, inside, mode=0o755):
        target = pathlib.Path(f"/proc/{self.leader}/root{inside}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)

    def close(self):
        # A second signal must not leave half of it behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        # Somebody else's children: systemd-shutdown would not notice their end, and wait for 90 seconds.
        for guest in self.guests:
            guest.kill()
            guest.wait()
        if self.nspawn and self.nspawn.poll() is None:
            self.nspawn.terminate()
            try:
                self.nspawn.wait(20)
            except subprocess.TimeoutExpired:
                say("the container does not stop by itself")
                if self.leader:
                    os.kill(int(self.leader), signal.SIGKILL)
                self.nspawn.kill()
                self.nspawn.wait()
        for group in self.cgroups:
            for path in sorted(group.rglob("*"), key=lambda path: -len(path.parts)):
                if path.is_dir():
                    with contextlib.suppress(OSError):
                        path.rmdir()
            for _ in range(50):
                for path in [*group.glob("*/"), group]:
                    with contextlib.suppress(OSError):
                        path.rmdir()
                if not group.exists():
                    break
                time.sleep(0.1)
            else:
                say(f"could not remove {group}")
        shutil.rmtree(self.folder, ignore_errors=True)


class Outlook:
    """The stand-in inside the container."""

    def __init__(self, container):
        self.child = subprocess.Popen(container.command(["/opt/stand-in", "/etc/stand-in.pem"]), bufsize=0,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        container.guests.append(self)
        self.rest = b""

    def kill(self):
        self.child.stdin.close()

    def wait(self):
        self.child.wait(10)

    def ask(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        until = time.monotonic() + 20
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.child.stdout], [], [], max(0, until - time.monotonic()))
            more = os.read(self.child.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                raise Failed(f"the stand-in does not answer to {line!r}")
            self.rest += more
        answer, self.rest = self.rest.split(b"\n", 1)
        return json.loads(answer)


def inside(container, caller, function, user, home, timeout, **variables):
    """Runs a function of a file of callers/, with those of inside.sh, as a user."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    script = f". /opt/inside.sh; . /opt/callers/{caller}; {function}"
    command = ["env", f"HOME={home}", f"USER={user}", f"LOGNAME={user}", "SHELL=/bin/bash", "LC_ALL=C.UTF-8",
               "TERM=xterm", *settings, "bash", "-c", f"cd {home}; {script}"]
    if user != "root":
        command = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", *command]
    return container.enter(command, timeout)


def one_line(text, limit=170):
    text = " / ".join(line.strip() for line in text.splitlines() if line.strip())
    return text if len(text) <= limit else text[:limit - 3] + "..."


def cell(text):
    """Text as a cell of a table in Markdown."""
    return text.replace("|", "\\|").replace("<", "\\<").replace("\x1b", "") or " "


def commit():
    return checked("git", "-C", TOP, "describe", "--always", "--dirty", "--exclude=*").strip()


def needs_tools(*more):
    """Root, and what every test of this folder is run with."""
    if os.geteuid() != 0:
        raise Failed("run as root: containers and other users' mail need it")
    missing = [tool for tool in ("systemd-nspawn", "nsenter", "zstd", "cargo", "ip", *more) if not shutil.which(tool)]
    if missing:
        raise Failed(f"needs {', '.join(missing)} (apt-get install systemd-container util-linux iproute2 zstd)")


def ends_on_signals():
    """So that what was begun is undone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))


def packed_root(kind):
    """The packed root of a kind of container, built if need be: `callers` or `system`."""
    built = subprocess.run([HERE / "build-root", kind], stdout=subprocess.PIPE, text=True)
    if built.returncode:
        raise Failed("the container's root could not be built")
    return built.stdout.strip()


def target_folder():
    """Where cargo builds to."""
    return pathlib.Path(checked(TOP / "packaging/target-folder", cwd=TOP).strip())


def build_stand_in():
    """Builds the stand-in, and gives its path."""
    checked("cargo", "build", "--quiet", "-p", "stand-in", "--example", "container-outlook", cwd=TOP)
    return target_folder() / "debug/examples/container-outlook"


def programs_main(main):
    """Runs a program of this folder; 2 is a test that could not go on."""
    try:
        sys.exit(main())
    except Failed as failure:
        say(f"{pathlib.Path(sys.argv[0]).name}: {failure}")
        sys.exit(2)
