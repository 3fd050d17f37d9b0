"""What a call asks for and what a message says, read by Python's own getopt and email packages: nothing of ours."""

import email
import email.policy
import getopt
import re
from dataclasses import dataclass, field
from email.header import decode_header
from email.utils import getaddresses

GETOPT = "A:B:b:C:cD:d:e:F:f:Gh:IiL:M:mN:nO:o:p:Q:q:R:r:sTtUV:vX:x"
RECIPIENTS = ("to", "cc", "bcc", "apparently-to")
# Space on the way is folding; a reader shows one.
BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass
class Call:
    """One submission: who is to get it, and what."""

    suite: str
    name: str
    arguments: list
    data: bytes
    recipients: set = field(default_factory=set)
    operands: list = field(default_factory=list)
    flags: dict = field(default_factory=dict)
    odd_flag: str = ""
    message: email.message.Message | None = None


def read_call(suite, name, arguments, data):
    """The call as any getopt and any mail reader take it."""
    call = Call(suite, name, arguments, data)
    try:
        flags, call.operands = getopt.getopt(arguments, GETOPT)
        call.flags = dict(flags)
    except getopt.GetoptError as fault:
        call.odd_flag = str(fault)
    call.message = read_message(data)
    call.recipients = {plain(address) for _, address in getaddresses(call.operands) if address}
    if "-t" in call.flags:
        prefix = "resent-" if any(key.lower().startswith("resent-") for key in call.message.keys()) else ""
        values = [str(value) for name in RECIPIENTS for value in call.message.get_all(prefix + name, [])]
        # A group is its members.
        call.recipients |= {plain(address) for _, address in getaddresses(values) if "@" in address or address.isalnum()}
    return call


def read_message(data):
    data = data.replace(b"\r\n", b"\n")
    if data.startswith(b":"):
        # A field without a name is none; Python's parser drops the line.
        data = b"\n" + data
    header, blank, body = data.partition(b"\n\n")
    # RFC 5322 reads a blank before the colon, Python's parser does not.
    data = re.sub(rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:", header) + blank + body
    return email.message_from_bytes(data, policy=email.policy.compat32)


def plain(address):
    """An address for comparing: the domain in small letters and as A-labels, quotes only where they are needed."""
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    if re.fullmatch(r'"[\w.!#$%&\'*+/=?^`{|}~-]+"', local):
        local = local[1:-1]
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        pass
    return f"{local}@{domain.lower()}"


def text(value):
    """A field as it reads: unfolded, encoded words decoded, raw octets as UTF-8 or else Latin-1."""
    value = str(value) if isinstance(value, str) else value.__str__()
    raw = value.encode("utf-8", "surrogateescape")
    try:
        raw = raw.decode("utf-8")
    except UnicodeDecodeError:
        raw = raw.decode("latin-1")
    raw = BLANKS.sub(" ", raw).strip()
    try:
        pieces = decode_header(raw)
    except Exception:
        return raw
    said = ""
    for piece, charset in pieces:
        if isinstance(piece, bytes):
            try:
                piece = piece.decode(charset or "latin-1") if charset else piece.decode("raw_unicode_escape")
            except (LookupError, UnicodeDecodeError):
                piece = piece.decode("latin-1")
        said += piece
    return BLANKS.sub(" ", said).strip()


def fields(message):
    """Every field by its name in small letters, as it reads."""
    found = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(text(value))
    return found


def leaves(message):
    """Every part that is no container: its own path, field texts, and octets without the transfer encoding."""
    for number, part in enumerate(message.walk()):
        about = fields(part) if number else {}
        about["content-type"] = [part.get_content_type()]
        about["filename"] = [part.get_filename() or ""]
        if part.is_multipart():
            octets = b"" if part.preamble is None else part.preamble.encode("utf-8", "surrogateescape")
        else:
            octets = part.get_payload(decode=True) or b""
        yield about, lines(octets), charset(part)


def charset(part):
    named = part.get_param("charset")
    if isinstance(named, tuple):
        named = named[2]
    return (named or "").lower().strip('"')


def lines(octets):
    """Octets with LF; what is missing or too much at the very end is nobody's text."""
    return octets.replace(b"\r\n", b"\n").rstrip(b"\n")
