"""Which row of differences.md explains a difference."""

import re

import compare
from programs import ACCOUNT, split_fields

# Sendmail's getopt string: what takes a value.
TAKES_VALUE = set("ABbCDdeFfhLMNOopQqRrVX")


class Call:
    """A case with what can be read off it, and what the three made of it."""

    def __init__(self, case, ours, postfix, sendmail):
        self.case, self.ours, self.postfix, self.sendmail = case, ours, postfix, sendmail
        self.flags, self.operands = getopt(case.arguments)
        data = case.data.replace(b"\r\n", b"\n")
        lines = data.split(b"\n")
        while lines and re.match(rb">?From ", lines[0]):
            lines.pop(0)
        header = []
        for line in lines:
            if not (re.match(rb"[!-9;-~]+[ \t]*:", line) or (line[:1] in (b" ", b"\t") and header)):
                break
            header.append(line)
        self.fields = [(name.lower(), value) for name, value in split_fields(header)]
        self.given = {name for name, _ in self.fields}
        rest = lines[len(header) :]
        self.body = b"\n".join(rest[1:] if rest[:1] == [b""] else rest)
        self.dash_t = any(flag == "t" for flag, _ in self.flags)
        self.dash_i = any(flag == "i" or (flag, value[:1]) == ("o", "i") for flag, value in self.flags)
        self.senders = [value for flag, value in self.flags if flag in "fr"]

    def values(self, *names):
        return [compare.text(value) for name, value in self.fields if name in names]

    def flag(self, letter):
        return [value for flag, value in self.flags if flag == letter]


def getopt(arguments):
    flags, at = [], 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            at += 1
            break
        if len(word) < 2 or word[0] != "-":
            break
        at += 1
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in TAKES_VALUE:
                if not letters and letter != "d" and at < len(arguments):
                    letters, at = arguments[at], at + 1
                flags.append((letter, letters))
                letters = ""
            else:
                flags.append((letter, ""))
    return flags, arguments[at:]



# Rules that apply to every message, or nearly: a call with no others counts as alike in results.md.
ALWAYS = {
    "account-is-sender", "from-is-account", "original-kept", "reply-to-kept", "stamps-differ", "no-received",
    "sendmail-warns-about-f", "sendmail-bcc-later",
}

RULES = []
LOCAL = r"(?:host1\.example\.org|host1|localhost\.localdomain|localhost)"


def rule(kinds, *names, peer=None):
    """Declares the function below a rule for these kinds of difference (and these fields, and this peer)."""

    def declare(function):
        RULES.append((function.__name__.replace("_", "-"), kinds.split(), names, peer, function))
        return function

    return declare


def explain(difference, call, peer):
    """The first rule that holds, or None."""
    for name, kinds, names, only, function in RULES:
        if difference.kind in kinds and (not names or difference.what in names) and only in (None, peer):
            if function(difference, call, getattr(call, peer)):
                return name
    return None


def table(path):
    """The rules that have a row: name -> the row's other cells."""
    rows = {}
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        name = cells[0].strip("`")
        if line.startswith("| `") and name not in rows:
            rows[name] = cells[1:]
    return rows


# ---- whether it was taken ----------------------------------------------------------------------------------------


def says(outcome, *words):
    return any(word in outcome.said for word in words)


def only_ours(difference):
    return difference.ours == (0, "taken") and difference.theirs != (0, "taken")


@rule("status")
def backslash_name(difference, call, theirs):
    return call.ours.status == 65 and re.search(r'"\\\w+": a character that has to be quoted', call.ours.said)


@rule("status")
def unreadable_is_65(difference, call, theirs):
    return call.ours.status == 65 and "cannot read this address" in call.ours.said


@rule("status", peer="postfix")
def postfix_has_fewer_flags(difference, call, theirs):
    complaints = "invalid option", "-n option not supported", "unsupported: -X", "unauthorized configuration directory"
    return only_ours(difference) and theirs.status == 75 and says(theirs, *complaints)


@rule("status", peer="sendmail")
def sendmail_f_twice(difference, call, theirs):
    return only_ours(difference) and theirs.status == 64 and len(call.senders) > 1 and says(theirs, 'More than one "from" person')


