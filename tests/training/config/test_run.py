from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.preprocessing.settings import (
    CombinedPreprocessing,
    NgramPreprocessing,
    PiecePreprocessing,
    TokenPreprocessing,
)
from training.calibration.label_reliability import LabelReliability, Reliability
from training.config import file as config_file
from training.config.file import PATHS
from training.config.run import RunConfig, SplitConfig, read_config
from training.config.values import Section
from training.errors import ConfigError, TrainingError

BASE = """
name = "tiny"
[catalogue]
path = "data/listings.csv"
images = "data/images"
"""
COMBINED = BASE + "[text]\nnetwork = 'combined'\n"


def read(folder: Path, text: str) -> RunConfig:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_paths_are_relative_to_the_file_and_not_to_the_working_folder(tmp_path: Path) -> None:
    config = read(tmp_path, BASE)
    assert config.catalogue.path == tmp_path / "data" / "listings.csv"
    assert config.catalogue.images == tmp_path / "data" / "images"


def test_the_network_decides_the_preprocessing_and_combined_takes_all_parts_or_those_named(tmp_path: Path) -> None:
    gru = read(tmp_path, BASE + '[text]\nnetwork = "gru"\n[text.preprocessing]\ntitle_tokens = 12\n').text
    assert gru.preprocessing == TokenPreprocessing(title_tokens=12)
    whole = read(tmp_path, BASE + '[text]\nnetwork = "combined"\n').text
    assert list(whole.networks) == ["ngrams", "linear", "sentence_encoder"]
    assert (whole.preprocessing, whole.vocabulary_size) == (CombinedPreprocessing(), 200_000)
    parts = '[text]\nnetwork = "combined"\n[text.parts.linear]\nepochs = 3\n[text.parts.ngrams]\n'
    some = read(tmp_path, BASE + parts).text
    assert {name: part.epochs for name, part in some.networks.items()} == {"ngrams": 10, "linear": 3}
    assert some.preprocessing == NgramPreprocessing()
    assert read(tmp_path, BASE + '[text]\nnetwork = "sentence_encoder"').text.preprocessing == PiecePreprocessing()
    assert read(tmp_path, BASE + '[text]\nnetwork = "lstm"').text.vocabulary_size == 10_000


def test_sizes_and_weights_default_to_what_the_network_was_pretrained_with(tmp_path: Path) -> None:
    image = read(tmp_path, BASE + '[image]\nnetwork = "xception"\nwidth = 320\n').image
    assert (image.height, image.width, image.weights) == (299, 320, "imagenet")
    assert (image.preprocessing.height, image.preprocessing.width) == (299, 320)


