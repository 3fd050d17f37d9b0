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
    """The names of the rules that hold: the first, or for recipients as many as it takes; [None] when it stays a riddle."""
    for name, kinds, names, only, function in RULES:
        if difference.kind in kinds and (not names or difference.what in names) and only in (None, peer):
            if function(difference, call, getattr(call, peer)):
                return [name]
    return recipient_forms(difference, call, peer) if difference.kind == "recipients" else [None]


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
def unreadable_is_65(difference, call, theirs):
    return call.ours.status == 65 and "cannot read this address" in call.ours.said


@rule("status", peer="postfix")
def postfix_has_fewer_flags(difference, call, theirs):
    complaints = "invalid option", "-B option needs", "-n option not supported", "unsupported: -X", "unauthorized configuration directory"
    return only_ours(difference) and theirs.status == 75 and says(theirs, *complaints)


@rule("status", peer="postfix")
def postfix_warns_about_dsn_value(difference, call, theirs):
    return call.ours.status == 64 and says(theirs, "bad -R option value -- ignored", "bad -N option value -- ignored")


@rule("status", peer="sendmail")
def sendmail_f_twice(difference, call, theirs):
    return only_ours(difference) and theirs.status == 64 and len(call.senders) > 1 and says(theirs, 'More than one "from" person')


@rule("status", peer="sendmail")
def sendmail_privileged_flag(difference, call, theirs):
    letters = {flag for flag, _ in call.flags}
    complaints = "RunAsUser for MSP ignored", "real uid not trusted", "unknown option name", "Compiled with:", "Permission denied", "Unknown 8-bit mode"
    named = letters & set("AXCDcsTQdO") or any(flag == "o" and value[:1] in "AL8" for flag, value in call.flags)
    return only_ours(difference) and named and says(theirs, *complaints)


@rule("status", peer="sendmail")
def sendmail_fewer_flags(difference, call, theirs):
    return only_ours(difference) and theirs.status == 64 and says(theirs, "illegal option", "Illegal body type", "Bad -B")


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


def header_unfinished_text(call):
    """The input ends inside a line of the header that is no field (yet)."""
    return b"\n\n" not in call.case.data.replace(b"\r\n", b"\n") and not call.case.data.endswith(b"\n")


@rule("status recipients added order body", peer="sendmail")
def sendmail_quoted_from_line(difference, call, theirs):
    return quoted_from_line(call)


@rule("value", "date", "message-id", peer="sendmail")
def sendmail_quoted_from_line_stamps(difference, call, theirs):
    return quoted_from_line(call)


@rule("status recipients added value order", peer="sendmail")
def sendmail_loses_unfinished_header(difference, call, theirs):
    last = call.fields[-1][0] if call.fields else ""
    if difference.kind == "order":
        without = lambda names: [name for name in names if name not in (last, "date", "message-id")]
        return header_unfinished(call) and without(difference.ours) == without(difference.theirs)
    return header_unfinished(call) and (difference.kind in ("status", "recipients") or difference.what == last)


# ---- for whom ----------------------------------------------------------------------------------------------------


def resent_without_recipients(call):
    return any(name.startswith("resent-") for name in call.given) and not call.given & {"resent-to", "resent-cc", "resent-bcc"}


@rule("status recipients", peer="sendmail")
def sendmail_nul_bounces(difference, call, theirs):
    refused = difference.kind == "status" and only_ours(difference) and says(theirs, "NUL byte not allowed")
    return b"\0" in call.case.data and (refused or not theirs.recipients)


@rule("value body", peer="sendmail")
def sendmail_cuts_eighth_bit(difference, call, theirs):
    seven = "7BIT" in call.flag("B") or any(value.startswith("7") for value in call.flag("o"))
    cut = lambda octets: bytes(octet & 0x7F for octet in octets)
    other = difference.theirs if difference.kind == "body" else [difference.theirs.encode()]
    source = call.case.data.replace(b"\r\n", b"\n")
    return seven and all(line.isascii() and line in cut(source) for line in other) and not source.isascii()


FORMS = []


def form(peer=None):
    """Declares a rule about one address of theirs (or of ours) that the other side has not, or has otherwise."""

    def declare(function):
        FORMS.append((function.__name__.replace("_", "-"), peer, function))
        return function

    return declare


