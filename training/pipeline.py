"""One run, top to bottom: data, split, features, text, photos, calibration, evaluation, a sealed version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.listing import Modality
from models.preprocessing.settings import Preprocessing
from models.taxonomy import Taxonomy
from models.versions.store import Store
from training.catalogue.check import check_catalogue, usable_catalogue
from training.catalogue.config_check import check_named_values
from training.catalogue.dataset import Catalogue
from training.catalogue.near_duplicates import group_near_duplicates
from training.catalogue.read import read_catalogue, read_taxonomy
from training.catalogue.split import EXCLUDED, split_catalogue, split_fingerprint
from training.catalogue.subsample import learnable, subsample
from training.config.networks import HEAD_CUT
from training.config.run import RunConfig
from training.errors import CutInvalid, SplitError
from training.evaluation.cohorts import check_cohorts, has_text
from training.evaluation.predict import class_indices
from training.evaluation.predictions import LabelledLogits, LearningCurve
from training.fitting.fitted import FittedNetwork
from training.fitting.image import activation_inputs, fit_image, make_activations
from training.fitting.text_stages import TextStages
from training.publishing.golden import read_golden_listings
from training.publishing.out_of_catalogue import read_out_of_catalogue
from training.publishing.release import Release, Run
from training.workspace import Stage, Workspace


@dataclass(frozen=True, eq=False)
class Data:
    """What all later stages work on: usable rows with their `split`, and the categories in class-index order."""

    catalogue: Catalogue
    taxonomy: Taxonomy
    fingerprint: str
    split_fingerprint: str

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that are in any part of the split."""
        return self.catalogue.rows


@dataclass(frozen=True, eq=False)
class Fitted:
    """Networks as they were fitted, what prepares their inputs, how the fits went and what they took, by stage.

    `keys` tell networks apart: of the stages that made them.
    """

    networks: list[FittedNetwork]
    preprocessing: Preprocessing
    curves: Sequence[LearningCurve]
    seconds: Mapping[str, float]
    keys: Mapping[Modality, str]


def run(
    config: RunConfig,
    store: Store,
    workspace: Workspace,
    *,
    promote: bool = False,
    force: bool = False,
    command: str = "",
) -> str:
    """Train as `config` says and return the sealed version's name. Raises TrainingError, StoreError.

    With `promote` it is served as well, unless it is worse than the current version: PromotionRefused, after sealing.
    """
    with store.draft():
        pass  # a store that cannot be written to is found before the long work
    if config.golden is not None:
        read_golden_listings(config.golden)
    if config.unfamiliar.listings is not None:
        read_out_of_catalogue(config.unfamiliar.listings)
    data = prepare_data(config, workspace)
    fitted = fit_networks(config, data, workspace)
    asked = config.cross_fit.where and config.text.network != "none"
    unseen = text_stages(config, data, workspace).cross_fitted() if asked else None
    release = Release(run_of(config, data, fitted, command, unseen), workspace.say, force=force)
    return release.publish(store, fitted.networks, fitted.preprocessing, promote=promote)


def fit_networks(config: RunConfig, data: Data, workspace: Workspace) -> Fitted:
    """Fit each network that the config has, or find it done. Raises TrainingError where one cannot be fitted."""
    _check_cut(config)
    networks, curves, keys = [], [], {}
    seconds: dict[str, float] = {}
    for modality, fit in ((Modality.TEXT, _text), (Modality.IMAGE, _image)):
        if getattr(config, modality.value).network == "none":
            continue
        network, stages = fit(config, data, workspace)
        networks.append(network)
        told = [stage.folder / "curve.json" for stage in stages]
        curves += [LearningCurve(**json.loads(path.read_text())) for path in told if path.exists()]
        seconds |= {stage.folder.name.rpartition("-")[0]: stage.seconds for stage in stages}
        keys[modality] = stages[-1].key
    preprocessing = Preprocessing(
        text=None if config.text.network == "none" else config.text.preprocessing,
        image=None if config.image.network == "none" else config.image.preprocessing,
    )
    return Fitted(networks, preprocessing, curves, seconds, keys)


def run_of(
    config: RunConfig, data: Data, fitted: Fitted, command: str = "", cross_fitted: LabelledLogits | None = None
) -> Run:
    """What a release is told of a run that fitted its networks on `data`."""
    return Run(
        config,
        data.catalogue,
        data.taxonomy,
        data.fingerprint,
        data.split_fingerprint,
        fitted.curves,
        fitted.seconds,
        command,
        cross_fitted=cross_fitted,
    )


