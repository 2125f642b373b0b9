"""The command line.  `main` is the entry point: it turns errors into messages and exit codes.

0 done; 1 refused, failed or held; 2 wrong usage or settings; 3 nothing to do.
Each family of commands has its own file.  Heavy modules are imported inside the
commands, so that `digest --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from digest.errors import DigestError, NotFound, SettingsError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    import typer

    from digest.cli.app import app
    from digest.cli.output import print_error

    as_json = "--json" in words or words[-2:] == ["--format", "json"] or "--format=json" in words
    try:
        return app(args=words, prog_name="digest", standalone_mode=False) or 0
    except typer.TyperException as error:
        print_error(str(error.format_message()), as_json=as_json, mend="See `digest --help`.")
        return 2 if error.exit_code == 2 else 1
    except SettingsError as error:
        print_error(error.message, as_json=as_json, mend=error.mend, findings=error.findings)
        return 2
    except NotFound as error:
        print_error(error.message, as_json=as_json, mend=error.mend)
        return 2
    except DigestError as error:
        print_error(error.message, as_json=as_json, mend=error.mend)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        print_error("Stopped.", as_json=as_json, mend="Run the command again to resume what it began.")
        return 130
    except BrokenPipeError:
        # Whoever read our output closed the pipe (`digest plan | head`): not an error.
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.filename is not None:
            raise  # one of our own files: a bug, so show the traceback
        print_error(f"Cannot write the output: {error.strerror}.", as_json=False)
        return 1
