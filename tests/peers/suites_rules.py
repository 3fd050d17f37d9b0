"""Why what arrived is not what was handed over: one function a rule; its docstring is the reason in suites.md."""

import re
import socket
from dataclasses import dataclass
from email.utils import getaddresses, parseaddr

from handed_over import Call
from programs import ACCOUNT

# Domains of this machine; a name without one is local too.
LOCAL = {"", "localhost", "localhost.localdomain", socket.gethostname().lower(), socket.getfqdn().lower()}
RULES = []
ALWAYS = set()


@dataclass
class Difference:
    """One thing that arrived otherwise than it was handed over. `what` is a field's name, a status or a verb."""

    kind: str
    what: str
    ours: object
    theirs: object
    call: Call

    def __str__(self):
        return f"{self.kind} {self.what}: arrived {str(self.ours)[:400]!r}, handed over {str(self.theirs)[:400]!r}, {self.call.arguments}"


def rule(kinds, *whats, always=False):
    def keep(function):
        name = function.__name__.replace("_", "-")
        RULES.append((name, kinds.split("|"), whats, function))
        if always:
            ALWAYS.add(name)
        return function

    return keep


def explain(difference):
    """The name of the first rule that explains it."""
    for name, kinds, whats, function in RULES:
        if difference.kind in kinds and (not whats or difference.what in whats) and function(difference):
            return name
    return None


def page(suites, number, date):
    columns = sorted(suites)
    lines = [
        "# The calls of other projects' test suites", "",
        f"{date}: {number} calls. Written by `suites CORPUS --write`; the rules are the functions of the same name in", 
        "[`suites_rules.py`](suites_rules.py). \"The same\" counts the calls where nothing differs but what differs in every message.", "",
        "| | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns),
    ]
    row = lambda title, key: lines.append(f"| {title} | " + " | ".join(str(suites[suite][key] or "") for suite in columns) + " |")
    row("calls", "calls")
    row("the same", "same")
    for name, *_ in RULES:
        row(f"`{name}`", name)
    lines.append("| unexplained | " + " | ".join(str(suites[suite][None]) for suite in columns) + " |")
    lines += ["", "| rule | what differs, and why |", "| --- | --- |"]
    for name, _, _, function in RULES:
        lines.append(f"| `{name}` | {' '.join(function.__doc__.split())} |")
    return "\n".join(lines) + "\n"


def joined(value):
    return ", ".join(value) if isinstance(value, list) else str(value)


def bare(text):
    """A field without quotes, brackets around a whole address, comments' brackets, commas and blanks."""
    return re.sub(r"[\s\"\\,;()<>]+", "", text).lower()


@rule("field|part's field", "date", "message-id", "mime-version", always=True)
def what_every_message_needs(d):
    """A Date or Message-ID is added where there is none, or none that says anything; MIME-Version where there are MIME fields."""
    says_something = {"message-id": r"<[^<>\s]+>", "date": r"\d{2}:\d{2}", "mime-version": r"."}[d.what]
    return len(d.ours) == 1 and not re.search(says_something, joined(d.theirs))


@rule("field", "from", always=True)
def from_is_account(d):
    """From is the account's address, with the name that was handed over: Outlook.com refuses every other address, after
    the whole message."""
    name = parseaddr(d.theirs[0])[0] if d.theirs else ""
    return len(d.ours) == 1 and ACCOUNT in d.ours[0] and bare(name) in bare(d.ours[0])


@rule("field", "resent-from", "resent-sender", "sender", always=True)
def sender_is_account(d):
    """Resent-From becomes the account as From does, and a foreign Sender goes; Outlook.com looks at them too."""
    return not d.ours or ACCOUNT in d.ours[0]


@rule("field", "x-original-from", "x-original-sender", always=True)
def original_is_kept(d):
    """The From that was handed over, or -f without one, is in X-Original-From."""
    return bool(d.ours) and not d.theirs


@rule("field", "reply-to", always=True)
def reply_to_is_added(d):
    """A foreign From, or -f without one, that can be answered is in Reply-To."""
    return len(d.ours) == 1 and not d.theirs


@rule("field", "bcc", "resent-bcc", "apparently-to", "return-path", "content-length", "lines", always=True)
def nobody_sees_it(d):
    """Bcc and Apparently-To name recipients and go; Return-Path and Content-Length are the server's to write."""
    return not d.ours


@rule("field|part's field", "content-transfer-encoding", always=True)
def made_seven_bit(d):
    """What is not plain ASCII in lines of 998 octets is encoded, and a container's label says what is inside; the octets
    are compared without the encoding."""
    return joined(d.ours).lower() in ("quoted-printable", "base64", "7bit", "8bit", "") or not d.theirs


@rule("field", "content-type")
def text_is_labelled(d):
    """Text that is encoded for its octets or its long lines, and names no charset, gets the one it is written in."""
    return len(d.ours) == 1 and (not d.theirs or bare(d.ours[0]).startswith(bare(d.theirs[0])))


@rule("field", "dkim-signature")
def broken_signature_goes(d):
    """A DKIM-Signature goes when a field it signs was changed; here it is From. Outlook.com signs again."""
    return not d.ours


@rule("field")
def first_of_one_stays(d):
    """Of a field that may stand once the first that says something stays; what other Subjects say is in X-Original-Subject."""
    singles = ("from", "sender", "date", "message-id", "subject", "mime-version", "content-type", "content-transfer-encoding")
    if d.what == "x-original-subject":
        return not d.theirs
    return d.what in singles and len(d.theirs) > 1 and len(d.ours) == 1 and d.ours[0] in d.theirs


