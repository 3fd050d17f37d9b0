"""Calls made up by rule from a seed: arguments and a message, awkward in one or two ways each."""

import random
from dataclasses import dataclass


@dataclass
class Case:
    """One call; `aim` says which property the generator had in mind."""

    name: str
    arguments: list
    data: bytes


PLAIN = ["a@example.com", "b@example.net", "c@sub.example.org", "d+tag@example.com"]

# Mailboxes every mailer should read alike.
ORDINARY = [
    "<a@example.com>", "J Doe <j@example.com>", '"Doe, J" <j@example.com>', "a@example.com (Comment)", "(First) a@example.com",
    '"a b"@example.com', '"a,b"@example.com', "a@EXAMPLE.com", "A@example.com", "=?utf-8?q?J=C3=BCrg?= <j@example.com>",
    "root", "root@localhost", "alice@host1", "Root@HOST1.example.org", "Admin <root>", "www-data (Web)", "o'neil@example.com",
    '"J \\"Q\\" Doe" <q@example.com>', "a@example.com (with (nested) comment)", "J. Doe <dot@example.com>",
]
LISTS = [
    "a@example.com,b@example.net", "a@example.com, b@example.net", '"Doe, J" <j@example.com>, k@example.com',
    "Friends: a@example.com, b@example.net;", "undisclosed-recipients:;", "a@example.com,, b@example.net", "a@example.com,",
    "Team: J Doe <j@example.com>, root;", "x@example.com, Team: y@example.com;, z@example.com", "a@example.com, A@EXAMPLE.COM",
    "(a, b) c@example.com, d@example.com",
]
# Those nobody promises to read.
ODD = [
    "", "<>", " ", "a@", "@example.com", "a b", "a@b@example.com", "<a@example.com", "a@example.com>", "a@[192.0.2.1]",
    "a@example.com.", "<@relay.example:a@example.com>", "a%b@example.com", "host!user", "|/bin/cat", "/tmp/file", ":include:/etc/hostname",
    "\\root", "ä@example.com", "a@exämple.com", "a..b@example.com", ".a@example.com", "a;b@example.com", "mailto:a@example.com",
    '"unclosed@example.com', "a@example.com b@example.net", "J Doe a@example.com", "a@-example.com", "a@exa_mple.com", "(only comment)",
    "Group: a@example.com", "a@example.com;b@example.net", "<a@example.com><b@example.net>", "-dash@example.com", "a@localhost.localdomain",
]

SENDERS = ["s@example.com", "", "<>", "root", "alice", "S Ender <s@example.com>", "<s@example.com>", "s@", "bad sender", "me@outlook.com"]
NAMES = ["Cron Daemon", "J. Doe", 'A "B" C', "Jürg", "", "a@b", "Doe, John", "(paren"]

# Flags and their spelling. Most are read over by everybody.
SIMPLE = ["-i", "-oi", "-v", "-m", "-om", "-G", "-U", "-n", "-s", "-T", "-c", "-oo", "-bm"]
WITH_VALUE = [
    ("-o", ["em", "ee", "ep", "eq", "ew", "i", "dq", "db", "di", "7", "8", "8m", "L9", "itrue", "ifalse", "Mrx", "s", "A/etc/aliases"]),
    ("-O", ["IgnoreDots=true", "IgnoreDots", "DeliveryMode=q", "ErrorMode=m", "LogLevel=9", "NoSuchOption=1"]),
    ("-e", ["m", "e", "p", "q", "w"]), ("-A", ["c", "m"]), ("-B", ["8BITMIME", "7BIT", "x"]), ("-h", ["3", "0"]), ("-L", ["tag"]),
    ("-N", ["never", "failure,delay", "success", "bogus"]), ("-R", ["hdrs", "full", "x"]), ("-V", ["env1", "a+20b"]), ("-p", ["SMTP", "ESMTP:host"]),
    ("-X", ["/tmp/log"]), ("-M", ["rx"]), ("-Q", ["reason"]), ("-D", ["/tmp/debug"]), ("-d", ["0.1"]), ("-C", ["/etc/mail/submit.cf"]),
]
UNKNOWN = ["-Z", "-k", "-E", "-J", "-x", "-I", "--help-me", "-ik", "-t9"]

