"""The program from its first line on: signals that come during its start, and standard streams that nobody serves."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service.live_server import wait_until
from tests.soak.process import ROOT, ServerProcess
from tests.soak.wire import Broken, Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
MOMENTS = 12
AS_FIRST = ["unshare", "--pid", "--fork", "--kill-child", "env", "--block-signal=TERM", "--block-signal=INT"]
"""The first process of a namespace, started as the image starts it."""


def start(port: int, store: Path, *prefix: str, redirections: str = ">/dev/null 2>&1") -> subprocess.Popen[bytes]:
    settings = {"PYKUTEN_STORE": str(store), "PYKUTEN_PORT": str(port), "PYKUTEN_DRAIN_SECONDS": "0"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYKUTEN_")}
    command = ["sh", "-c", f'exec "$@" {redirections}', "sh", *prefix, sys.executable, "-m", "service"]
    return subprocess.Popen(command, cwd=ROOT, env=environment | settings)


def service_pid(process: subprocess.Popen[bytes], is_first: bool) -> int:
    """The process that is the service, once it runs Python."""
    pids = [str(process.pid)]

    def is_python() -> bool:
        if is_first:
            pids[:] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return bool(pids) and Path(f"/proc/{pids[0]}/comm").read_text().startswith("python")

    wait_until(is_python)
    return int(pids[0])


@pytest.fixture(scope="module")
def promoted(tiny_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Path(shutil.copytree(tiny_version.parent, tmp_path_factory.mktemp("start") / "store"))
    (store / "current").write_text(tiny_version.name + "\n")
    return store


@pytest.fixture(scope="module")
def start_seconds(promoted: Path) -> float:
    begin = time.monotonic()
    with ServerProcess(promoted) as server:
        server.wait_until_ready()
    return time.monotonic() - begin


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("is_first", [False, True], ids=["a child", "process 1"])
def test_a_signal_at_any_moment_of_the_start_ends_the_process(
    promoted: Path, start_seconds: float, is_first: bool
) -> None:
    if is_first and subprocess.run([*AS_FIRST, "true"], capture_output=True).returncode:
        pytest.skip("this user may not make a namespace of processes, or env cannot block signals")
    codes = []
    for moment in range(MOMENTS):
        number = (signal.SIGTERM, signal.SIGINT)[moment % 2]
        process = start(free_port(), promoted, *(AS_FIRST if is_first else ()))
        try:
            pid = service_pid(process, is_first)
            time.sleep(start_seconds * moment / MOMENTS)
            os.kill(pid, number)
            code = process.wait(10)
        finally:
            process.kill()
        codes.append(code)
        # 0: it served already. -number: Python itself had not started yet, and the system's own way ended it.
        assert code in (128 + number, *([0] if moment > MOMENTS / 2 else []), *([] if is_first else [-number])), codes
    assert sum(code > 0 for code in codes) > MOMENTS / 2, codes


def is_ready(client: Client) -> bool:
    try:
        return client.ask("GET", "/health/ready").status == 200
    except (Broken, OSError):
        return False


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&- >&- 2>&-", ">$LOG 2>&1 # stalled", ">$LOG 2>&1 # gone"])
def test_a_log_that_nobody_reads_costs_no_memory_and_no_thread(
    promoted: Path, tmp_path: Path, redirections: str
) -> None:
    client, fifo = Client(free_port()), tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    process = start(client.port, promoted, redirections=redirections.replace("$LOG", str(fifo)))
    try:
        wait_until(lambda: is_ready(client))
        if "gone" in redirections:
            os.close(reader)
        tasks = Path(f"/proc/{process.pid}/task")
        statuses = {client.ask("GET", "/health/live").status for _ in range(2000)}
        before, threads = resident_kb(process.pid), len(list(tasks.iterdir()))
        statuses |= {client.ask("GET", "/health/live").status for _ in range(4000)}
        assert statuses == {200}
        assert resident_kb(process.pid) - before < 1000
        assert len(list(tasks.iterdir())) == threads
        metrics = client.ask("GET", "/metrics").body.decode()
        dropped = float(re.findall(r"^pykuten_log_lines_dropped_total (.+)", metrics, re.MULTILINE)[0])
        assert dropped > 3000 if "stalled" in redirections else dropped == 0
        for descriptor in range(3):  # no socket of a client is taken for a standard stream
            assert "socket" not in str(Path(f"/proc/{process.pid}/fd/{descriptor}").readlink())
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        if "gone" not in redirections:
            os.close(reader)


@pytest.mark.parametrize("has_version", [True, False])
def test_a_person_at_a_terminal_is_told_the_address(promoted: Path, tmp_path: Path, has_version: bool) -> None:
    port, (terminal, end) = free_port(), os.openpty()
    process = start(
        port, promoted if has_version else tmp_path / "empty", redirections=f">/dev/null 2>{os.ttyname(end)}"
    )
    try:
        shown = b""
        wait_until(lambda: is_ready(Client(port)) or not has_version)
        while shown.count(b"\n") < (1 if has_version else 3):
            shown += os.read(terminal, 4096)
        lines = shown.decode().splitlines()
        assert lines[0].startswith(f"Open http://localhost:{port} ")
        assert has_version or f"No version in {tmp_path / 'empty'}" in lines[1]
        assert has_version or "models promote VERSION" in lines[2]
    finally:
        process.kill()
        process.wait()
        os.close(end)
        os.close(terminal)


def test_make_train_without_a_config_says_so() -> None:
    plain = {name: value for name, value in os.environ.items() if name != "CONFIG"}
    run = subprocess.run(["make", "train"], cwd=ROOT, env=plain, capture_output=True, text=True)
    assert run.returncode == 2
    assert "make train CONFIG=mine.toml" in run.stderr
    assert run.stderr.count("\n") == 1