def recipient_forms(difference, call, peer):
    """Each address only one side has must be of a known form, and what stands for it must be on the other side."""
    ours, theirs = set(difference.ours), set(difference.theirs)
    all_ours = {compare.mapped(address) for address in call.ours.recipients}
    all_theirs = {compare.mapped(address) for address in getattr(call, peer).recipients}
    used = []
    for name, only, function in FORMS:
        if only not in (None, peer):
            continue
        for odd in sorted(theirs):
            stands_for = function(odd, all_ours, all_theirs, call)
            if stands_for is not None and stands_for <= all_ours:
                theirs.discard(odd)
                ours -= stands_for
                used.append(name)
        for odd in sorted(ours):
            if function(None, {odd}, all_theirs, call):
                ours.discard(odd)
                used.append(name)
    return sorted(set(used)) if not ours and not theirs else [None]


def only_if(condition, *addresses):
    return set(addresses) if condition else None


@form(peer="postfix")
def postfix_ignores_case(odd, ours, theirs, call):
    if odd is None:
        address, = ours
        return only_if(address.lower() in {other.lower() for other in theirs}, address)


@form(peer="postfix")
def postfix_drops_leading_dash(odd, ours, theirs, call):
    if odd is None:
        address, = ours
        return only_if(address.startswith("-"), address)


@form()
def unended_group_is_read(odd, ours, theirs, call):
    found = odd and re.fullmatch(r"(?:mailto|Group): ?([^;]+)", odd)
    return only_if(found, found and found.group(1))


@form(peer="sendmail")
def sendmail_group_in_queue(odd, ours, theirs, call):
    # A group of one is queued as it came, of several in pieces: "Friends: a@example.com" and "b@example.net;".
    found = odd and re.fullmatch(r"(?:[\w ]+:)? ?([^;:]+@[^;:]+);?", odd)
    return only_if(found and (":" in odd or ";" in odd), found and compare.mapped(found.group(1)))


@form(peer="postfix")
def postfix_bang_path(odd, ours, theirs, call):
    return only_if(odd == "user@host", ACCOUNT)


@form()
def localhost_localdomain_is_local(odd, ours, theirs, call):
    return only_if(odd and odd.endswith("@localhost.localdomain"), ACCOUNT)


@form(peer="postfix")
def postfix_empty_is_postmaster(odd, ours, theirs, call):
    return set() if odd == "MAILER-DAEMON@" else None


@form()
def idn_to_a_labels(odd, ours, theirs, call):
    if odd and re.search("@.*[^\x00-\x7f]", odd):
        local, _, domain = odd.rpartition("@")
        return {f"{local}@{domain.encode('idna').decode()}"}
    return None


def addresses_in(call, *names):
    values = ",".join(call.values(*names))
    return {compare.mapped(item) for item in re.split(r"[,;:]", values)}


@form(peer="postfix")
def resent_means_all_fields(odd, ours, theirs, call):
    return only_if(odd and call.dash_t and resent_without_recipients(call) and odd in addresses_in(call, "to", "cc", "bcc"))


@form(peer="sendmail")
def sendmail_apparently_to(odd, ours, theirs, call):
    return only_if(odd and call.dash_t and odd in addresses_in(call, "apparently-to"))


@form(peer="sendmail")
def sendmail_keeps_last_dot(odd, ours, theirs, call):
    return only_if(odd and odd.endswith("."), (odd or "")[:-1])


@form(peer="sendmail")
def sendmail_keeps_route(odd, ours, theirs, call):
    found = odd and re.fullmatch(r"@[\w.]+:(.+)", odd)
    return only_if(found, found and found.group(1))


@form(peer="sendmail")
def sendmail_keeps_glued_addresses(odd, ours, theirs, call):
    if odd is None:
        address, = ours  # Of glued ones it may take the last alone.
        return only_if(any(f"<{address}><" in text for text in [*call.operands, *call.values("to", "cc")]), address)
    parts = [part for part in re.split(r"[<>; ]+", odd) if part]
    return only_if(len(parts) > 1 and re.search("[<;]", odd), *map(compare.mapped, parts))


@rule("sender")
def account_is_sender(difference, call, theirs):
    return difference.ours == ACCOUNT


# ---- fields ------------------------------------------------------------------------------------------------------


