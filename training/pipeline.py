"""One run, top to bottom: data, split, features, text, photos, calibration, evaluation, a sealed version."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from models.listing import Modality
from models.preprocessing.settings import Preprocessing
from models.taxonomy import Taxonomy
from models.versions.store import Store
from training.catalogue.categories import settle_categories
from training.catalogue.check import check_catalogue, usable_catalogue
from training.catalogue.config_check import check_named_values
from training.catalogue.dataset import Catalogue
from training.catalogue.modalities import absence_notes, with_evidence
from training.catalogue.near_duplicates import group_near_duplicates
from training.catalogue.read import named_taxonomy, read_catalogue, read_taxonomy
from training.catalogue.split import EXCLUDED, split_catalogue, split_fingerprint
from training.catalogue.subsample import learnable, subsample
from training.config.networks import HEAD_CUT
from training.config.run import RunConfig
from training.errors import CutInvalid, SplitError
from training.evaluation.cohorts import check_cohorts, has_text
from training.evaluation.predict import class_indices
from training.evaluation.predictions import LabelledLogits, LearningCurve
from training.fitting.cross_fit import Network, cross_fit_folds, cross_fitted_logits
from training.fitting.fitted import FittedNetwork
from training.fitting.image_stages import ImageStages
from training.fitting.text_stages import TextStages
from training.publishing.golden import read_golden_listings
from training.publishing.out_of_catalogue import OutOfCatalogue
from training.publishing.release import Release, Run
from training.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Data:
    """The data of all later stages: usable rows with their `split`, and the categories in class-index order."""

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
    """Fitted networks, the preprocessing of their inputs, learning curves and seconds by stage.

    `keys` are those of the stages that made the networks.
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
    check_files(config, store)
    data = prepare_data(config, workspace)
    config = with_evidence(config, data.catalogue)
    fitted = fit_networks(config, data, workspace)
    cross_fitted = cross_fit(config, data, workspace)
    run = run_of(config, data, fitted, command, cross_fitted)
    release = Release(run, workspace.say, workspace.root / config.name, force)
    return release.publish(store, fitted.networks, fitted.preprocessing, promote=promote)


def check_files(config: RunConfig, store: Store) -> None:
    """Find before the long work what could not be written or read after it. Raises ConfigError, StoreError."""
    with store.draft():
        pass
    if config.golden is not None:
        read_golden_listings(config.golden)
    OutOfCatalogue.read(config.unfamiliar)


def fit_networks(config: RunConfig, data: Data, workspace: Workspace) -> Fitted:
    """Fit each network that the config has, or find it done. Raises TrainingError where one cannot be fitted."""
    _check_cut(config)
    networks, curves, keys = [], [], {}
    seconds: dict[str, float] = {}
    for modality in Modality:
        if getattr(config, modality.value).network == "none":
            continue
        make = text_stages if modality is Modality.TEXT else image_stages
        network, stages = make(config, data, workspace).network()
        networks.append(network)
        paths = [stage.folder / "curve.json" for stage in stages]
        curves += [LearningCurve(**json.loads(path.read_text())) for path in paths if path.exists()]
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
    """The run that fitted its networks on `data`, for a release."""
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
    # Counted first: hashing and decoding photos takes minutes.
    named = named_taxonomy(config.catalogue)
    catalogue = learnable(catalogue, config.split)
    catalogue = settle_categories(catalogue, config.catalogue, expected=named.codes if named else ())
    fitted = with_evidence(config, catalogue)
    catalogue = catalogue.noting(*absence_notes(config, fitted))
    workspace.say(f"[data] {len(catalogue)} rows read, checking")
    groups = group_near_duplicates(
        catalogue,
        phash_distance=config.split.phash_distance if config.split.group_near_duplicates else None,
        cache=workspace.folder("photo-hashes"),
        progress=True,
    )
    taxonomy = read_taxonomy(config.catalogue, catalogue)
    report = check_catalogue(catalogue, taxonomy, groups=groups, minimum=0, decode=True, progress=True)
    workspace.say(report.render())
    report.raise_on_problems()
    usable = usable_catalogue(catalogue, report)
    kept = catalogue.rows.index.get_indexer(usable.rows.index)
    usable = replace(usable, rows=usable.rows.assign(group=groups[kept]))
    usable = settle_categories(usable, config.catalogue)
    split = split_catalogue(usable, config.split, usable.rows["group"].to_numpy(), seed=config.seed)
    usable = replace(usable, rows=usable.rows.assign(given_split=usable.rows["split"], split=split))
    usable = usable.only(split != EXCLUDED, "near-duplicate of a held-out row")
    usable = subsample(usable, config.catalogue, config.split.train_share, seed=config.seed)
    usable = settle_categories(usable, config.catalogue, least=1)
    split = split.where(split.index.isin(usable.rows.index), EXCLUDED)
    counts = usable.rows["split"].value_counts().to_dict()
    for note in usable.notes[len(catalogue.notes) :]:
        workspace.say(f"[data] note: {note}")
    workspace.say(f"[split] {', '.join(f'{part} {count}' for part, count in sorted(counts.items()))}")
    check_parts(fitted, usable.rows)
    for note in check_cohorts(fitted, usable.rows):
        workspace.say(f"[split] note: {note}")
    taxonomy = read_taxonomy(config.catalogue, usable)
    return Data(usable, taxonomy, usable.fingerprint(), split_fingerprint(split))


