"""The parts of `python -m tests.soak.training_memory`: its catalogue, and the memory that it sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.soak.training_memory import CONFIG, follow, make_catalogue
from training.catalogue.check import check_catalogue
from training.catalogue.near_duplicates import group_near_duplicates
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import read_config

PARENT = """
import subprocess, sys, time
subprocess.run([sys.executable, "-c", "held = b'x' * 300_000_000; import time; time.sleep(2)"])
"""


def test_the_catalogue_can_be_trained_on(tmp_path: Path) -> None:
    make_catalogue(tmp_path, 60, 5)
    path = tmp_path / "large.toml"
    path.write_text(CONFIG.format(epochs=1, side=96), encoding="utf-8")
    config = read_config(path)
    catalogue = read_catalogue(config.catalogue)
    report = check_catalogue(catalogue, read_taxonomy(config.catalogue, catalogue))
    assert not report.problems
    assert (report.with_image, len(report.class_counts), report.missing_images) == (60, 5, ())
    assert (
        len(set(group_near_duplicates(catalogue, phash_distance=6).tolist())) == 60
    )  # photos of their own, as in a real catalogue


def test_memory_is_that_of_the_process_and_all_its_children() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT])
    assert 300 < follow(process) < 600
    assert process.returncode == 0
