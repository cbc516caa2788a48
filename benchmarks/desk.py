"""The desk under load: 50 readers at once and 10 queued runs, over loopback, on this machine.

The readers are another process than the server, each with a connection of its own, and ask for one page after the
other. What is printed: pages in all, errors, and the median and slowest tenth of each kind of page, first while
nothing runs, then while the runs go on; the ratio of the two medians says what a run costs its readers.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READERS = 50
RUNS = 10
SECONDS = 20.0
CASE = "ice-2024"
PAUSE = 1.0
"""Seconds that a reader looks at a page before asking for the next."""


class Caller:
    """One browser: a connection that is kept, and the cookie of whoever came in."""

    def __init__(self, address: str, cookie: str = "") -> None:
        parts = urllib.parse.urlsplit(address)
        self.host, self.cookie = parts.netloc, cookie
        self.line = http.client.HTTPConnection(parts.netloc, timeout=60)

    def ask(self, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
        """Ask for a page, or send JSON, and return status, headers and body."""
        headers = {"Cookie": self.cookie, "Origin": f"http://{self.host}", "Accept-Encoding": "gzip"}
        data = None
        if body is not None:
            headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
            data = json.dumps(body)
        self.line.request("GET" if body is None else "POST", path, body=data, headers=headers)
        answer = self.line.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


@contextmanager
def served(store: Path) -> Iterator[tuple[str, str]]:
    """Serve a desk from a folder; give its address and a cookie of the local visitor."""
    command = [sys.executable, "-m", "fieldshift.cli", "serve", "--port", "0", "--store", str(store)]
    environment = {k: v for k, v in os.environ.items() if k != "FIELDSHIFT_DATABASE_URL"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            found = re.search(r"http://[\w.\[\]:]+/enter/\S+", line)
            if found:
                break
        else:
            raise SystemExit("the desk did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        link = urllib.parse.urlsplit(found.group())
        address = f"http://{link.netloc}"
        status, headers, _ = Caller(address).ask(link.path)
        assert status in (200, 303), status
        yield address, headers["set-cookie"].split(";")[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def reading(address: str, cookie: str, pages: dict[str, str], seconds: float) -> dict[str, list[float]]:
    """Let all readers read for a while; return the seconds of each kind of page, and `error` for what failed."""
    times: dict[str, list[float]] = defaultdict(list)
    lock = threading.Lock()
    stop = time.monotonic() + seconds

    def reader(number: int) -> None:
        caller, names = Caller(address, cookie), list(pages)
        time.sleep(PAUSE * number / READERS)
        while time.monotonic() < stop:
            name = names[number % len(names)]
            number += 1
            began = time.perf_counter()
            try:
                status, _, _ = caller.ask(pages[name])
                kind = name if status == 200 else "error"
            except (OSError, http.client.HTTPException):
                caller, kind = Caller(address, cookie), "error"
            taken = time.perf_counter() - began
            with lock:
                times[kind].append(taken)
            time.sleep(max(0.0, PAUSE - taken))

    threads = [threading.Thread(target=reader, args=(n,)) for n in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def waited(caller: Caller, run: str, limit: float = 300) -> None:
    """Wait for a run to end well."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        state = json.loads(caller.ask(f"/runs/{run}.json", None)[2] if False else plain(caller, f"/runs/{run}.json"))
        if state["state"] in ("done", "failed", "cancelled"):
            assert state["state"] == "done", state
            return
        time.sleep(0.5)
    raise SystemExit(f"the run {run} did not end")


def plain(caller: Caller, path: str) -> bytes:
    """Return a page's body, not packed."""
    caller.line.request("GET", path, headers={"Cookie": caller.cookie})
    return caller.line.getresponse().read()


def told(title: str, times: dict[str, list[float]]) -> float:
    """Print what was measured; return the median over all pages."""
    everything = [t for name, found in times.items() if name != "error" for t in found]
    print(f"  {title}: {len(everything)} pages, {len(times.get('error', []))} errors")
    for name, found in sorted(times.items()):
        found.sort()
        print(f"    {name:<10} median {statistics.median(found):.3f} s, slowest tenth {found[int(len(found) * 0.9)]:.3f} s")
    return statistics.median(everything)