def test_weights_may_be_a_file_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "mine.weights.h5").write_bytes(b"")
    config = read(tmp_path, BASE + '[image]\nnetwork = "resnet50"\nweights = "mine.weights.h5"\n')
    assert config.image.weights == str(tmp_path / "mine.weights.h5")
    assert config.provenance()["image"]["weights"] == "mine.weights.h5"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "name: missing"),
        (BASE.replace("tiny", "my tiny run"), "name: no spaces or accents: up to 64 letters, "),
        (BASE + "[text]\nnetwork = 'lsmt'", "text.network: must be one of lstm, gru, ngrams, linear, "),
        (BASE + "[text]\nepochs = '10'", "text.epochs: Input should be a valid integer"),
        (BASE + "[text]\nepoch = 10", "text.epoch: unknown field"),
        (BASE + "[text]\nnetwork = 'lstm'\npreprocessing = {kind = 'ngrams'}", "text.preprocessing: lstm needs kind ="),
        (BASE + "[text.preprocessing]\nbuckets = 3", "text.preprocessing.buckets: "),
        (COMBINED + "[text.preprocessing.ngrams]\nbuckets = 3", "text.preprocessing.ngrams.buckets: "),
        (COMBINED + "[text.preprocessing.pieces]\ntitle_pieces = 2", "text.preprocessing.pieces.title_pieces: "),
        (COMBINED + "[text.parts.ngrams]\nepochs = 0", "text.parts.ngrams.epochs: "),
        (COMBINED + "[text.parts.image]\nepochs = 1", "text.parts.image: unknown field"),
        (COMBINED + "[text.parts.linear.parameters]\ndim = 3", "text.parts: linear.parameters.dim: linear has none"),
        (COMBINED + "[text.parameters]\ndim = 3", "text: parameters.dim: combined has none"),
        (BASE + "[text.parts.ngrams]", "text: parts: ngrams has none, only combined has"),
        (
            BASE + "[text]\nnetwork = 'sentence_encoder'\nparameters = {encoder_rate = 2}",
            "text: parameters.encoder_rate: must be 0 to 1",
        ),
        (BASE + "[text.parameters]\ndropout = 'much'", "text.parameters.dropout: must be a finite number"),
        (BASE + "[text.parameters]\ndropout = true", "text.parameters.dropout: must be a finite number"),
        (BASE + "[text.augmentation]\ntypos = 1.5", "text.augmentation.typos: "),
        (BASE + "[image]\nnetwork = 'resnet50'\nweights = 'package'", "image.weights: not to be had for this network"),
        (BASE + "[image]\nweights = 'gone.h5'", "image.weights: neither"),
        (BASE + "[image.augmentation]\nflip = 1", "image.augmentation.flip: "),
        (BASE + "[split]\ntrain = 0.9", "split: train, validation, calibration and test must add up to 1"),
        (BASE + "[[split.holdout]]\nwhere = {label_source = ['true']}", "split.holdout.0: "),
        (BASE + "[[split.holdout]]\nwhere = {colour = ['red']}\ntest = 0.1", "split.holdout.0.where.colour: "),
        (BASE + "[catalogue.weights]\ntrue = -1.0", "catalogue.weights.true: "),
        (BASE + "[decision]\nprecision = 1.0", "decision.precision: "),
        (BASE + "[decision.reliability.vote]\nall = 84\n", "decision.reliability.vote.all: "),
        (BASE + "[image]\nnetwork = 'none'\n[text]\nnetwork = 'none'", "text.network and image.network are both none"),
        ("text = 3" + BASE, "text: must be a table"),
        (BASE + "[text\n", "not TOML: "),
    ],
)
def test_every_fault_is_one_line_with_its_field(tmp_path: Path, text: str, line: str) -> None:
    lines = problems(tmp_path, text)
    assert any(problem.startswith(f"run.toml: {line}") for problem in lines), lines
    assert all("\n" not in problem for problem in lines)


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    lines = problems(tmp_path, BASE + "[text]\nepochs = 0\n[image]\nbatch_size = 0\n")
    assert [problem.split(":")[1].strip() for problem in lines] == ["text.epochs", "image.batch_size"]


def test_a_file_that_is_not_there_or_not_text_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_bytes(b"name = '\xff'")
    for name, reason in (("nowhere.toml", r"^nowhere\.toml: No such file"), ("run.toml", "not UTF-8")):
        with pytest.raises(ConfigError, match=reason) as caught:
            read_config(tmp_path / name)
        assert isinstance(caught.value, TrainingError)
        assert caught.value.exit_code == 2


