"""The one entry to every developer's command: `python3 scripts/dev.py run`, `test`, `soak`, `bench`, `simulate`, `lint`, `wheelhouse`.

This file runs on any Python 3, however old: it looks for a Python that is new enough and hands over to commands.py.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST_FIRST = ("python3.14", "python3.13", "python3.12", "python3.11")


def is_new_enough(python):
    """Whether a Python found on the path starts and is new enough."""
    question = "import sys; sys.exit(sys.version_info < (%d, %d))" % OLDEST  # noqa: UP031
    try:
        return (
            subprocess.call([python, "-c", question], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            == 0
        )
    except OSError:
        return False


def find_python():
    """This Python when it is new enough, else the first one on the path that is, else None."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for name in NEWEST_FIRST:
        python = shutil.which(name)
        if python and is_new_enough(python):
            return python
    return None


def main():
    """Hand over to commands.py with the arguments given."""
    python = find_python()
    if python is None:
        found = ".".join(str(part) for part in sys.version_info[:3])
        line = (
            "需要 Python 3.11 或更新的版本，这里是 "
            + found
            + "。请先安装（Debian 12、Ubuntu 24.04 自带即可）。"
            " | Python 3.11 or newer is needed, this is " + found + "; install it first.\n"
        )
        sys.stderr.buffer.write(line.encode("utf-8"))
        sys.exit(1)
    commands = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands.py")  # noqa: PTH100, PTH118, PTH120
    sys.stdout.flush()
    os.execv(python, [python, commands, *sys.argv[1:]])


main()
