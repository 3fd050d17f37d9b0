"""What two outcomes of one call have in common, and what not."""

import base64
import collections
import quopri
import re
from dataclasses import dataclass

from programs import ACCOUNT

OUR_DOMAINS = {"host1", "host1.example.org", "localhost", ""}
ADDRESSED = {"from", "to", "cc", "reply-to", "sender", "resent-from", "resent-to", "resent-cc", "resent-sender", "resent-reply-to", "errors-to",
             "return-receipt-to", "disposition-notification-to", "apparently-to", "mail-followup-to"}


@dataclass
class Difference:
    """One thing two programs did not do alike. `what` is a field's name where `kind` is about fields."""

    kind: str  # status, recipients, sender, added, dropped, value, order, body
    what: str
    ours: object
    theirs: object

    def __str__(self):
        return f"{self.kind} {self.what}: ours {self.ours!r}, theirs {self.theirs!r}"


def mapped(address):
    """A peer's recipient as ours would name it: a local name is the account."""
    address = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", address).strip()
    # Sendmail keeps an operand as it came; its display name goes when it is delivered.
    angle = re.fullmatch(r"""(?:"(?:\\.|[^"\\])*"|[^"<>])*<([^<>]*)>""", address)
    address = angle.group(1) if angle else address
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    # Quotes are the transport's, not the name's; Postfix's queue has none.
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if domain.lower() in OUR_DOMAINS:
        return ACCOUNT if local and local != "MAILER-DAEMON" else f"{local}@"
    return f"{local}@{domain.lower()}"


def text(octets):
    """UTF-8, or else Latin-1."""
    if isinstance(octets, str):
        return octets
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def decoded_word(match):
    charset, coding, content = match.group(1).split("*")[0], match.group(2).lower(), match.group(3)
    try:
        if coding == "b":
            octets = base64.b64decode(content + "=" * (-len(content) % 4))
        else:
            octets = quopri.decodestring(content.replace("_", "=20").encode("latin-1", "replace"))
        return octets.decode("utf-8" if charset.lower() == "us-ascii" else charset)
    except (LookupError, ValueError):
        return match.group(0)


def readable(value):
    """A field's value unfolded, encoded words decoded, blanks taken as one."""
    value = re.sub(r"[ \t\r\n]+", " ", text(value)).strip()
    value = re.sub(r"(=\?[^? ]+\?[bBqQ]\?[^? ]*\?=) (?==\?[^? ]+\?[bBqQ]\?[^? ]*\?=)", r"\1", value)
    return re.sub(r" +", " ", re.sub(r"=\?([^? ]+)\?([bBqQ])\?([^? ]*)\?=", decoded_word, value)).strip()


def comparable(name, value):
    """What two ways of writing the same have in common."""
    value = readable(value)
    if name in ADDRESSED:
        value = re.sub(r"\\(.)", r"\1", value).replace('"', "")
        value = re.sub(r"\s*([,;:])\s*", r"\1", value).strip(",")
        value = re.sub(r",+", ",", value)
        value = ",".join(re.sub(r"^<([^<>]*)>$", r"\1", item.strip()) for item in value.split(","))
        value = re.sub(r"(?<=[,:])<([^<>]*)>(?=[,;]|$)", r"\1", value)
        value = re.sub(r"@[\w.-]+", lambda at: at.group(0).lower(), value)
    return value


def field(fields, name):
    return next((value for other, value in fields if other.lower() == name), None)


def body_lines(outcome):
    """The body's lines as octets, without the transfer encoding. Parts of a multipart are decoded too."""
    return part_lines(dict((name.lower(), text(value)) for name, value in outcome.fields), outcome.body, 0)


def part_lines(fields, body, depth):
    kind = fields.get("content-type", "")
    coding = fields.get("content-transfer-encoding", "").strip().lower()
    boundary = re.search(r'boundary="?([^";\s]+)"?', kind)
    if kind.strip().lower().startswith("multipart/") and boundary and depth < 5:
        lines, part, inside = [], [], False
        marker = b"--" + boundary.group(1).encode()
        for line in body.replace(b"\r\n", b"\n").split(b"\n"):
            if line.rstrip() in (marker, marker + b"--"):
                lines += decoded_part(part, depth) if inside else part
                lines.append(line.rstrip())
                part, inside = [], line.rstrip() == marker
            else:
                part.append(line)
        return lines + part
    if coding == "quoted-printable":
        # Blanks at a line's end are the transport's, not the text's.
        body = quopri.decodestring(re.sub(rb"[ \t]+\n", b"\n", body))
    elif coding == "base64":
        try:
            body = base64.b64decode(body)
        except ValueError:
            pass
    charset = re.search(r'charset="?([^";\s]+)', kind, re.I)
    if charset and charset.group(1).lower() not in ("utf-8", "us-ascii"):
        try:
            body = body.decode(charset.group(1)).encode()
        except (LookupError, ValueError):
            pass
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def decoded_part(lines, depth):
    end = lines.index(b"") if b"" in lines else len(lines)
    fields = {}
    for line in b"\n".join(lines[:end]).replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n"):
        name, _, value = line.partition(b":")
        fields[text(name).lower()] = text(value)
    kept = [line for line in lines[:end] if not line.lower().startswith(b"content-t") and line[:1] not in b" \t"]
    return kept + [b""] + part_lines(fields, b"\n".join(lines[end + 1 :]) + b"\n", depth + 1)


def differences(ours, theirs, given):
    """Everything the two did not do alike; after a difference in the status nothing else can be compared. `given`: the
    names of the fields that came in, whose order counts."""
    if ours.taken != theirs.taken or (ours.status == 0) != (theirs.status == 0):
        tell = lambda outcome: (outcome.status, "taken" if outcome.taken else "not taken")
        yield Difference("status", "", tell(ours), tell(theirs))
        return
    if not ours.taken:
        return
    mine, other = set(map(mapped, ours.recipients)), set(map(mapped, theirs.recipients))
    if mine != other:
        yield Difference("recipients", "", sorted(mine - other), sorted(other - mine))
    if ours.sender != mapped(theirs.sender):
        yield Difference("sender", "", ours.sender, theirs.sender)
    yield from field_differences(ours.fields, theirs.fields, given)
    mine, other = body_lines(ours), body_lines(theirs)
    if mine != other:
        yield Difference("body", "", mine, other)


def field_differences(ours, theirs, given):
    mine, other = collections.defaultdict(list), collections.defaultdict(list)
    for fields, by_name in ((ours, mine), (theirs, other)):
        for name, value in fields:
            by_name[name.lower()].append(value)
    same = set()
    for name in sorted(mine.keys() | other.keys()):
        if len(mine[name]) > len(other[name]):
            yield Difference("added", name, list(map(readable, mine[name])), list(map(readable, other[name])))
        elif len(mine[name]) < len(other[name]):
            yield Difference("dropped", name, list(map(readable, mine[name])), list(map(readable, other[name])))
        else:
            same.add(name)
            for one, two in zip(mine[name], other[name]):
                if comparable(name, one) != comparable(name, two):
                    yield Difference("value", name, readable(one), readable(two))
    order = lambda fields: [name.lower() for name, _ in fields if name.lower() in same & given]
    if order(ours) != order(theirs):
        yield Difference("order", "", order(ours), order(theirs))
