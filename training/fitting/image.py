"""Fitting the image network: the frozen trunk's activations are computed once, then head and tail are fitted on them.

The trunk is the network up to the cut (`fine_tune_from`), the tail the rest. Activations of each training photo and of
`views` augmented copies lie on disk as float16, so an epoch costs the tail alone, whatever the number of photos.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from models.arrays import Floats, Integers, Mask, Positions
from models.preprocessing.image.decode import prepare_image
from training.catalogue.dataset import photo_fingerprints
from training.config.fit import FitConfig
from training.config.run import RunConfig
from training.evaluation.predictions import LearningCurve
from training.fitting.augment import augment_image, generator
from training.fitting.weights import class_weights
from training.workspace import DONE

BLOCK = 64
"""Photos whose activations are computed and flushed together; an interrupt loses one block at most."""


def build_network(config: RunConfig, classes: int) -> Any:
    """The image network of the run, its weights drawn from the run's seed or read from the config's source."""
    from training.fitting.fit import fix_seeds
    from training.networks.image import build_image_network

    fix_seeds(config.seed)
    image = config.image
    return build_image_network(
        image.network, classes, image.height, image.width, weights=image.weights, **image_parameters(config)
    )


def image_parameters(config: RunConfig) -> dict[str, Any]:
    """The builder's arguments from `[image.parameters]`; `head` is the width of one dense layer, 0 a linear probe."""
    parameters: dict[str, Any] = dict(config.image.parameters)
    if "head" in parameters:
        parameters["head"] = (parameters["head"],) if parameters["head"] else ()
    return parameters


def activation_inputs(config: RunConfig, rows: pd.DataFrame) -> dict[str, Any]:
    """All that the activations of photos `rows["image"]` depend on."""
    image = config.image
    return {
        "photos": list(photo_fingerprints(rows)),
        "parts": rows["split"].tolist(),
        "network": [image.network, image.weights, image.fine_tune_from, image.views],
        "preprocessing": image.preprocessing.model_dump(mode="json"),
        "augmentation": image.augmentation.model_dump(mode="json"),
        "seed": config.seed,
    }


def make_activations(config: RunConfig, rows: pd.DataFrame, folder: Path) -> None:
    """The stage that writes `activations.npy`, float16 [1 + views, N, ...], for photos `rows["image"]` in their order.

    View 0 is the photo as serving sees it; rows that are not in "train" have only that. Activations that another stage
    of the workspace has are copied from there. An interrupted stage goes on where it stopped.
    """
    from training.fitting.export import compiled
    from training.networks.image import split_at

    model = build_network(config, classes=2)
    trunk, _ = split_at(model, config.image.fine_tune_from)
    run = compiled(trunk)
    shape = tuple(int(size) for size in trunk.output_shape[1:])
    views = config.image.views
    path, mark = folder / ACTIVATIONS_FILE, folder / "finished.txt"
    finished = int(mark.read_text()) if mark.exists() else 0
    mode = "r+" if finished else "w+"
    activations = np.lib.format.open_memmap(path, mode, np.float16, (1 + views, len(rows), *shape))
    photos, splits = rows["image"].to_numpy(object), rows["split"].to_numpy(object)
    cached = fill_from_cache(activations, activation_inputs(config, rows), folder, splits)
    missing = np.flatnonzero(~cached & (np.arange(len(rows)) >= finished))
    with ThreadPoolExecutor(2) as threads:
        bar = tqdm(range(0, len(missing), BLOCK), f"{config.image.network} activations", unit="block")
        for start in bar:
            block = missing[start : start + BLOCK].tolist()
            pixels = list(threads.map(lambda i: _decode(photos[i], config), block))
            activations[0, block] = run(np.stack(pixels))
            training = [(i, p) for i, p in zip(block, pixels, strict=True) if splits[i] == "train"]
            for view in range(1, views + 1 if training else 1):
                augmented = threads.map(
                    lambda pair, view=view: augment_image(
                        pair[1], config.image.augmentation, generator(config.seed, pair[0], view)
                    ),
                    training,
                )
                activations[view, [i for i, _ in training]] = run(np.stack(list(augmented)))
            activations.flush()
            partial = folder / ".finished"
            partial.write_text(str(block[-1] + 1))
            partial.replace(mark)


def fit_image(
    config: RunConfig, rows: pd.DataFrame, labels: Integers, classes: int, activations: Path, folder: Path
) -> None:
    """The stage that fits the network on the activations of `rows` (in their order) and writes `image.keras`, whole."""
    from training.fitting.export import save_keras

    model, curve = _fit(config, rows, labels, classes, activations, folder)
    save_keras(model, folder / "image.keras")
    (folder / "curve.json").write_text(json.dumps(asdict(replace(curve, network=config.image.network))))


def write_image_logits(
    config: RunConfig,
    rows: pd.DataFrame,
    labels: Integers,
    classes: int,
    activations: Path,
    held: Positions,
    path: Path,
) -> None:
    """The stage that fits such a network and writes its logits of the rows at `held`, as array "image"."""
    from training.networks.image import split_at

    model, _ = _fit(config, rows, labels, classes, activations, path.parent)
    tail = split_at(model, config.image.fine_tune_from)[1]
    stored = np.load(activations / ACTIVATIONS_FILE, mmap_mode="r", allow_pickle=False)
    blocks = (held[start : start + BLOCK] for start in range(0, len(held), BLOCK))
    logits = [tail.predict_on_batch(np.asarray(stored[0, block], np.float32)) for block in blocks]
    np.savez(path, image=np.concatenate([*logits, np.empty((0, classes), np.float32)]))


