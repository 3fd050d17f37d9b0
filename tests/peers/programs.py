"""The three sendmails: what one call left in the queue, or put on the wire."""

import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "me@outlook.com"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/alice", "USER": "alice", "LOGNAME": "alice"}
PATIENCE = 120


@dataclass
class Outcome:
    """What became of one call. A message has a sender; without one nothing was taken."""

    status: int
    said: str = ""
    sender: str | None = None
    recipients: list = field(default_factory=list)
    fields: list = field(default_factory=list)
    body: bytes = b""

    @property
    def taken(self):
        return self.sender is not None


def call(command, data, **more):
    """Runs a program; all of standard input is there, whether it is read or not."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more
    ) as program:
        try:
            said, _ = program.communicate(data, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            said, _ = program.communicate()
            return Outcome(-9, "killed: " + said.decode("utf-8", "replace"))
        return Outcome(program.returncode, said.decode("utf-8", "replace"))


def split_fields(header):
    """Header lines (with LF) to (name, value with its line ends)."""
    fields = []
    for line in header:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1] += b"\n" + line
        else:
            name, colon, value = line.partition(b":")
            if colon:
                fields.append([name.rstrip(), value])
            else:
                fields.append([b"", line])
    return [(name.decode("latin-1"), value) for name, value in fields]


class Chroot:
    """Calls sendmail as alice, in a root of its own."""

    def __init__(self, root):
        self.root = Path(root)

    def enter(self):
        os.chroot(self.root)
        os.chdir("/")
        os.setgroups([])
        os.setgid(1000)
        os.setuid(1000)
        os.umask(0o022)

    def sendmail(self, arguments, data):
        program = ["/usr/sbin/sendmail", *arguments]
        return call(program, data, preexec_fn=self.enter, env=ENVIRONMENT)


class Postfix(Chroot):
    """sendmail -> postdrop -> pickup -> cleanup, and the queue file then."""

    name = "postfix"
    queues = ("incoming", "active", "deferred", "corrupt")

    def __enter__(self):
        spool = self.root / "var/spool/postfix"
        for queue in (*self.queues, "maildrop", "defer", "pid"):
            shutil.rmtree(spool / queue, ignore_errors=True)
        subprocess.run(["chroot", self.root, "/usr/sbin/postfix", "start"], check=True, capture_output=True)
        self.seen = set()
        return self

    def __exit__(self, *_):
        subprocess.run(["chroot", self.root, "/usr/sbin/postfix", "stop"], check=False, capture_output=True)

    def queued(self):
        """New whole queue files by identifier; a file moves while it is looked at."""
        found = {}
        for queue in self.queues:
            for path in (self.root / "var/spool/postfix" / queue).rglob("*"):
                try:
                    if path.name not in self.seen and path.is_file() and path.stat().st_mode & 0o100:
                        found[path.name] = path.read_bytes()
                except FileNotFoundError:
                    pass
        return found

    def run(self, arguments, data):
        outcome = self.sendmail(arguments, data)
        if outcome.status != 0:
            return outcome
        drop = self.root / "var/spool/postfix/maildrop"
        until = time.monotonic() + 5
        message = None
        while time.monotonic() < until and not (message and not any(drop.iterdir())):
            time.sleep(0.01)
            for identifier, octets in self.queued().items():
                self.seen.add(identifier)
                queued = self.read(octets)
                # A bounce or a report (-v), of this message or of an earlier one, is no submission.
                if not any(name == "From" and b"MAILER-DAEMON@" in value for name, value in queued["fields"]):
                    message = queued
        if message:
            outcome.sender, outcome.recipients = message["sender"], message["recipients"]
            outcome.fields, outcome.body = message["fields"], message["body"]
        return outcome

    @staticmethod
    def read(octets):
        """Postfix's queue file: records of type, length in 7-bit groups, data (src/global/rec_type.h)."""
        at, message, lines, pending = 0, {"sender": "", "recipients": []}, [], b""
        while at < len(octets):
            kind = octets[at : at + 1]
            at, length, shift = at + 1, 0, 0
            while True:
                group = octets[at]
                at, length, shift = at + 1, length | (group & 0x7F) << shift, shift + 7
                if group < 0x80:
                    break
            data = octets[at : at + length]
            at += length
            if kind == b"S":
                message["sender"] = data.decode("utf-8", "surrogateescape")
            elif kind == b"R":
                message["recipients"].append(data.decode("utf-8", "surrogateescape"))
            elif kind == b"L":
                pending += data
            elif kind == b"N":
                lines.append(pending + data)
                pending = b""
        if pending:
            lines.append(pending)
        end = lines.index(b"") if b"" in lines else len(lines)
        message["fields"] = split_fields(lines[:end])
        message["body"] = b"".join(line + b"\n" for line in lines[end + 1 :])
        return message


