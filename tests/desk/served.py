"""A desk as its users meet it: a server process in a folder, and a real browser in front of it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PATIENCE = 120


class Served:
    """A served desk.

    Attributes:
        address: Where it is.
        link: The link that it printed last.
        said: All that it wrote to stderr.
    """

    def __init__(self, store: Path, *options: str, port: int = 0) -> None:
        self.store, self.options, self.port = store, options, port
        self.said: list[str] = []
        self.start()

    def start(self) -> None:
        shell = Path(sys.executable).with_name("fieldshift")
        command = [str(shell), "serve", "--store", str(self.store), "--port", str(self.port)]
        surroundings = {k: v for k, v in os.environ.items() if k != "FIELDSHIFT_DATABASE_URL"}
        since = len(self.said)
        self.process = subprocess.Popen(
            [*command, *self.options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=surroundings,
            start_new_session=True,
        )
        self.ear = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.ear.start()
        self.link = self._told(r"http://\S+/(?:enter|join)/\S+", since)
        self.address = "/".join(self.link.split("/")[:3])
        self.port = int(self.address.rsplit(":", 1)[1])

    def _listen(self, process: subprocess.Popen) -> None:
        for line in process.stderr:
            self.said.append(line)

    def _told(self, pattern: str, since: int) -> str:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(pattern, "".join(self.said[since:]))
            if found:
                return found.group()
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        self.ear.join(10)
        self.process.stderr.close()

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        lines = [line for line in listed.splitlines() if "fieldshift.web.worker" in line and str(self.store) in line]
        return [int(line.split()[0]) for line in lines]