def prepare_data(config: RunConfig, workspace: Workspace) -> Data:
    """Read, check and split the catalogue; prints the check. Raises CatalogueError, CatalogueRefused, SplitError."""
    catalogue = read_catalogue(config.catalogue, weightless=True)
    check_named_values(config, catalogue.rows)
    catalogue = learnable(catalogue, config.split)
    taxonomy = read_taxonomy(config.catalogue, catalogue)
    workspace.say(f"[data] {len(catalogue)} rows read, checking")
    groups = _groups(config, catalogue, workspace)
    report = check_catalogue(
        catalogue,
        taxonomy,
        groups=groups,
        minimum=config.catalogue.min_rows_per_category,
        decode=True,
        progress=True,
    )
    workspace.say(report.render())
    report.raise_on_problems()
    usable = usable_catalogue(catalogue, report)
    kept = catalogue.rows.index.get_indexer(usable.rows.index)
    split = split_catalogue(usable, config.split, groups[kept], seed=config.seed)
    rows = usable.rows.assign(given_split=usable.rows["split"], split=split, group=groups[kept])
    usable = Catalogue(usable.name, rows, usable.left_out).only(split != EXCLUDED, "near-duplicate of a held-out row")
    usable = subsample(usable, config.catalogue, config.split.train_share, seed=config.seed)
    split = split.where(split.index.isin(usable.rows.index), EXCLUDED)
    counts = usable.rows["split"].value_counts().to_dict()
    workspace.say(f"[split] {', '.join(f'{part} {count}' for part, count in sorted(counts.items()))}")
    check_parts(config, usable.rows)
    for note in check_cohorts(config, usable.rows):
        workspace.say(f"[split] note: {note}")
    return Data(usable, taxonomy, usable.fingerprint(), split_fingerprint(split))


def check_parts(config: RunConfig, rows: pd.DataFrame) -> None:
    """Check that split rows have what `config` needs.

    Raises SplitError when nothing could be learned, calibrated or judged from a part of the split.
    """
    for part in ("calibration", "test"):
        if not rows["split"].eq(part).any():
            raise SplitError(f"split.{part}: no row is in it, and a version is not published without")
    train = rows[rows["split"].eq("train")]
    if config.text.network != "none" and not has_text(train).any():
        raise SplitError(f"text.network is {config.text.network}, but no training row has text; {_without('text')}")
    if config.image.network != "none" and not train["image"].ne("").any():
        raise SplitError(
            f"image.network is {config.image.network}, but no training row has a photo; {_without('image')}"
        )


def _check_cut(config: RunConfig) -> None:
    """A cut that the photo network does not have is found before text is trained. Raises CutInvalid."""
    if config.image.network != "none" and config.image.fine_tune_from != HEAD_CUT:
        from training.networks.image import check_cut

        image = config.image
        try:
            check_cut(image.network, image.height, image.width, image.fine_tune_from)
        except CutInvalid as error:
            raise CutInvalid(f"image.fine_tune_from: {error}") from error


def _without(section: str) -> str:
    return f'write [{section}] network = "none"'


def _groups(config: RunConfig, catalogue: Catalogue, workspace: Workspace) -> NDArray[np.int64]:
    return group_near_duplicates(
        catalogue,
        phash_distance=config.split.phash_distance if config.split.group_near_duplicates else None,
        cache=workspace.folder("photo-hashes"),
        progress=True,
    )


def _text(config: RunConfig, data: Data, workspace: Workspace) -> tuple[FittedNetwork, list[Stage]]:
    return text_stages(config, data, workspace).network()


def text_stages(config: RunConfig, data: Data, workspace: Workspace) -> TextStages:
    """What makes the run's text networks."""
    rows = data.rows[has_text(data.rows) & data.rows["split"].isin(["train", "validation"])]
    fingerprints = [data.fingerprint, data.split_fingerprint]
    labels, codes = class_indices(rows, data.taxonomy), tuple(data.taxonomy.codes)
    return TextStages.start(config, rows, labels, codes, fingerprints, workspace)


def _starting_weights(weights: str) -> str:
    known = {
        "package": "ImageNet weights, those of its package",
        "imagenet": "ImageNet weights, those that keras.applications downloads",
        "none": "random weights: nothing is pretrained, which is for tests",
    }
    return known.get(weights, f"the weights given, {Path(weights).name}")


def _image(config: RunConfig, data: Data, workspace: Workspace) -> tuple[FittedNetwork, list[Stage]]:
    rows = data.rows[data.rows["image"].ne("") & data.rows["split"].isin(["train", "validation"])]
    image = config.image
    workspace.say(f"[image] {image.network} starts from {_starting_weights(image.weights)}")
    inputs = activation_inputs(config, rows)
    activations = workspace.stage("activations", inputs, lambda folder: make_activations(config, rows, folder))
    labels = class_indices(rows, data.taxonomy)
    fitted = workspace.stage(
        "image",
        {
            "activations": activations.key,
            "classes": list(data.taxonomy.codes),
            "labels": labels.tolist(),
            "weights": rows["weight"].tolist(),
            "config": image.model_dump(mode="json"),
        },
        lambda folder: fit_image(config, rows, labels, len(data.taxonomy), activations.folder, folder),
    )
    return FittedNetwork(Modality.IMAGE, image.network, fitted.folder / "image.keras"), [activations, fitted]