@rule("status", peer="sendmail")
def sendmail_privileged_flag(difference, call, theirs):
    letters = {flag for flag, _ in call.flags}
    complaints = "RunAsUser for MSP ignored", "real uid not trusted", "unknown option name", "Compiled with:"
    named = letters & set("XCDsTQdO") or any(flag == "o" and value[:1] in "AL" for flag, value in call.flags)
    return only_ours(difference) and named and says(theirs, *complaints)


@rule("status", peer="sendmail")
def sendmail_no_smtputf8(difference, call, theirs):
    return only_ours(difference) and theirs.status == 64 and call.flag("U") and not theirs.said


@rule("status", peer="sendmail")
def sendmail_empty_group(difference, call, theirs):
    return only_ours(difference) and theirs.status == 64 and says(theirs, "List:; syntax illegal for recipient addresses")


@rule("status", peer="sendmail")
def sendmail_bad_sender(difference, call, theirs):
    return only_ours(difference) and "s@" in call.senders and says(theirs, "s@... Hostname required")


@rule("status", peer="sendmail")
def sendmail_route_address(difference, call, theirs):
    return only_ours(difference) and says(theirs, "... Invalid route address") and re.search("[; ]", theirs.said.split("...")[0])


@rule("status", peer="sendmail")
def sendmail_no_recipient_is_0(difference, call, theirs):
    return call.ours.status == 64 and "no recipients" in call.ours.said and says(theirs, "No recipient addresses found in header")


@rule("status", peer="postfix")
def resent_only_in_recipient_fields(difference, call, theirs):
    return call.ours.status == 64 and "no recipients" in call.ours.said and resent_without_recipients(call)


@rule("status", peer="sendmail")
def long_option_is_operand(difference, call, theirs):
    return call.ours.status == 64 and any(argument.startswith("--") and len(argument) > 2 for argument in call.case.arguments)


def quoted_from_line(call):
    return call.case.data.startswith(b">From ")


def header_unfinished(call):
    """The input ends inside a header line."""
    return not call.body and not call.case.data.endswith(b"\n") and b"\n\n" not in call.case.data.replace(b"\r\n", b"\n")


@rule("status recipients added order body", peer="sendmail")
def sendmail_quoted_from_line(difference, call, theirs):
    return quoted_from_line(call)


@rule("status recipients added", peer="sendmail")
def sendmail_loses_unfinished_header(difference, call, theirs):
    last = call.fields[-1][0] if call.fields else ""
    return header_unfinished(call) and (difference.kind != "added" or difference.what == last)


# ---- for whom ----------------------------------------------------------------------------------------------------


def resent_without_recipients(call):
    return any(name.startswith("resent-") for name in call.given) and not call.given & {"resent-to", "resent-cc", "resent-bcc"}


@rule("recipients", peer="postfix")
def resent_means_all_fields(difference, call, theirs):
    return call.dash_t and resent_without_recipients(call) and not difference.ours


@rule("recipients", peer="sendmail")
def sendmail_nul_bounces(difference, call, theirs):
    return b"\0" in call.case.data and not theirs.recipients


@rule("recipients", peer="sendmail")
def sendmail_apparently_to(difference, call, theirs):
    shown = {compare.mapped(item) for value in call.values("apparently-to") for item in value.split(",")}
    return not difference.ours and set(difference.theirs) <= shown


def each_explained(difference, ours=(), theirs=()):
    """Every address only one side has is of an explained form, and both sides' reasons belong together."""
    return all(any(form(address) for form in ours) for address in difference.ours) and all(
        any(form(address) for form in theirs) for address in difference.theirs
    )