@given(st.integers(1, 90), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_only_fractions_that_add_up_to_one_are_taken(train: int, validation: int, calibration: int, test: int) -> None:
    parts = {"train": train, "validation": validation, "calibration": calibration, "test": test}
    whole = sum(parts.values())
    SplitConfig(**{part: share / whole for part, share in parts.items()})
    with pytest.raises(ValueError, match="add up to 1"):
        SplitConfig(**{part: share / (whole + 1) for part, share in parts.items()})


BELOW = """
name = "below"
golden = "golden.jsonl"
[catalogue]
path = "data/listings.csv"
images = "data/images"
weigh_by_share = ["vote"]
[catalogue.weights]
vote = 0.5
model = 0.2
[text]
network = "ngrams"
epochs = 4
parameters = { dim = 32 }
[text.preprocessing]
buckets = 4096
[image]
network = "resnet50"
weights = "mine.weights.h5"
epochs = 3
"""


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """A folder with a config to build on, and one for configs that do."""
    (tmp_path / "base.toml").write_text(BELOW, encoding="utf-8")
    (tmp_path / "mine.weights.h5").write_bytes(b"")
    upper = tmp_path / "compare"
    upper.mkdir()
    return upper


def test_a_config_says_only_what_differs_from_its_base(below: Path) -> None:
    config = read(
        below,
        """
        base = "../base.toml"
        [catalogue]
        images = "photos"
        weigh_by_share = []
        [catalogue.weights]
        model = 1.0
        [text]
        epochs = 9
        """,
    )
    assert config.name == "below"
    assert config.catalogue.path == below.parent / "data" / "listings.csv"
    assert config.catalogue.images == below / "photos"
    assert config.golden == below.parent / "golden.jsonl"
    assert config.image.weights == str(below.parent / "mine.weights.h5")
    assert config.catalogue.weights == {"vote": 0.5, "model": 1.0}
    assert config.catalogue.weigh_by_share == ()
    assert (config.text.epochs, config.text.parameters) == (9, {"dim": 32})
    assert "base" not in config.provenance()


def test_another_network_leaves_the_settings_of_the_base_s_behind(below: Path) -> None:
    config = read(below, 'base = "../base.toml"\n[text]\nnetwork = "gru"\n[image]\nnetwork = "none"\n')
    assert config.text == read(below, BASE + '[text]\nnetwork = "gru"\n').text
    assert config.image.network == "none"
    assert config.image.epochs == 10


def test_a_base_may_have_a_base(below: Path) -> None:
    (below / "middle.toml").write_text('base = "../base.toml"\nname = "middle"\nseed = 3\n', encoding="utf-8")
    config = read(below, 'base = "middle.toml"\nseed = 4\n')
    assert (config.name, config.seed, config.text.epochs) == ("middle", 4, 4)
    assert config.catalogue.path == below.parent / "data" / "listings.csv"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('base = "../gone.toml"', "run.toml: base: no file gone.toml"),
        ('base = ""', "run.toml: base: must be the path of another config"),
        ("base = 3", "run.toml: base: must be the path of another config"),
        ('base = "run.toml"', "run.toml: base: run.toml is built on run.toml itself"),
        ('base = "loop.toml"', "loop.toml: base: run.toml is built on run.toml itself"),
        ('base = "broken.toml"', "broken.toml: not TOML: "),
        ('base = "../base.toml"\n[text]\nepochs = 0', "run.toml: text.epochs: "),
        ('base = "../base.toml"\ntext = 3', "run.toml: text: must be a table"),
        ('base = "odd.toml"', "run.toml: catalogue: must be a table"),
    ],
)
def test_what_is_wrong_with_a_base_is_one_line(below: Path, text: str, line: str) -> None:
    (below / "loop.toml").write_text('base = "run.toml"', encoding="utf-8")
    (below / "broken.toml").write_text("base = ", encoding="utf-8")
    (below / "odd.toml").write_text('name = "odd"\ncatalogue = 3\ngolden = 4', encoding="utf-8")
    assert any(problem.startswith(line) for problem in problems(below, text)), problems(below, text)


def test_every_path_of_a_config_is_one_of_its_base_too() -> None:
    """Otherwise it would be looked for beside the upper file."""

    def kinds(annotation: Any) -> Iterator[Any]:
        yield annotation
        for part in get_args(annotation):
            yield from kinds(part)

    def paths(section: type[Section], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for name, field in section.model_fields.items():
            annotations = list(kinds(field.annotation))
            for kind in annotations:
                if isinstance(kind, type) and issubclass(kind, Section):
                    yield from paths(kind, (*above, name))
            if Path in annotations:
                yield (*above, name)

    assert {*paths(RunConfig), ("image", "weights")} == set(PATHS)


CONFIGS = sorted((Path(config_file.__file__).parents[1] / "configs").glob("*/*.toml"))
COMPARED = sorted((Path(config_file.__file__).parents[1] / "configs" / "compare").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_config_of_the_project_can_be_read(path: Path) -> None:
    config = read_config(path)
    assert {config.text.network, config.image.network} != {"none"}


@pytest.mark.parametrize("path", COMPARED, ids=lambda path: path.stem)
def test_the_compared_configs_are_of_one_network_each_on_the_same_listings(path: Path) -> None:
    config = read_config(path)
    shipped = read_config(path.parent.parent / "rakuten.toml")
    assert {config.text.network, config.image.network} == {path.stem, "none"}
    assert (config.catalogue, config.split, config.seed) == (shipped.catalogue, shipped.split, shipped.seed)
    assert config.name == shipped.name, "they would not share finished stages"


DOUBT = """
[decision]
trusted = ["true"]
trusted_minimum = 40
false_alarms = 0.02
[decision.reliability.vote]
all = 0.84
unanimous = 0.97
[unfamiliar]
listings = "outside.jsonl"
pictures = "outside"
"""


def test_labels_can_be_doubted_and_out_of_catalogue_listings_named(tmp_path: Path) -> None:
    config = read(tmp_path, BASE + DOUBT)
    assert LabelReliability.of(config.decision) == LabelReliability(("true",), 40, {"vote": Reliability(0.84, 0.97)})
    assert config.decision.false_alarms == 0.02
    assert config.unfamiliar.listings == tmp_path / "outside.jsonl"
    assert config.unfamiliar.pictures == tmp_path / "outside"
    assert config.provenance()["unfamiliar"] == {"listings": "outside.jsonl", "pictures": "outside"}
    assert LabelReliability.of(read(tmp_path, BASE).decision) == LabelReliability()
