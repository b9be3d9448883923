"""Train on a large made-up catalogue with photos and follow the memory: `python -m tests.soak.training_memory`.

Every listing has words of its category and a photo of its own. The command is the one that people run, `python -m
training run`, with n-grams and a small photo network without weights: its memory does not depend on them. What is
finished stays in `--work`, so the same command goes on where it was interrupted. Exit code 0: the run sealed a version
and stayed below the limit. Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.training.generated_catalogue import KINDS, SYLLABLES, make_photo, make_text
from training.__main__ import whole_number

ROOT = Path(__file__).parents[2]
SAMPLE_SECONDS = 0.5
BYTES_PER_MB = 1_000_000
SECOND = tuple(syllable + letter for syllable in SYLLABLES for letter in "nrslt")
"""Second halves of the categories' words, which have two each."""
MOST_CLASSES = len(SYLLABLES) * len(SECOND) // 2
CONFIG = """name = "large"

[catalogue]
path = "listings.csv"
images = "images"

[catalogue.columns]
designation = "title"

[text]
network = "ngrams"
epochs = {epochs}
batch_size = 128

[image]
network = "efficientnet_lite0"
weights = "none"
height = {side}
width = {side}
views = 1
epochs = {epochs}
"""


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    options = parser().parse_args(arguments)
    folder = options.work / f"catalogue-{options.listings}-{options.classes}"
    config = folder / "large.toml"
    if not config.exists():
        make_catalogue(folder, options.listings, options.classes)
        config.write_text(CONFIG.format(epochs=options.epochs, side=options.side), encoding="utf-8")
    start = time.monotonic()
    command = [sys.executable, "-m", "training", "run", str(config)]
    command += ["--store", str(options.work / "store"), "--work", str(options.work / "runs"), "--force"]
    process = subprocess.Popen(command, cwd=ROOT)
    peak = follow(process)
    minutes = (time.monotonic() - start) / 60
    print(f"{options.listings} listings with photos, {options.classes} categories: {minutes:.1f} minutes, "
          f"at most {peak:.0f} MB of {options.limit_mb} allowed, exit code {process.returncode}")  # fmt: skip
    return 1 if process.returncode or peak > options.limit_mb else 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.training_memory", description=__doc__)
    parser.add_argument("--listings", type=int, default=100_000, help="how many, each with a photo (100000)")
    parser.add_argument(
        "--classes", type=whole_number(2, MOST_CLASSES), default=500, help=f"categories (500; at most {MOST_CLASSES})"
    )
    parser.add_argument("--side", type=int, default=96, help="pixels of the photo network's input (96)")
    parser.add_argument("--epochs", type=int, default=1, help="of both networks (1)")
    parser.add_argument("--limit-mb", type=int, default=6000, help="resident memory that the run may take (6000)")
    parser.add_argument("--work", type=Path, required=True, help="where the catalogue and what is finished lie")
    return parser


def make_catalogue(folder: Path, listings: int, classes: int) -> None:
    """Write `listings.csv` and `images/`, the same each time; photos that are there already are left."""
    chance = random.Random(0)
    words = ["".join(pair) for pair in chance.sample([(a, b) for a in SYLLABLES for b in SECOND], 2 * classes)]
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    with (folder / "listings.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("title", "description", "image", "category"))
        for number in range(listings):
            of = number % classes
            one = random.Random(number)
            title, description = make_text(KINDS[of % len(KINDS)], one)
            name = f"{number}.jpg"
            if not (images / name).exists():
                make_photo(KINDS[of % len(KINDS)], one, 256).save(images / name, quality=85)
            rows.writerow((f"{words[2 * of]} {words[2 * of + 1]} {title}", description, name, f"c{of:03}"))
            if number % 10_000 == 9_999:
                print(f"{number + 1} of {listings} listings made", file=sys.stderr)


def follow(process: subprocess.Popen[bytes]) -> float:
    """Wait for its end; the most resident memory that it and its children had together, in MB (10^6 bytes)."""
    peak = 0.0
    try:
        while process.poll() is None:
            peak = max(peak, sum(map(resident_mb, family(process.pid))))
            time.sleep(SAMPLE_SECONDS)
    except KeyboardInterrupt:
        process.wait()
    return peak


def family(parent: int) -> list[int]:
    """The process and all that descend from it."""
    tasks = [parent]
    for task in tasks:  # grows meanwhile
        try:
            for thread in Path(f"/proc/{task}/task").iterdir():
                tasks += map(int, (thread / "children").read_text().split())
        except OSError:  # it has ended
            continue
    return tasks


def resident_mb(pid: int) -> float:
    """Resident memory; 0 for a process that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / BYTES_PER_MB
    except OSError:
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
