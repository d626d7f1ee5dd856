"""Several of the portal's commands in one process, because starting the portal is most of what each would cost.

    python -m scripts.flask_steps "db upgrade" "rehearsal load"

What each prints ends with the END character. Exit code 0, or FIRST_FAILED plus the position of the one that failed.
"""

import sys

import click
from flask.cli import FlaskGroup, ScriptInfo

END = "\x1e"
FIRST_FAILED = 100


def main(steps: list[str]) -> int:
    """Run the commands in turn and stop at the first that fails."""
    group = FlaskGroup()
    portal = ScriptInfo(app_import_path="wsgi")
    for position, step in enumerate(steps):
        try:
            group.main(args=step.split(), prog_name="flask", standalone_mode=False, obj=portal)
        except click.ClickException as error:
            error.show()
            return FIRST_FAILED + position
        except Exception as error:
            print(f"{type(error).__name__}: {error}".partition("\n")[0], flush=True)
            return FIRST_FAILED + position
        print(END, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
