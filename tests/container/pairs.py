"""Two users send in turn, and it is told how long each waited: pairs.py PAIRS FIRST SECOND; inside the container.

Ten pairs go before those that count; who begins changes from pair to pair. The mailbox's pace is forgotten before each
message: at 30 a minute we would measure nothing else.
"""

import json
import os
import pathlib
import pwd
import statistics
import subprocess
import sys
import time

MESSAGE = b"To: bob@example.com\nSubject: pair\n\n" + b"A line of text that is 32 octets\n" * 30


def send(user):
    entry = pwd.getpwnam(user)
    for state in (pathlib.Path(entry.pw_dir, ".local/state/outlook-sendmail"), pathlib.Path("/var/lib/outlook-sendmail")):
        for record in state.glob("**/pace*"):
            record.unlink()
    began = time.perf_counter()
    subprocess.run(["/usr/sbin/sendmail", "-t", "-i"], input=MESSAGE, check=True, user=entry.pw_uid, group=entry.pw_gid,
                   extra_groups=[], cwd="/", env={"HOME": entry.pw_dir, "PATH": os.environ["PATH"]})
    return (time.perf_counter() - began) * 1000


def main():
    pairs, users = int(sys.argv[1]), sys.argv[2:4]
    took = {user: [] for user in users}
    for turn in range(pairs + 10):
        for user in users if turn % 2 else users[::-1]:
            took[user].append(send(user))
    counted = {user: times[10:] for user, times in took.items()}
    added = statistics.median(second - first for first, second in zip(counted[users[0]], counted[users[1]]))
    told = {user: {"median": statistics.median(times), "low": statistics.quantiles(times, n=10)[0],
                   "high": statistics.quantiles(times, n=10)[-1]} for user, times in counted.items()}
    print(json.dumps({**told, "added": added}))


if __name__ == "__main__":
    main()