@rule("recipients")
def odd_addresses_read_apart(difference, call, theirs):
    """Several of the forms below may meet in one call: each address must be of one of them."""
    every = {compare.mapped(address) for address in call.ours.recipients}
    other = {compare.mapped(address) for address in theirs.recipients}
    postfix = theirs is call.postfix
    lower = {address.lower() for address in other}
    raw = " ".join(call.operands) + " " + " ".join(compare.text(value) for _, value in call.fields)
    # What of theirs an address of ours may have been read out of.
    forms = {
        "group-ends-open": lambda a: re.fullmatch(r"(?i)(mailto|group):\s*.+", a),
        "bang": lambda a: postfix and a == "user@host",
        "localdomain": lambda a: a.endswith("@localhost.localdomain"),
        "nobody": lambda a: postfix and a == "MAILER-DAEMON@",
        "idn": lambda a: re.search("@.*[^\x00-\x7f]", a),
        "group": lambda a: not postfix and re.fullmatch(r"[\w ]+:.*|.*;", a),
        "route": lambda a: not postfix and re.fullmatch(r"@[\w.]+:.*", a),
        "glued": lambda a: not postfix and (a.startswith("<") or ";" in a or re.search(r"><", a)),
    }
    if not all(any(form(address) for form in forms.values()) for address in difference.theirs):
        return False
    for address in difference.ours:
        local, _, domain = address.rpartition("@")
        dropped_by_case = postfix and address.lower() in lower
        dash = postfix and local.startswith("-")
        out_of = any(local in odd and domain in odd for odd in difference.theirs)
        idn = domain.startswith("xn--") and any(re.search("@.*[^\x00-\x7f]", odd) for odd in difference.theirs)
        account = address == ACCOUNT and any(
            form in odd for odd in difference.theirs for form in ("user@host", "@localhost.localdomain", ";")
        )
        member = not postfix and any(address.lower() in text.lower() for text in re.findall(r":[^;]*;", raw))
        if not (dropped_by_case or dash or out_of or idn or account or member):
            return False
    return True


@rule("sender")
def account_is_sender(difference, call, theirs):
    return difference.ours == ACCOUNT


# ---- fields ------------------------------------------------------------------------------------------------------


@rule("value added", "from")
def from_is_account(difference, call, theirs):
    return difference.ours and ACCOUNT in str(difference.ours) and not (difference.kind == "added" and difference.theirs)


@rule("added", "x-original-from")
def original_kept(difference, call, theirs):
    return call.values("from")[:1] and compare.comparable("from", difference.ours[0]) == compare.comparable("from", call.values("from")[0]) or call.senders


@rule("added", "reply-to")
def reply_to_kept(difference, call, theirs):
    shown = compare.comparable("reply-to", difference.ours[0])
    sources = [compare.comparable("from", value) for value in call.values("from")[:1]] + call.senders
    bare = re.sub(r".*<(.*)>.*", r"\1", shown)
    return "reply-to" not in call.given and any(bare in source for source in sources)


@rule("value", "date", "message-id")
def stamps_differ(difference, call, theirs):
    return difference.what not in call.given or header_unfinished(call)


@rule("dropped", "received")
def no_received(difference, call, theirs):
    return len(difference.theirs) == len(difference.ours) + 1 and "host1" in difference.theirs[0]


@rule("dropped", "x-authentication-warning", peer="sendmail")
def sendmail_warns_about_f(difference, call, theirs):
    return bool(call.senders)


@rule("dropped", "bcc", "resent-bcc", peer="sendmail")
def sendmail_bcc_later(difference, call, theirs):
    return difference.what in call.given and not difference.ours


@rule("dropped", "return-path", peer="sendmail")
def return_path_goes(difference, call, theirs):
    return not difference.ours


@rule("dropped", "content-length")
def content_length_goes(difference, call, theirs):
    return not difference.ours


@rule("dropped", "sender", "resent-sender")
def foreign_sender_goes(difference, call, theirs):
    return not difference.ours and ACCOUNT not in str(difference.theirs)


@rule("dropped", "resent-from")
def resent_from_of_peer(difference, call, theirs):
    return "resent-from" not in call.given


@rule("value", "resent-from")
def from_policy_on_resent_from(difference, call, theirs):
    return ACCOUNT in difference.ours


@rule("dropped", "resent-date", "resent-message-id")
def resent_stamps_missing(difference, call, theirs):
    return difference.what not in call.given and not difference.ours


@rule("added", "from", "date", "message-id", peer="postfix")
def postfix_completes_only_resent(difference, call, theirs):
    return any(name.startswith("resent-") for name in call.given) and difference.what not in call.given


@rule("dropped", "to", "cc", "reply-to")
def repeated_field_merged(difference, call, theirs):
    if len(difference.ours) != 1 or len(difference.theirs) < 2:
        return False
    joined = compare.comparable("to", ",".join(value for value in difference.theirs))
    return same_but_local_names(compare.comparable("to", difference.ours[0]), joined)


@rule("dropped", "to", "cc", "reply-to")
def empty_list_goes(difference, call, theirs):
    return not difference.ours and all(not value.strip(" ,") for value in difference.theirs)


