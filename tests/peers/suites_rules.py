"""Why what arrived is not what was handed over: one function a rule; its docstring is the reason in suites.md."""

import re
from dataclasses import dataclass

from handed_over import Call
from programs import ACCOUNT

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
