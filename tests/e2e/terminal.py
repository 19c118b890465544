"""Runs the program on a pseudo-terminal that a test drives, as a person at a keyboard would."""

import os
import pty
import re
import select
import time

from support import PROGRAM, TIMEOUT_S, clean_environment

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BEGIN_PASTING = "\x1b[?2004h"  # the program sends this exactly when it begins to wait for a line
WAITS = "\0"  # what expect() sees in place of BEGIN_PASTING


class Terminal:
    def __init__(self, *arguments, **variables):
        """Starts the program with these arguments. The variables are its environment's, beside TERM."""
        self.process, self.keyboard = pty.fork()
        if self.process == 0:
            environment = clean_environment(**({"TERM": "xterm-256color"} | variables))
            os.execve(PROGRAM, [PROGRAM, *map(str, arguments)], environment)
        self.raw = ""  # everything that was shown so far
        self.seen = 0  # number of shown characters that expect() has gone past

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.keyboard)
        if self.process is not None:
            os.waitpid(self.process, 0)

    def type(self, text):
        os.write(self.keyboard, text.encode())

    def read_some(self):
        """Returns what there is to read, or "" after 0.1 s without output. Returns None when the program has ended."""
        ready, _, _ = select.select([self.keyboard], [], [], 0.1)
        if not ready:
            return ""
        try:
            data = os.read(self.keyboard, 65536)
        except OSError:
            return None
        return data.decode(errors="replace") or None

    def expect(self, pattern):
        """Waits for the pattern behind the previous match. Returns the text up to the end of the match, without
        escapes."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            shown = ESCAPES.sub("", self.raw.replace(BEGIN_PASTING, WAITS))[self.seen :]
            found = re.search(pattern, shown)
            if found:
                self.seen += found.end()
                return shown[: found.end()]
            more = self.read_some()
            if more is None:
                raise AssertionError(f"ended without {pattern!r}: {shown!r}")
            self.raw += more
        raise AssertionError(f"no {pattern!r} in time: {shown!r}")

    def exit_code(self):
        """Reads the output to its end. Returns the exit code."""
        while (more := self.read_some()) is not None:
            self.raw += more
        _, status = os.waitpid(self.process, 0)
        self.process = None
        return os.waitstatus_to_exitcode(status)
