"""Somebody who marks over the network: a server in a process of its own, and what asks it."""

import html
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.review.ports import free_port

SERVE = "from assay.cli import cli; cli(['review', {place!r}, '--by', 'tom', '--port', '{port}'])"


class Client:
    """What the script of the page does: it sends a save until there is an answer."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookies = httpx2.Cookies()
        self.client = self.asking()
        self.resent = 0
        self.start()
        self.cookies = self.client.get(self.link).cookies
        page = self.client.get("/").text
        self.csrf = re.search(r'name="csrf" content="(\w+)"', page)[1]  # type: ignore[index]

    def asking(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.origin, timeout=120, cookies=self.cookies)

    def start(self) -> None:
        program = SERVE.format(place=str(self.place), port=self.port)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().split()[-1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(120)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end(self) -> None:
        self.kill()
        self.client.close()

    def look(self, path: str) -> dict[str, Any]:
        answer = self.asked(lambda: self.client.get(path, follow_redirects=True))
        return json.loads(html.unescape(re.search(r'data-state="([^"]*)"', answer.text)[1]))  # type: ignore[index]

    def ids(self, question: int = 1) -> list[str]:
        """The answers of a question, in the marker's order."""
        found = [self.look(f"/q/{question}")["answer"]]
        while True:
            page = self.client.get(f"/q/{question}/1/{found[-1]}").text
            after = re.search(rf'id="next" href="/q/{question}/1/(\w+)"', page)
            if after is None:
                return found
            found.append(after[1])

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRF-Token": self.csrf}
        answer = self.asked(lambda: self.client.post("/save", json=body, headers=headers))

        assert answer.status_code == 200, answer.text
        return answer.json()

    def asked(self, ask: Any) -> Any:
        while True:
            try:
                return ask()
            except httpx2.TransportError:
                self.resent += 1
                if self.process.poll() is not None:
                    self.kill()
                    self.client.close()
                    self.client = self.asking()
                    self.start()