class Sendmail(Chroot):
    """The mail submission program's queue: a qf file and a df file for each message."""

    name = "sendmail"
    # F= of the relay mailer in submit.cf: a field H?x? goes out when the mailer has the flag x.
    mailer = set("mDFMuXa8k")

    def __enter__(self):
        self.queue = self.root / "var/spool/mqueue-client"
        self.clear()
        return self

    def __exit__(self, *_):
        pass

    def clear(self):
        for path in self.queue.iterdir():
            path.unlink()

    def run(self, arguments, data):
        # -odq: into the queue, nothing is tried; another mode on the command line would undo it.
        arguments = [argument for argument in arguments if not re.fullmatch("-od.", argument)]
        outcome = self.sendmail(["-odq", *arguments], data)
        for path in sorted(self.queue.glob("qf*")):
            self.read(path, outcome)
        self.clear()
        return outcome

    def read(self, path, outcome):
        sender, recipients, header = None, [], []
        last = None
        for line in path.read_bytes().split(b"\n"):
            code, rest = line[:1], line[1:]
            if code in (b" ", b"\t") and last is not None:
                last[1] += b"\n" + line
                continue
            last = None
            if code == b"S":
                sender = rest.decode("utf-8", "surrogateescape")
            elif code == b"R":
                flags, _, address = rest.partition(b":")
                recipients.append((address if flags.isalnum() else rest).decode("utf-8", "surrogateescape"))
            elif code == b"H":
                flags, _, text = rest[1:].partition(b"?")
                # 0xff quotes an octet of the 0x80-0x9f range (meta characters of macros).
                text = re.sub(rb"\xff(.)", rb"\1", text)
                if not flags or self.mailer & set(flags.decode("latin-1")):
                    name, _, value = text.partition(b":")
                    last = [name.rstrip().decode("latin-1"), value]
                    header.append(last)
        values = b" ".join(value for name, value in header if name.lower() in ("auto-submitted", "subject"))
        if b"auto-generated (failure)" in values and b"Returned mail" in values:
            return
        outcome.sender, outcome.recipients = sender, recipients
        outcome.fields = [tuple(field) for field in header]
        body = path.with_name("d" + path.name[1:])
        outcome.body = body.read_bytes() if body.exists() else b""