def _fit(
    config: RunConfig, rows: pd.DataFrame, labels: Integers, classes: int, activations: Path, folder: Path
) -> tuple[Any, LearningCurve]:
    """First fit the head on the frozen backbone's features, then, if the config has a cut, everything after it."""
    from training.config.networks import HEAD_CUT
    from training.networks.image import split_at

    model = build_network(config, classes)
    stored = np.load(activations / ACTIVATIONS_FILE, mmap_mode="r", allow_pickle=False)
    fine_tuning = config.image.fine_tuning
    features = stored if fine_tuning is None else _write_features(model, config.image.fine_tune_from, stored, folder)
    image_fit = _ImageFit(config, rows, labels, folder)
    curve = image_fit.fit(split_at(model, HEAD_CUT)[1], features, config.image, f"{config.image.network} head")
    if fine_tuning is not None:
        tail = split_at(model, config.image.fine_tune_from)[1]
        curve = curve.then(image_fit.fit(tail, stored, fine_tuning, f"{config.image.network} tail"))
    return model, curve


@dataclass(frozen=True, eq=False)
class _ImageFit:
    """Fits a part of the network on arrays [1 + views, N, ...]; each epoch shows one random view of each row."""

    config: RunConfig
    rows: pd.DataFrame
    labels: Integers
    folder: Path

    def fit(self, part: Any, stored: NDArray[np.float16], options: FitConfig, name: str) -> LearningCurve:
        from training.fitting.fit import Examples, fit_network

        def load(indices: Integers, epoch: int | None) -> Floats:
            if epoch is None:
                return np.asarray(stored[0, indices], np.float32)
            random = np.random.default_rng([self.config.seed, epoch, int(indices[0])])
            return np.asarray(stored[random.integers(len(stored), size=len(indices)), indices], np.float32)

        splits = self.rows["split"].to_numpy()
        balance = class_weights(self.labels, splits == "train", options.class_balance)
        weights = self.rows["weight"].to_numpy(np.float32) * balance
        parts = [np.flatnonzero(splits == split) for split in ("train", "validation")]
        train, validation = (Examples(index, self.labels[index], weights[index], load) for index in parts)
        return fit_network(part, train, validation, options, seed=self.config.seed, folder=self.folder, name=name)


def _write_features(model: Any, cut: str, stored: NDArray[np.float16], folder: Path) -> NDArray[np.float16]:
    """The backbone's pooled features of activations, before fine-tuning: float16 [1 + views, N, F], on disk."""
    import keras

    from training.fitting.export import compiled
    from training.networks.image import FEATURES

    pooled = model.get_layer(FEATURES).output
    run = compiled(keras.Model(model.get_layer(cut).output, pooled, name="features"))
    width = int(pooled.shape[-1])
    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, (*stored.shape[:2], width))
    for view in range(len(stored)):
        for start in tqdm(range(0, stored.shape[1], BLOCK), f"features of view {view}", unit="block"):
            features[view, start : start + BLOCK] = run(np.asarray(stored[view, start : start + BLOCK], np.float32))
    return features


def _decode(path: str, config: RunConfig) -> NDArray[np.uint8]:
    return prepare_image(Path(path).read_bytes(), config.image.preprocessing).pixels


ACTIVATIONS_FILE = "activations.npy"


def fill_from_cache(
    stored: NDArray[np.float16], inputs: Mapping[str, Any], folder: Path, parts: NDArray[np.object_]
) -> Mask:
    """Fill `stored` [1 + views, N, ...] from finished stages beside `folder`; bool [N]: photos found in this cache.

    `inputs` are the stage's own, with the N photos' fingerprints under "photos" and, as `parts` [N], their parts of the
    split; stages that differ in anything else are passed over. A training photo needs all its views.
    """
    cached = np.zeros(stored.shape[1], bool)
    for path, source in _cached_activations(inputs, folder):
        positions = {json.dumps(photo): position for position, photo in enumerate(source["photos"])}
        matches = np.array([positions.get(json.dumps(photo), -1) for photo in inputs["photos"]], np.int64)
        with_views = np.array([part == "train" for part in source["parts"]], bool)
        usable = (matches >= 0) & ~cached & ((parts != "train") | with_views[np.maximum(matches, 0)])
        if not usable.any():
            continue
        activations = np.load(path, mmap_mode="r", allow_pickle=False)
        rows = np.flatnonzero(usable)
        for view in range(len(stored)):
            stored[view, rows] = activations[view, matches[rows]]
        cached |= usable
    return cached


def _cached_activations(inputs: Mapping[str, Any], folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Finished stages of the same trunk, pixels and augmentation: their file and their inputs."""
    stage = folder.name.rpartition("-")[0]
    for done in sorted(folder.parent.glob(f"{stage}-*/{DONE}")):
        source = json.loads(done.read_text())["inputs"]
        same = all(source.get(key) == value for key, value in inputs.items() if key not in ("photos", "parts"))
        if done.parent != folder and same:
            yield done.parent / ACTIVATIONS_FILE, source