def check_parts(config: RunConfig, rows: pd.DataFrame) -> None:
    """Raises SplitError when nothing could be learned, calibrated or evaluated from a part of the split."""
    for part in ("calibration", "test"):
        if not rows["split"].eq(part).any():
            raise SplitError(f"split.{part}: no row is in it, and a version is not published without")
    train = rows[rows["split"].eq("train")]
    for section, noun, rows_with in (("text", "text", has_text(train)), ("image", "a photo", train["image"].ne(""))):
        network = getattr(config, section).network
        if network != "none" and not rows_with.any():
            hint = f'write [{section}] network = "none"'
            raise SplitError(f"{section}.network is {network}, but no training row has {noun}; {hint}")


def _check_cut(config: RunConfig) -> None:
    """Raises CutInvalid, before text is trained, for a cut that the photo network does not have."""
    if config.image.network != "none" and config.image.fine_tune_from != HEAD_CUT:
        from training.networks.image import check_cut

        image = config.image
        try:
            check_cut(image.network, image.height, image.width, image.fine_tune_from)
        except CutInvalid as error:
            raise CutInvalid(f"image.fine_tune_from: {error}") from error


def text_stages(config: RunConfig, data: Data, workspace: Workspace) -> TextStages:
    """The stages that make the run's text networks."""
    rows = data.rows[has_text(data.rows) & data.rows["split"].isin(["train", "validation"])]
    fingerprints = [data.fingerprint, data.split_fingerprint]
    labels, codes = class_indices(rows, data.taxonomy), tuple(data.taxonomy.codes)
    return TextStages.start(config, rows, labels, codes, fingerprints, workspace)


def image_stages(config: RunConfig, data: Data, workspace: Workspace) -> ImageStages:
    """The stages that make the run's image networks."""
    rows = data.rows[data.rows["image"].ne("") & data.rows["split"].isin(["train", "validation"])]
    labels, codes = class_indices(rows, data.taxonomy), tuple(data.taxonomy.codes)
    return ImageStages.start(config, rows, labels, codes, workspace)


def cross_fit(config: RunConfig, data: Data, workspace: Workspace) -> LabelledLogits | None:
    """What networks that have not seen them answer to the training rows that `[cross_fit]` chooses; None without."""
    makers: Mapping[str, Callable[..., Network]] = {"text": text_stages, "image": image_stages}
    wanted = [makers[name] for name in config.cross_fit.networks if getattr(config, name).network != "none"]
    folds = cross_fit_folds(data.rows, config)
    if not folds or not wanted:
        return None
    predicted = sum(len(fold.predicted) for fold in folds)
    workspace.say(f"[cross-fit] {predicted} training listings are to be calibrated on: {len(folds)} more fits each")
    networks = [stages(config, data, workspace) for stages in wanted]
    return cross_fitted_logits(data.rows, class_indices(data.rows, data.taxonomy), folds, networks)