SUBJECTS = [
    b"plain", b" two  blanks ", b"Gr\xc3\xbc\xc3\x9fe", b"latin \xe9", b"=?utf-8?q?coded=C3=BC?=", b"", b"folded\n\tonce", b"folded\n  twice\n and again",
    b"tab\there", b"x" * 900, b"long " * 300, b"a: colon", b"\x01control", b"trailing \\", b"(paren", b'"quote',
]
ODD_FIELDS = [
    b"X-Empty:", b"X-Mailer: program 1.0", b"X-Folded: a\n b\n\tc", b"X-8bit: \xc3\xa9t\xc3\xa9", b"X-Space : before colon", b"x-lower: v",
    b"X-Long: " + b"y" * 1200, b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000", b"Return-Path: <r@example.com>",
    b"Content-Length: 77", b"Sender: other@example.com", b"Sender: root", b"Errors-To: e@example.com", b"Reply-To: r@example.com", b"Reply-To: root",
    b"Precedence: bulk", b"Auto-Submitted: auto-generated", b"Status: RO", b"Lines: 3", b"Message-ID: <1@example.com>", b"Message-Id: none",
    b"Date: Mon, 1 Jan 2024 00:00:00 +0000", b"Date: yesterday", b"In-Reply-To: <0@example.com>", b"References: <0@example.com>\n <1@example.com>",
    b"MIME-Version: 1.0", b"Apparently-To: p@example.com", b"Full-Name: Somebody Else", b"Return-Receipt-To: rr@example.com", b"List-Id: <l.example.com>",
    b"Disposition-Notification-To: root", b"X-Authentication-Warning: none", b"Delivered-To: dt@example.com", b"Priority: urgent", b"Comments: (c",
    b"Keywords: a, b", b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com", b"X-Priority:1", b"Resent-From: rf@example.com", b"Subject: second subject",
    b"From: second@example.com", b"To: second@example.com", b"Cc: second@example.com", b"X_Under_score: 1", b"Content-Type: text/plain; charset=iso-8859-1",
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", b"X-Dots: ..\n .", b"Mail-Followup-To: m@example.com",
]
FROMS = [
    b"a@example.com", b"J Doe <j@example.com>", b"root", b"root (Cron Daemon)", b'"Doe, J" <j@example.com>', b"me@outlook.com", b"Me <me@outlook.com>",
    b"J\xc3\xbcrg <j@example.com>", b"", b"<>", b"bad address here", b"a@example.com, b@example.com", b"alice", b"A <a@host1.example.org>",
    b"=?iso-8859-1?q?J=FCrg?= <j@example.com>", b'"unclosed <a@example.com>', b"a@example.com (Comment)",
]
BODIES = [
    b"hi\n", b"hi", b"", b"\n", b"one\ntwo\nthree\n", b"a\r\nb\r\n", b"a\r\nb\nc\r\n", b"a\rb\n", b".\n", b"before\n.\nafter\n", b"before\n.\n", b"before\n.",
    b"..\n", b"..two\n.one\n", b"..two\n..three\n", b".x\n", b". \n", b"before\r\n.\r\nafter\r\n", b"Gr\xc3\xbc\xc3\x9fe\n", b"latin \xe9\n", b"nul \x00 here\n",
    b"x" * 998 + b"\n", b"x" * 999 + b"\n", b"word " * 500 + b"\n", b"\xc3\xbc" * 700 + b"\n", b"From me\n", b">From me\n", b"trailing  \n\n\n", b"= =3D =\n",
    b"\x01\x7f\t\n", b"a\n\r\nb\n\r", b"\r\r\n", b"no header: here\n", b"Bcc: in@body.example\n", b"tab\t\n \n", b"\x0c\n", b"x" * 5000,
]
STARTS = [b"From alice Mon Jan  1 00:00:00 2024\n", b">From alice Mon Jan  1 00:00:00 2024\n", b"\n", b"no header at all\n", b" indented\n", b"\r\n"]


