"""A whole run in seconds: its catalogue, its config, and the command that starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from models.versions.store import Store
from tests.training.generated_catalogue import make_catalogue
from training.__main__ import main

ROOT = Path(__file__).parents[2]
CONFIG = f"""
name = "tiny"
seed = 3

[catalogue]
path = "data/listings.csv"
images = "data/images"

[split]
train = 0.5
validation = 0.1
calibration = 0.2
test = 0.2

[unfamiliar]
pictures = "{ROOT}/examples/unfamiliar"

[text]
network = "ngrams"
epochs = 4
batch_size = 8
learning_rate = 0.02
parameters = {{ dim = 16 }}

[text.preprocessing]
buckets = 4096

[text.augmentation]
drop_words = 0.2

# Of all backbones the one with the fewest layers, so that building, tracing and converting it is quickest.
[image]
network = "vgg16"
weights = "none"
height = 32
width = 32
views = 1
epochs = 20
batch_size = 8
learning_rate = 0.003
schedule = "cosine"
parameters = {{ head = 64 }}
"""
TEXT_ONLY = CONFIG.partition("# Of all")[0] + '[image]\nnetwork = "none"\n'
IMAGE_ONLY = CONFIG.partition("[text]")[0] + '[text]\nnetwork = "none"\n[image]' + CONFIG.partition("[image]")[2]
"""The same stages as in `CONFIG`, so that a run finds them done."""


@dataclass(frozen=True)
class TinyRun:
    """A finished run: `folder` holds the catalogue and config, `work` the stages, `store` the promoted `version`."""

    folder: Path
    config: Path
    work: Path
    store: Store
    version: str
    output: str
    errors: str

    def train(self, name: str, config: str, *options: str, work: Path | None = None) -> tuple[int, Store]:
        """Run the command with another config on the same catalogue and, by default, with the stages that are done.

        Returns the exit code and the store that it published into.
        """
        path = self.folder / f"{name}.toml"
        path.write_text(config, encoding="utf-8")
        store = Store(self.folder / f"store-{name}")
        return main(["run", str(path), "--store", str(store.root), "--work", str(work or self.work), *options]), store


def run_tiny(folder: Path) -> TinyRun:
    """Write the catalogue and train on it, by the command, as its own process."""
    make_catalogue(folder / "data", classes=4, rows_per_class=40, side=48, without_text=0.05)
    config, work, store = folder / "tiny.toml", folder / "work", Store(folder / "store")
    config.write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "training", "run", str(config), "--store", str(store.root), "--work", str(work)]
    plain = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([*command, "--promote"], cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return TinyRun(folder, config, work, store, store.current(), done.stdout, done.stderr)