@rule("value added", "from")
def from_is_account(difference, call, theirs):
    if difference.kind == "added":
        return not difference.theirs and len(difference.ours) == 1 and ACCOUNT in difference.ours[0]
    name = re.fullmatch(r"(?:(.*) )?<?" + ACCOUNT + ">?", difference.ours)
    bare = lambda text: re.sub(r'[\\"]', "", text)
    names = ["alice on host1"]
    if not "".join(call.values("from")).strip():
        names += call.flag("F")[-1:] + ["Alice Example"]
    return name and any(bare(who) in bare(name.group(1) or "") for who in names)


@rule("added", "x-original-from")
def original_kept(difference, call, theirs):
    shown = compare.comparable("from", difference.ours[0])
    if "from" in call.given:
        return shown == compare.comparable("from", call.values("from")[0])
    bare = re.sub(r".*<(.*)>.*", r"\1", shown)
    return any(bare in compare.comparable("from", sender) for sender in call.senders)


@rule("added", "reply-to")
def reply_to_kept(difference, call, theirs):
    shown = compare.comparable("reply-to", difference.ours[0])
    sources = [compare.comparable("from", value) for value in call.values("from")[:1]] + call.senders
    bare = re.sub(r".*<(.*)>.*", r"\1", shown)
    return "reply-to" not in call.given and any(bare in source for source in sources)


@rule("value", "date", "message-id", "resent-date", "resent-message-id")
def stamps_differ(difference, call, theirs):
    return not "".join(call.values(difference.what)).strip() or header_unfinished(call)


@rule("order")
def empty_stamps_are_none(difference, call, theirs):
    return any(not value.strip() for name, value in call.fields if name in ("from", "date", "message-id"))


@rule("added", "resent-date", "resent-message-id")
def resent_stamps_for_any_resent_field(difference, call, theirs):
    return any(name.startswith("resent-") for name in call.given)


@rule("added", "sender")
def several_authors_get_a_sender(difference, call, theirs):
    return difference.ours == [ACCOUNT] and "," in "".join(call.values("from"))


@rule("status")
def control_in_recipient_is_65(difference, call, theirs):
    return call.ours.status == 65 and "control character in an address" in call.ours.said


@rule("value", "disposition-notification-to", "return-receipt-to", "errors-to")
def shown_local_name_becomes_account(difference, call, theirs):
    return ACCOUNT in difference.ours


@rule("value", "references", "in-reply-to")
def long_field_folded(difference, call, theirs):
    return "".join(difference.ours.split()) == "".join(difference.theirs.split())


@rule("added", "x-original-from")
@rule("value", "to", "subject")
def nul_in_a_field(difference, call, theirs):
    return b"\0" in call.case.data


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


@rule("added", "from", "date", "message-id", peer="postfix")
def postfix_completes_only_resent(difference, call, theirs):
    return any(name.startswith("resent-") for name in call.given) and difference.what not in call.given


@rule("added", "from", "date", "message-id", peer="postfix")
def postfix_g_completes_nothing(difference, call, theirs):
    return any(flag == "G" for flag, _ in call.flags) and difference.what not in call.given


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
    first = difference.what in ("from", "sender") or difference.ours[:1] == [compare.readable(call.values(difference.what)[0])]
    return len(difference.ours) == 1 and len(difference.theirs) > 1 and first


@rule("dropped", "dkim-signature")
def broken_signature_goes(difference, call, theirs):
    return True


@rule("added", "full-name", peer="sendmail")
def sendmail_eats_full_name(difference, call, theirs):
    return "full-name" in call.given


@rule("added value dropped", "content-type", "content-transfer-encoding", "mime-version")
def made_seven_bit(difference, call, theirs):
    odd = re.search(rb"[^\x01-\x7f]|\r(?!\n)|\r\r\n|[^\n]{999}", call.case.data)
    relabelled = difference.what == "content-transfer-encoding" and (difference.ours, difference.theirs) == ("7bit", "binary")
    return difference.kind != "dropped" and bool(odd or relabelled)


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


def tidied(what, text, *steps):
    text = re.sub("@" + LOCAL + r"\b", "", compare.comparable(what, text).replace(ACCOUNT, "root"))
    for step in steps:
        text = step(text)
    return re.sub(",+", ",", plain(text)).strip(",")