def case(number, seed):
    """Case `number` of the series `seed`."""
    choose = random.Random(f"{seed}/{number}")
    chance = lambda of: choose.random() < of
    pick = choose.choice
    # What is awkward about this one; the rest is plain, or most calls would only be refused.
    awkward = set(choose.sample(
        ["flags", "operands", "odd operand", "header list", "odd header address", "fields", "from", "subject", "body", "start", "sender",
         "resent", "bcc", "duplicates", "line ends"], choose.choices([1, 2, 3, 4], [3, 5, 3, 1])[0]))

    def addresses(of, most=2):
        many = choose.randint(1, most)
        return [pick(pick([PLAIN, ORDINARY, LISTS])) if of else pick(PLAIN) for _ in range(many)]

    from_header = chance(0.5) or bool({"bcc", "header list", "odd header address", "resent"} & awkward and chance(0.8))
    letters, flags = [], []
    if from_header:
        letters.append("t")
    if chance(0.6):
        letters.append("i")
    if "flags" in awkward:
        for _ in range(choose.randint(1, 3)):
            if chance(0.12):
                flags.append([pick(UNKNOWN)])
            elif chance(0.4):
                flags.append([pick(SIMPLE)])
            else:
                flag, values = pick(WITH_VALUE)
                value = pick(values)
                separate = chance(0.4) and flag != "-d" and not (flag == "-o" and value.startswith("d"))
                flags.append([flag, value] if separate else [flag + value])
    if "sender" in awkward or chance(0.2):
        for _ in range(1 if chance(0.8) else 2):
            flag, sender = pick(["-f", "-f", "-r"]), pick(SENDERS)
            flags.append([flag, sender] if chance(0.5) or not sender else [flag + sender])
    if "sender" in awkward and chance(0.5):
        name = pick(NAMES)
        flags.append(["-F", name] if chance(0.6) or not name else ["-F" + name])
    choose.shuffle(letters)
    if letters:
        flags.insert(choose.randint(0, len(flags)), ["-" + "".join(letters)] if chance(0.4) else ["-" + one for one in letters])
    arguments = [word for flag in flags for word in flag]
    if chance(0.15):
        arguments.append("--")
    if not from_header or chance(0.25) or "operands" in awkward:
        arguments += addresses("operands" in awkward)
    if "odd operand" in awkward:
        arguments.insert(len(arguments) if chance(0.7) or from_header else len(arguments) - 1, pick(ODD))
        if arguments[-1].startswith("-") or arguments[-2:][0] == "-dash@example.com":
            arguments.append("z@example.com")
    if "duplicates" in awkward:
        arguments += choose.choices(["a@example.com", "a@EXAMPLE.COM", "<a@example.com>"], k=2)

    fields = []
    if "from" in awkward:
        if chance(0.75):
            fields.append(b"From: " + pick(FROMS))
    elif chance(0.85):
        fields.append(b"From: " + pick(FROMS[:3]))
    for name in (b"To", b"Cc") if chance(0.5) else (b"To",):
        value = addresses("header list" in awkward, 3)
        if "odd header address" in awkward and chance(0.7):
            value.insert(choose.randint(0, len(value)), pick(ODD))
        glue = pick([", ", ",\n ", ",\n\t", ","]) if "header list" in awkward else ", "
        fields.append(name + b": " + glue.join(value).encode())
    if "bcc" in awkward:
        for value in choose.sample(["hidden@example.com", "h1@example.com,\n h2@example.com", "", "G: h3@example.com;", "root"], choose.randint(1, 2)):
            fields.append(pick([b"Bcc: ", b"bcc:", b"BCC: "]) + value.encode())
        if chance(0.2):
            fields = [field for field in fields if not field.startswith((b"To:", b"Cc:"))]
    if "duplicates" in awkward:
        fields.append(pick([b"To: ", b"Cc: "]) + pick(PLAIN).encode())
    if "resent" in awkward:
        for name in choose.sample(["Resent-To: rt@example.com", "Resent-Cc: rc@example.com", "Resent-Bcc: rb@example.com", "Resent-From: rf@example.com",
                                   "Resent-Date: Mon, 1 Jan 2024 00:00:00 +0000", "Resent-To: root, rt2@example.com", "Resent-Sender: rs@example.com"],
                                  choose.randint(1, 4)):
            fields.insert(choose.randint(0, len(fields)), name.encode())
    if chance(0.9):
        fields.append(b"Subject: " + (pick(SUBJECTS) if "subject" in awkward else b"plain"))
    if "fields" in awkward:
        for _ in range(choose.randint(1, 4)):
            fields.insert(choose.randint(0, len(fields)), pick(ODD_FIELDS))
    if chance(0.3):
        fields.append(b"Date: Mon, 1 Jan 2024 00:00:00 +0000")
    if chance(0.3):
        fields.append(b"Message-ID: <2@example.com>")
    body = b"".join(pick(BODIES) for _ in range(choose.randint(1, 2))) if "body" in awkward else b"hi\n"
    data = b"".join(field + b"\n" for field in fields) + b"\n" + body
    if "start" in awkward:
        data = pick(STARTS) + data
        if chance(0.3):
            data = data.replace(b"\n\n", b"\nno field here\n\n", 1)
    if "line ends" in awkward:
        header, blank, body = data.partition(b"\n\n")
        if chance(0.5):  # PHP: CRLF in the header, LF in the body
            data = header.replace(b"\n", b"\r\n") + (b"\r\n\r\n" if blank else b"") + body
        else:
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if chance(0.2):
            data = data[: choose.randint(0, len(data))]
    return Case(f"generated-{number:03}", arguments, data)
