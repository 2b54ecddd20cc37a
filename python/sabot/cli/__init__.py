"""The command `sabot`: pipelines and files without a line of Python. A module a command.

Modules are imported when a command needs them: `sabot --help` loads neither the engine nor pyarrow.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from sabot.cli.application import app

        app(prog_name="sabot")
    except KeyboardInterrupt:  # Before a command began.
        sys.exit(130)
