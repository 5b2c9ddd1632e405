"""The shell: python -m asl run | train | compare | evaluate | predict | … (see asl/shell)."""

import errno
import signal
import sys
import threading

from asl import files
from asl.environment.terminal import give_up_output, prepare_output, unforeseen
from asl.errors import AslError
from asl.shell.parser import parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives 0 when all went well, 1 after a message, 2 for wrong usage, 130 when
    it was interrupted. An error that nobody foresaw is a message, too: --traceback shows more.
    """
    prepare_output()
    arguments = sys.argv[1:] if arguments is None else arguments
    with_traceback = "--traceback" in arguments
    options = parser().parse_args([each for each in arguments if each != "--traceback"])
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        code = options.command(options) or 0
        sys.stdout.flush()
        return code
    except AslError as error:
        print(f"asl: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as where:
        print(f"asl: interrupted{f': {where}' if str(where) else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `python -m asl datasets | head`
        give_up_output()
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename:
            give_up_output()
        print(f"asl: {unforeseen(error, files.RUNS / 'errors', with_traceback)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