@rule("field", "to", "cc", "reply-to", "resent-to", "resent-cc", "in-reply-to", "references")
def repeated_field_is_joined(d):
    """To, Cc, Reply-To, In-Reply-To and References that stand twice become one: RFC 5322 allows one."""
    return len(d.theirs) > 1 and len(d.ours) == 1 and bare(d.ours[0]) == bare("".join(d.theirs))


@rule("field", "to", "cc", "reply-to", "resent-to", "resent-cc")
def empty_list_goes(d):
    """A field of addresses that holds none goes."""
    return not d.ours and not re.search(r"@|\w", re.sub(r"<>|\([^()]*\)", "", joined(d.theirs)))


def is_local(address):
    return address.rpartition("@")[2].lower() in LOCAL if "@" in address else True


@rule("recipients")
def local_name_is_account(d):
    """A name without a domain, or at this machine, is a mailbox nobody has here: it is the account."""
    local = {address for address in d.theirs if is_local(address)}
    return bool(local) and d.ours == (d.theirs - local) | {ACCOUNT}


@rule("field", "to", "cc", "reply-to", "resent-to", "resent-cc")
def local_name_is_shown_as_account(d):
    """In the header it is shown as the account, once, for nobody else could answer it."""
    ours, theirs = ({address for _, address in getaddresses(value) if address} for value in (d.ours, d.theirs))
    local = {address for address in theirs if is_local(address)}
    return bool(local) and ours == (theirs - local) | {ACCOUNT}


@rule("field", "resent-message-id", "resent-date")
def what_every_resent_message_needs(d):
    """A resent message gets a Resent-Date and Resent-Message-ID where it has none, or none that says anything."""
    return len(d.ours) == 1 and not re.search(r"<[^<>\s]+>|\d{2}:\d{2}", joined(d.theirs))


@rule("octets")
def lone_dot_ends_it(d):
    """Without -i a lone dot that nothing follows is the end and no content; the reader of this comparison does not know."""
    dotless = "-i" not in d.call.flags and "i" not in d.call.flags.values()
    return dotless and d.theirs[0] in (d.ours[0] + b"\n.", b".") and d.theirs[0].removesuffix(b".").rstrip(b"\n") == d.ours[0].rstrip(b"\n")


@rule("refused", "64")
def option_of_exims_own(d):
    """Exim has options that Sendmail has not; an unknown one is 64."""
    return bool(d.call.odd_flag) or "unknown option" in d.ours or "not offered" in d.ours


@rule("refused", "64")
def nobody_named(d):
    """A call that names nobody is 64."""
    return not d.call.recipients and "no recipients" in d.ours


@rule("refused", "65")
def no_address(d):
    """What no RFC allows as an address (a command, a route outside brackets, no domain behind an @) is 65, and nobody gets it:
    sending to the others would hide that one is missing."""
    return "cannot read this address" in d.ours


@rule("refused", "65")
def return_in_the_header(d):
    """A CR without LF in the header may or may not end a line: 65."""
    return "a CR without LF" in d.ours and re.search(rb"\r(?!\n)", d.call.data)


@rule("lost or sent all the same")
def asked_where_a_name_leads(d):
    """-bv sends nothing; it prints where an address leads."""
    return any(flag.startswith("v") for flag in [d.call.flags.get("-b", "")]) and not d.theirs


@rule("field")
def control_character_is_blank(d):
    """A control character in a field becomes a space: no reader shows it, and RFC 5322 forbids it."""
    clean = re.sub(r"[\s\x00-\x1f\x7f]+", " ", joined(d.theirs)).strip()
    return clean != joined(d.theirs).strip() and clean == re.sub(r"\s+", " ", joined(d.ours)).strip()


@rule("recipients|field")
def written_as_it_must_be(d):
    """A dot behind the domain goes, and a folded line in quotes is unfolded, as SMTP wants both."""
    tidy = lambda addresses: {re.sub(r"\s+", " ", address).rstrip(".") for address in addresses}
    return (d.kind == "recipients" or d.what in ("to", "cc")) and tidy(d.ours) == tidy(d.theirs)


@rule("field", "to", "cc", "reply-to", "resent-to")
def list_is_written_anew(d):
    """A list without its commas, or with a form that others may read otherwise, is written anew with the same addresses."""
    return bare(joined(d.ours)) == bare(joined(d.theirs)) and joined(d.ours) != joined(d.theirs)


@rule("reply")
def command_out_of_turn(d):
    """In -bs a command that is unknown, not offered, misspelt or out of turn is refused, as Exim's own suite expects."""
    return re.match(r"50[0-4] ", d.ours) and " 5.1.3 " not in d.ours


@rule("reply", "DATA")
def data_without_recipients(d):
    """In -bs DATA without a recipient that was taken is refused."""
    return d.ours.startswith(("554 5.5.1", "503"))


@rule("reply", "RCPT", "MAIL")
def reply_to_no_address(d):
    """In -bs an address that no RFC allows is refused at once."""
    return " 5.1.3 " in d.ours


@rule("reply", "MAIL")
def larger_than_the_server_takes(d):
    """In -bs a SIZE over the server's limit is refused."""
    return d.ours.startswith("552 5.3.4") and b"SIZE=" in d.theirs