class Ours:
    """Our program, signed in at the stand-in, talking to a server that takes everything."""

    name = "ours"

    def __init__(self, target, folder):
        self.target, self.folder = Path(target), Path(folder)

    def __enter__(self):
        self.server = Server(self.folder)
        self.stand_in = subprocess.Popen(
            [self.target / "examples/serve", ACCOUNT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        settings = {}
        for line in self.stand_in.stdout:
            if line.startswith("# access token"):
                break
            key, equals, value = line.partition(" = ")
            if equals:
                settings[key] = value.strip()
        anchors = self.folder / "anchors.pem"
        anchors.write_text(
            Path(settings["tls_ca_file"].strip('"')).read_text() + (self.folder / "ca.pem").read_text()
        )
        (self.folder / "aliases").write_text("")
        settings |= {
            "tls_ca_file": f'"{anchors}"', "port": str(self.server.port), "aliases": f'"{self.folder}/aliases"',
        }
        account = settings.pop("account")
        text = f"account = {account}\n[accounts.me]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
        (self.folder / "config.toml").write_text(text)
        for name in ("sendmail", "outlook-sendmail"):
            (self.folder / name).symlink_to((self.target / "outlook-sendmail").resolve())
        self.environment = ENVIRONMENT | {
            "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"),
            "OUTLOOK_SENDMAIL_CONFIG": str(self.folder / "config.toml"),
        }
        self.sign_in(re.search(r'authority = "([^"]+)"', settings["endpoints"]).group(1) + "/approve", anchors)
        return self

    def sign_in(self, page, anchors):
        """Runs login, and opens the page of the stand-in that approves it, until it has ended."""
        trust = ssl.create_default_context(cafile=anchors)
        command = [self.folder / "outlook-sendmail", "login"]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment
        ) as login:
            until = time.monotonic() + PATIENCE
            while login.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
                with urllib.request.urlopen(page, context=trust, timeout=PATIENCE):
                    pass
            login.kill()
            if login.returncode != 0:
                raise SystemExit(f"peers: login: {login.stdout.read().decode('utf-8', 'replace')}")

    def __exit__(self, *_):
        self.stand_in.communicate("")
        self.server.close()

    def run(self, arguments, data):
        self.server.received.clear()
        outcome = call([self.folder / "sendmail", *arguments], data, env=self.environment)
        for sender, recipients, octets in self.server.received:
            lines = octets.replace(b"\r\n", b"\n").split(b"\n")
            end = lines.index(b"") if b"" in lines else len(lines)
            outcome.sender, outcome.recipients = sender, recipients
            outcome.fields = split_fields(lines[:end])
            outcome.body = b"\n".join(lines[end + 1 :])
        return outcome


class Server:
    """A submission server that takes everything."""

    def __init__(self, folder):
        subprocess.run(["/bin/sh", "-ec", CERTIFICATES], cwd=folder, check=True, capture_output=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self.listen, daemon=True).start()

    def close(self):
        self.listener.close()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.serve(connection)
            except (OSError, ValueError):
                pass
            finally:
                connection.close()

    def serve(self, connection):
        connection.settimeout(20)
        connection.sendall(b"220 peers\r\n")
        reader = connection.makefile("rb")
        secure, sender, recipients = False, "", []
        while line := reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                offers = [b"peers", b"PIPELINING", b"SIZE 157286400", b"8BITMIME", b"DSN", b"SMTPUTF8"]
                offers.append(b"AUTH LOGIN XOAUTH2" if secure else b"STARTTLS")
                connection.sendall(b"".join(b"250-" + offer + b"\r\n" for offer in offers) + b"250 ENHANCEDSTATUSCODES\r\n")
            elif verb == b"STAR":
                connection.sendall(b"220 2.0.0 go\r\n")
                connection = self.tls.wrap_socket(connection, server_side=True)
                reader, secure = connection.makefile("rb"), True
            elif verb == b"AUTH":
                connection.sendall(b"235 2.7.0 yes\r\n")
            elif verb == b"MAIL":
                sender, recipients = path(line), []
                connection.sendall(b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                recipients.append(path(line))
                connection.sendall(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                connection.sendall(b"354 go\r\n")
                octets = bytearray()
                while (line := reader.readline()) != b".\r\n":
                    if not line:
                        return
                    octets += line[1:] if line.startswith(b".") else line
                # Before the answer, so that it is there when the program ends.
                self.received.append((sender, recipients, bytes(octets)))
                connection.sendall(b"250 2.0.0 ok\r\n")
            elif verb == b"QUIT":
                connection.sendall(b"221 2.0.0 bye\r\n")
                return
            else:
                connection.sendall(b"250 2.0.0 ok\r\n")


def path(line):
    """The address of MAIL or RCPT; one that is quoted may hold a bracket."""
    text = line.decode("utf-8", "surrogateescape")
    return re.search(r'<((?:"(?:\\.|[^"\\])*"|[^<>"])*)>', text).group(1)


CERTIFICATES = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=peers-ca \
    -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 2 -extfile leaf.ext -out leaf.pem
"""