@rule("dropped", "from", "date", "message-id", "subject", "sender", "mime-version", "references", "in-reply-to")
def first_of_one_stays(difference, call, theirs):
    return len(difference.ours) == 1 and len(difference.theirs) > 1


@rule("dropped", "dkim-signature")
def broken_signature_goes(difference, call, theirs):
    return True


@rule("added", "full-name", peer="sendmail")
def sendmail_eats_full_name(difference, call, theirs):
    return "full-name" in call.given


@rule("added value dropped", "content-type", "content-transfer-encoding", "mime-version")
def made_seven_bit(difference, call, theirs):
    odd = re.search(rb"[^\x01-\x7f]|\r(?!\n)|\r\r\n|[^\n]{999}", call.case.data)
    return difference.kind != "dropped" and bool(odd)


def plain(text):
    """Addresses with whatever writes the account or a local name made one."""
    text = re.sub(r"@" + LOCAL + r"\b", "", text)
    text = text.replace(ACCOUNT, "LOCAL")
    items = []
    for item in re.split(r"([,;:])", text):
        bare = item.strip()
        # A comment counts as the display name it stands for.
        comment = re.fullmatch(r"\((.*)\)\s*(\S+)|(\S+)\s*\((.*)\)", bare)
        if comment:
            bare = f"{comment.group(1) or comment.group(4)} <{comment.group(2) or comment.group(3)}>"
        angle = re.fullmatch(r"(.*)<([^<>@]*)>", bare)
        if angle:
            bare = f"{angle.group(1)}<LOCAL>"
        elif bare and bare not in ",;:" and "@" not in bare and "<" not in bare and not bare.endswith(")"):
            bare = "LOCAL"
        items.append(re.sub(r"^<([^<>]*)>$", r"\1", bare).lower())
    return "".join(items).strip(",")


def same_but_local_names(ours, theirs):
    return plain(ours) == plain(theirs)


@rule("value", "to", "cc", "reply-to", "resent-to", "resent-cc")
def local_name_becomes_account(difference, call, theirs):
    what = difference.what
    return ACCOUNT in difference.ours and same_but_local_names(
        compare.comparable(what, difference.ours), compare.comparable(what, difference.theirs)
    )


@rule("value", "errors-to", "return-receipt-to", "disposition-notification-to", "mail-followup-to", "apparently-to", peer="postfix")
def postfix_qualifies_more_fields(difference, call, theirs):
    return re.sub("@" + LOCAL, "", difference.theirs) == difference.ours


@rule("value")
def control_character_is_blank(difference, call, theirs):
    clean = re.sub(r"[ \x00-\x1f\x7f]+", " ", difference.theirs).strip()
    return re.search(r"[\x00-\x1f\x7f]", difference.theirs) and clean == difference.ours


# ---- body --------------------------------------------------------------------------------------------------------


def lone_dot(call):
    return not call.dash_i and re.search(rb"(?m)^\.\r?$", call.case.data)


@rule("body")
def lone_dot_is_content(difference, call, theirs):
    if not lone_dot(call):
        return False
    cut = len(difference.theirs)
    return difference.ours[cut : cut + 1] == [b"."] and unstuffed(difference.ours[:cut]) == unstuffed(difference.theirs)


def unstuffed(lines):
    return [line[1:] if line.startswith(b"..") else line for line in lines]


@rule("body")
def stuffed_dots(difference, call, theirs):
    if call.dash_i or len(difference.ours) != len(difference.theirs):
        return False
    pairs = zip(difference.ours, difference.theirs)
    return all(one == two or (one + two).startswith(b".") and (one == b"." + two or two == b"." + one) for one, two in pairs)


@rule("body", peer="postfix")
def postfix_bare_cr_is_blank(difference, call, theirs):
    return [line.replace(b"\r", b" ") for line in difference.ours] == [line.replace(b"\r", b" ") for line in difference.theirs]


@rule("body")
def latin_text_labelled(difference, call, theirs):
    latin = [compare.text(line).encode() for line in difference.theirs]
    return latin == difference.ours and any(not line.isascii() for line in difference.theirs)


@rule("order", peer="sendmail")
def sendmail_moves_stamps(difference, call, theirs):
    without = lambda names: [name for name in names if name not in ("date", "message-id", "return-path")]
    return without(difference.ours) == without(difference.theirs) and header_unfinished(call)