def without_odd_forms(text):
    """A dot behind the domain, a route, host!user, a semicolon outside a group."""
    text = re.sub(r"@[\w.]+:(?=\w+@)", "", text.replace("host!user", "root").replace("user@host", "root"))
    text = re.sub(r"(?<=[a-z])\.(?=[,;>]|$)", "", text)
    return re.sub(r"<([^<> ]+@[^<>]+)>(?=,|$)", r"\1", re.sub(r"(?<!:);+(?=[\w,]|$)", ",", text))


ODD_FORM = r"\.com\.|host!user|\w;\w|<@|(?i:mailto|group):"


@rule("value dropped", "to", "cc", "reply-to")
def odd_address_tidied_or_not(difference, call, theirs):
    # Postfix tidies every address in a header, Sendmail none; ours those of a field it has to write anew.
    what, came = difference.what, ", ".join(call.values(difference.what))
    sides = [value if isinstance(value, str) else ", ".join(value) for value in (difference.ours, difference.theirs)]
    ours, other = (tidied(what, side, without_odd_forms) for side in sides)
    return re.search(ODD_FORM, came) and ours == other


@rule("value dropped", "to", "cc")
def leading_comment_lost(difference, call, theirs):
    what, came = difference.what, compare.comparable("to", ",".join(call.values(difference.what)))
    lost = re.findall(r"(?:^|[,:;]) *(\((?:[^()]|\([^()]*\))*\))", came)

    def without(text):
        for comment in lost:
            text = text.replace(" " + comment, "").replace(comment, "")
        return text

    sides = [value if isinstance(value, str) else ", ".join(value) for value in (difference.ours, difference.theirs)]
    ours, other = (tidied(what, side, without, without_odd_forms) for side in sides)
    return lost and not any(comment in compare.comparable(what, sides[0]) for comment in lost) and ours == other


@rule("value", "to", "cc", "from", "reply-to")
def idn_header_to_a_labels(difference, call, theirs):
    encode = lambda domain: "@" + domain.group(1).encode("idna").decode()
    return re.sub(r"@([\w.-]*[^\x00-\x7f][\w.-]*)", encode, difference.theirs) == difference.ours


@rule("value", "to", "cc", peer="postfix")
def unreadable_field_stays(difference, call, theirs):
    came = [compare.readable(value) for value in call.values(difference.what)]
    unreadable = lambda text: "\\" in re.sub(r'"(\\.|[^"\\])*"', "", text) or text.count("<") != text.count(">") or re.search(r"\w \w+@|@ *(,|$)|@\w+@", text)
    return difference.ours in came and unreadable(difference.ours)


@rule("status", peer="postfix")
def nobody_named(difference, call, theirs):
    return "no recipients" in call.ours.said and call.operands == ["(only comment)"]


@rule("recipients value", peer="postfix")
def unclosed_quote(difference, call, theirs):
    return call.ours.taken and any(value.count('"') % 2 for value in call.values("to", "cc", "from"))


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
    before = zip(difference.ours, difference.theirs)
    return difference.ours[cut : cut + 1] == [b"."] and all(one == two or one == b"." + two or b"." + one == two for one, two in before)


@rule("body", peer="sendmail")
def sendmail_last_dot_at_end(difference, call, theirs):
    return call.case.data.endswith(b"\n.") and call.dash_i and difference.ours == [*difference.theirs, b"."]


@rule("body", peer="sendmail")
def sendmail_loses_unfinished_header_text(difference, call, theirs):
    return header_unfinished_text(call) and not difference.theirs


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
def cr_at_end_is_line_end(difference, call, theirs):
    if not call.case.data.endswith(b"\n\r"):
        return False
    theirs_lines = [compare.text(line).encode() for line in difference.theirs]
    return difference.ours in ([*theirs_lines, b""], [*theirs_lines[:-1], b""])


@rule("body")
def latin_text_labelled(difference, call, theirs):
    latin = [compare.text(line).encode() for line in difference.theirs]
    return latin == difference.ours and any(not line.isascii() for line in difference.theirs)


@rule("order", peer="sendmail")
def sendmail_moves_empty_from(difference, call, theirs):
    without = lambda names: [name for name in names if name != "from"]
    return without(difference.ours) == without(difference.theirs) and not call.values("from")[0].strip()
