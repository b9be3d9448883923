"""The OpenAPI document against the service: schemathesis makes requests from it, and checks the answers.

Its checks and phases all run, on a real server with a tiny version. `--fuzz 25` makes 25 times as many requests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.versions.store import Store
from tests.soak.process import ServerProcess

HERE = Path(__file__).parent
EXAMPLES = 15
SEED = "1"
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def test_no_request_made_from_the_document_is_answered_otherwise(tiny_version: Path, tmp_path: Path, fuzz: int) -> None:
    store = Store(shutil.copytree(tiny_version.parent, tmp_path / "store"))
    store.promote(tiny_version.name)
    with ServerProcess(store.root) as server:
        client = server.wait_until_ready()
        run = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "--config-file",
                HERE / "schemathesis.toml",
                "run",
                f"http://127.0.0.1:{server.port}/openapi.json",
                *("--checks", "all", "--max-examples", str(EXAMPLES * fuzz), "--seed", SEED, "--no-color"),
            ],
            cwd=tmp_path,
            env=os.environ
            | {"SCHEMATHESIS_HOOKS": "tests.contract.openapi.schemathesis_hooks", "PYTHONPATH": str(HERE.parents[2])},
            capture_output=True,
            text=True,
            timeout=400 * fuzz,
            check=False,
        )
        assert client.ask("GET", "/health/ready").status == 200
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert server.errors == []
    tested = re.search(r"Tested: (\d+)", run.stdout)
    cases = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert tested is not None, run.stdout
    assert int(tested[1]) >= 9
    assert cases is not None, run.stdout
    assert int(cases[1]) == int(cases[2]) >= 150
