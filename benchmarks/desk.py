"""The desk under load: 50 readers at once and 10 queued runs, over loopback, on this machine.

The readers are another process than the server, each with a connection of its own, and ask for one page after the
other. What is printed: pages in all, errors, and the median and slowest tenth of each kind of page, first while
nothing runs, then while the runs go on; the ratio of the two medians says what a run costs its readers.
"""

from __future__ import annotations

import gzip
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

import fieldshift as fs

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
    shell = Path(sys.executable).with_name("fieldshift")
    command = [str(shell), "serve", "--port", "0", "--store", str(store)]
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


def state_of(caller: Caller, run: str) -> str:
    """Return how far a run is."""
    _, headers, body = caller.ask(f"/runs/{run}.json")
    text = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    return str(json.loads(text)["run"]["state"])


def waited(caller: Caller, runs: list[str], limit: float = 600) -> None:
    """Wait until runs ended well."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        states = {state_of(caller, run) for run in runs}
        if states <= {"done", "failed", "cancelled"}:
            assert states == {"done"}, states
            return
        time.sleep(0.5)
    raise SystemExit(f"the runs {runs} did not end")


def begun(caller: Caller, case: str, seed: int, draws: int, policies: list[str]) -> str:
    """Ask for a run and return its id."""
    asked = {"kind": "simulate", "draws": draws, "seed": seed, "policies": policies}
    status, _, body = caller.ask(f"/cases/{case}/runs.json", asked)
    assert status == 201, body
    return str(json.loads(body)["id"])


def told(title: str, times: dict[str, list[float]]) -> float:
    """Print what was measured; return the median over all pages."""
    everything = [t for name, found in times.items() if name != "error" for t in found]
    print(f"  {title}: {len(everything)} pages, {len(times.get('error', []))} errors")
    for name, found in sorted(times.items()):
        found.sort()
        print(
            f"    {name:<10} median {statistics.median(found):.3f} s, slowest tenth {found[int(len(found) * 0.9)]:.3f} s"
        )
    return statistics.median(everything)


def run() -> None:
    """Serve a desk, let it be read while nothing runs and while ten runs go on, and print both."""
    print(
        f"desk: {READERS} readers, a page each second and reader, {SECONDS:.0f} s; then {RUNS} runs of {CASE} as well"
    )
    with tempfile.TemporaryDirectory() as room, served(Path(room) / "store") as (address, cookie):
        caller = Caller(address, cookie)
        status, _, body = caller.ask("/cases.json", {"shipped": CASE})
        assert status == 201, body
        case = json.loads(body)["case"]
        policies = list(fs.read(CASE).policies)[:2]
        first = [begun(caller, case, seed, 40, policies) for seed in (1, 2)]
        waited(caller, first)
        pages = {
            "cases": "/cases",
            "scenario": f"/cases/{case}",
            "stocks": f"/cases/{case}?part=stocks",
            "run form": f"/cases/{case}/run",
            "runs": "/runs",
            "result": f"/runs/{first[0]}",
            "compare": f"/compare?run={first[0]}&run={first[1]}",
            "json": f"/runs/{first[0]}.json",
        }
        for path in pages.values():
            assert caller.ask(path)[0] == 200, path
        idle = told("nothing runs", reading(address, cookie, pages, SECONDS))
        caller = Caller(address, cookie)  # the server closes a connection that rests
        runs = [begun(caller, case, seed, 200, policies) for seed in range(10, 10 + RUNS)]
        busy = told(f"{RUNS} runs go on", reading(address, cookie, pages, SECONDS))
        caller = Caller(address, cookie)
        left = [one for one in runs if state_of(caller, one) not in ("done", "failed")]
        print(
            f"  {len(left)} of {RUNS} runs had not ended when the readers left; median while they go on: x {busy / idle:.1f}"
        )
        waited(caller, runs)
        print(f"  all {RUNS} runs ended well")
