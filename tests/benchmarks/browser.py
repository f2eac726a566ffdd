"""A Chromium that is told what to do by its DevTools protocol, with as little of it as possible.

Playwright turns on the protocol's `Runtime` domain, with which V8 records the exact place of every error object that
is made. Plotly's module makes some while it is evaluated; that alone took its main thread 740 ms instead of 290. So
a person's browser is not timed by Playwright.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

ARGS = ("--headless=new", "--no-sandbox", "--disable-background-networking", "--disable-component-update",
        "--no-first-run", "--remote-debugging-port=0")  # fmt: skip


class Browser:
    """One process; windows of it share nothing."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._n = socket, 0

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events are dropped."""
        self._n += 1
        command: dict[str, Any] = {"id": self._n, "method": method, "params": params}
        self._socket.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._n:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])

    @contextmanager
    def window(self) -> Iterator[str]:
        """A context of its own: its cache, storage and sessions begin empty."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        yield context
        self.ask("Target.disposeBrowserContext", browserContextId=context)

    @contextmanager
    def tab(self, context: str, width: int, height: int, script: str) -> Iterator[str]:
        """A tab of a window; `script` runs before anything of a page does."""
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1,
                 mobile=False)  # fmt: skip
        self.ask("Page.enable", session)
        self.ask("Page.addScriptToEvaluateOnNewDocument", session, source=script)
        self.ask("Performance.enable", session, timeDomain="threadTicks")
        yield session
        self.ask("Target.closeTarget", targetId=target)

    def value(self, session: str, expression: str) -> Any:
        answer = self.ask("Runtime.evaluate", session, expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def main_thread_ms(self, session: str) -> float:
        """CPU that the page's main thread has used, whatever else the machine did meanwhile."""
        metrics = {
            one["name"]: one["value"] for one in self.ask("Performance.getMetrics", session)["metrics"]
        }
        return float(metrics["TaskDuration"]) * 1e3


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [chromium, *ARGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            with connect(_address(Path(profile)), max_size=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            process.wait(20)


def _address(profile: Path, within_s: float = 30.0) -> str:
    """Chromium writes its port and path into this file once it listens."""
    told, deadline = profile / "DevToolsActivePort", time.monotonic() + within_s
    while not told.exists() or len(told.read_text().splitlines()) < 2:
        if time.monotonic() > deadline:
            raise SystemExit("The browser did not start. Is chromium the path of a working one?")
        time.sleep(0.02)
    port, path = told.read_text().splitlines()[:2]
    return f"ws://127.0.0.1:{port}{path}"
