"""A desk that is served in this process, its one visitor, and a browser."""

import socket
import threading
import time
from pathlib import Path

import uvicorn

from fieldshift.web import accounts
from fieldshift.web.app import create_app
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings

WAIT = 60_000
"""Milliseconds that a page is waited for."""


class Benched:
    """A desk that is served, and a browser.

    Attributes:
        desk, visitor: The desk and its one visitor, as a client has them.
        at: The desk's address.
    """

    def __init__(self, store: Path, browser) -> None:
        self.app = create_app(Settings(store=store, database="", workers=0))
        self.desk = self.app.state.desk
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.at = f"http://127.0.0.1:{port}"
        self.server = uvicorn.Server(uvicorn.Config(self.app, "127.0.0.1", port, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]}, daemon=True)
        self.thread.start()
        with self.desk.db.begin() as rows:
            user = accounts.local(rows, self.desk)
            word, _ = accounts.begun(rows, self.desk, user)
        self.visitor = Visitor(user, accounts.LOCAL, "admin")
        self.cookie = {"name": f"fieldshift-{port}", "value": word, "url": self.at}
        self.browser = browser
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.05)

    def opened(self, complaints=("error",), **more):
        """Return a page of the visitor that is nowhere yet; what it complains of is kept in its `faults`."""
        context = self.browser.new_context(**more)
        context.set_default_timeout(WAIT)
        context.add_cookies([self.cookie])
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda line: line.type in complaints and page.faults.append(line.text))
        return page

    def closed(self) -> None:
        """Stop the server."""
        self.server.should_exit = True
        self.thread.join(20)
        self.listener.close()
        self.desk.db.dispose()
