"""The text network's fit: its vocabulary, idf and augmentation, and what it writes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from models.preprocessing.settings import NgramPreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features
from models.preprocessing.text.ngrams import read_ngram_vocabulary
from models.preprocessing.text.tokens import FIRST_WORD, read_vocabulary
from tests.training.networks.tiny_encoder import install
from training.config.fit import IMAGE_PARAMETERS, TEXT_PARAMETERS, TextAugmentation, TextConfig
from training.config.networks import TEXT_NETWORKS, TEXT_PARTS
from training.config.run import RunConfig
from training.fitting.text import MIN_DOCUMENTS, TextFit, TextSource, inverse_document_frequencies, make_text_features
from training.fitting.text_features import Arrays, FlatFeatures, cleaned
from training.fitting.text_vocabulary import VocabularyEmpty, text_vocabulary_files

TOPICS = ("piscine bâche pompe liner", "livre roman poche auteur", "console manette jeu cartouche")


def listings(count: int = 36) -> pd.DataFrame:
    """Rows of three categories whose words tell; every sixth is for validation."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(count):
        words = TOPICS[number % len(TOPICS)].split()
        split = "train" if number % 6 else "validation"
        rows.append(
            {
                "designation": " ".join(random.permutation(words)),
                "description": f"<p>{words[number % 4]} {split}</p>" if number % 2 else "",
                "split": split,
                "weight": 1.0,
            }
        )
    return pd.DataFrame(rows)


def labels() -> np.ndarray:
    return np.arange(36) % len(TOPICS)


def run_config(network: str = "ngrams", **options: Any) -> RunConfig:
    text = {"network": network, "epochs": 3, "batch_size": 8, "learning_rate": 0.05, **options}
    if network == "ngrams":
        text = {"preprocessing": {"buckets": 1024}, "parameters": {"dim": 8}, **text}
    return RunConfig.model_validate({"name": "tiny", "catalogue": {"path": "listings.csv"}, "text": text})


@pytest.mark.parametrize("documents", [4, 100])
def test_idf_is_scikit_learn_s_for_what_occurs_often_enough(documents: int) -> None:
    occurs = np.random.default_rng(0).random((documents, 30)) < np.linspace(0, 0.6, 30)
    counts = occurs.sum(0)
    expected = TfidfTransformer(smooth_idf=True).fit(occurs.astype(int)).idf_.astype(np.float32)
    expected[counts < MIN_DOCUMENTS] = 0
    expected[0] = 0
    counts[0] = documents  # padding, of many empty fields
    found = inverse_document_frequencies(counts, documents)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (found > 0).any()


def source_of(options: dict[str, float], rows: pd.DataFrame, folder: Path, seed: int = 7) -> TextSource:
    config = TextConfig.model_validate({"preprocessing": {"buckets": 1024}, "augmentation": options})
    features = load_text_features(config.preprocessing, folder)
    return TextSource(rows, FlatFeatures.of(cleaned(rows, False), features, False), config, features, seed)


def same(first: Arrays, second: Arrays) -> bool:
    return all(np.array_equal(first[key], second[key]) for key in first | second)


def test_without_augmentation_every_epoch_is_plain(tmp_path: Path) -> None:
    rows = listings()
    source, index = source_of({}, rows, tmp_path), np.array([5, 0, 3])
    plain = source.batch(index, None)
    assert same(source.batch(index, 0), plain)
    kernel = load_text_features(NgramPreprocessing(buckets=1024), tmp_path)
    expected = kernel.extract(ListingText.clean(rows.at[5, "designation"], rows.at[5, "description"]))
    np.testing.assert_array_equal(plain["ids"][0][: len(expected["ids"])], expected["ids"])


def test_augmentation_is_for_training_alone_and_repeatable(tmp_path: Path) -> None:
    rows, index = listings(), np.arange(12)
    source = source_of({"drop_words": 1.0}, rows, tmp_path)
    plain = source_of({}, rows, tmp_path).batch(index, None)
    assert same(source.batch(index, None), plain)
    first = source.batch(index, 0)
    assert not same(first, plain)
    assert same(first, source_of({"drop_words": 1.0}, rows, tmp_path).batch(index, 0))
    assert not same(first, source.batch(index, 1))
    assert not same(first, source_of({"drop_words": 1.0}, rows, tmp_path, seed=8).batch(index, 0))


def test_an_augmented_listing_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    source = source_of({"drop_words": 1.0}, listings(), tmp_path)
    alone, together = source.batch(np.array([4]), 2), source.batch(np.array([1, 4]), 2)
    for key, values in alone.items():
        np.testing.assert_array_equal(together[key][1][: values.shape[1]], values[0])


def test_a_dropped_description_leaves_the_title_s_features(tmp_path: Path) -> None:
    rows, index = listings(), np.array([1, 3])
    batch = source_of({"drop_description": 1.0}, rows, tmp_path).batch(index, 0)
    assert same(batch, source_of({}, rows.assign(description=""), tmp_path).batch(index, None))


def test_every_augmentation_of_the_config_is_heard_of(tmp_path: Path) -> None:
    for name in TextAugmentation.model_fields:
        source = source_of({name: 1.0}, listings(), tmp_path)
        plain, changed = (source.batch(np.arange(12), epoch) for epoch in (None, 0))
        assert same(plain, changed) == (name == "lowercase"), name  # which the preprocessing does anyhow


def test_the_vocabulary_is_the_training_rows(tmp_path: Path) -> None:
    config, rows = run_config("gru"), listings()
    make_text_features(config, rows, tmp_path)
    words = read_vocabulary(tmp_path)
    assert {"piscine", "livre", "console", "train"} <= set(words)
    assert "validation" not in words
    assert len(FlatFeatures.load(tmp_path)) == len(rows)
    assert text_vocabulary_files(config.text.preprocessing) == ["vocabulary.txt"]
    small = run_config("gru", vocabulary_size=FIRST_WORD + 5)
    make_text_features(small, rows, tmp_path)
    assert len(read_vocabulary(tmp_path)) == 5


@pytest.mark.tensorflow
@pytest.mark.parametrize("network", ["ngrams", "gru"])
def test_a_fitted_network_is_written_with_its_curve(tmp_path: Path, network: str) -> None:
    import keras

    features, folder = tmp_path / "features", tmp_path / "fit"
    features.mkdir()
    folder.mkdir()
    sizes = {"embedding": 6, "units": 6, "dense": 6} if network == "gru" else {"dim": 8}
    config, rows = run_config(network, parameters=sizes, augmentation={"drop_words": 0.2}), listings()
    make_text_features(config, rows, features)
    TextFit(config, rows, labels(), len(TOPICS), features).fit(network, folder)

    assert sorted(path.name for path in folder.iterdir()) == ["curve.json", "text.keras"]
    curve = json.loads((folder / "curve.json").read_text())
    assert curve["network"] == network
    assert len(curve["train_loss"]) == len(curve["validation_loss"]) == 3
    model = keras.saving.load_model(folder / "text.keras")
    flat = FlatFeatures.load(features)
    if network == "gru":
        assert model.get_layer("embedding").input_dim == config.text.vocabulary_size
        return
    found = model.predict(flat.batch(range(36)), verbose=0).argmax(1)
    assert (found == labels()).mean() > 0.9
    train = np.flatnonzero(rows["split"] == "train")
    counts = flat.document_frequencies(("ids", "description_ids"), train, 1024)
    expected = inverse_document_frequencies(counts, len(train))
    np.testing.assert_allclose(
        model.get_layer("idf").get_weights()[0][:, 0], expected, rtol=5e-4
    )  # files hold float16's numbers


def test_a_vocabulary_of_n_grams_is_the_training_rows(tmp_path: Path) -> None:
    words = {"vocabulary": True, "char_sizes": [], "word_sizes": [1]}
    config, rows = run_config(preprocessing=words, parameters={}), listings()
    make_text_features(config, rows, tmp_path)
    assert text_vocabulary_files(config.text.preprocessing) == ["ngrams.npy"]
    assert len(read_ngram_vocabulary(tmp_path)) == 13  # the twelve words of the topics, and "train"
    flat = FlatFeatures.load(tmp_path, ["ids"])
    assert flat.values.keys() == {"ids"}
    assert flat.row(0)["ids"].max() <= 13
    fewer = run_config(preprocessing=words, parameters={}, vocabulary_size=4)
    make_text_features(fewer, rows, tmp_path)
    assert len(read_ngram_vocabulary(tmp_path)) == 4
    with pytest.raises(VocabularyEmpty, match=r"text\.preprocessing\.vocabulary"):
        make_text_features(run_config(preprocessing=words, parameters={}, min_documents=99), rows, tmp_path)


UNWATCHED = {"reduce_on_plateau": False, "early_stopping": False, "best_checkpoint": False}


def logits_of(path: Path, features: Path) -> np.ndarray:
    import keras

    model = keras.saving.load_model(path, safe_mode=True)
    flat = FlatFeatures.load(features, [node.name for node in model.inputs])
    found: np.ndarray = model.predict(flat.batch(range(36)), verbose=0)
    return found


@pytest.mark.tensorflow
@pytest.mark.slow
def test_an_encoder_is_fitted_on_vectors_computed_once_or_trained_with_its_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    install(tmp_path, monkeypatch)
    rows, weights = listings(), []
    for rate in (0.0, 0.1):
        features, folder = tmp_path / f"features-{rate}", tmp_path / f"fit-{rate}"
        features.mkdir()
        folder.mkdir()
        parameters = {"hidden": 0, "dropout": 0, "encoder_rate": rate}
        config = run_config(
            "sentence_encoder", epochs=25, learning_rate=0.03, parameters=parameters, callbacks=UNWATCHED
        )
        make_text_features(config, rows, features)
        fit = TextFit(config, rows, labels(), len(TOPICS), features)
        fit.fit("sentence_encoder", folder)
        assert sorted(path.name for path in folder.iterdir()) == ["curve.json", "text.keras"]
        right = logits_of(folder / "text.keras", features).argmax(1) == labels()
        assert right[rows["split"] == "train"].mean() > 0.8
        model = keras.saving.load_model(folder / "text.keras")
        weights.append({weight.path: weight.numpy() for weight in model.get_layer("encoder").weights})
    changed = {path for path in weights[0] if not np.array_equal(weights[0][path], weights[1][path])}
    assert "proj/kernel" in changed
    assert not [path for path in changed if path.startswith("pieces_table")]
    curve = json.loads((tmp_path / "fit-0.0" / "curve.json").read_text())
    assert curve["train_loss"][-1] < curve["train_loss"][0]


@pytest.mark.tensorflow
@pytest.mark.slow
def test_parts_are_fitted_one_by_one_and_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    features, joined = tmp_path / "features", tmp_path / "joined"
    folders = {name: tmp_path / name for name in TEXT_PARTS.values()}
    for folder in (features, joined, *folders.values()):
        folder.mkdir()
    config = run_config(
        "combined",
        byte_tables=True,
        preprocessing={"ngrams": {"vocabulary": True}},
        augmentation={"drop_description": 0.5},
        parts={
            "ngrams": {"epochs": 4, "batch_size": 8, "learning_rate": 0.05, "parameters": {"dim": 8}},
            "linear": {"epochs": 2, "batch_size": 8, "learning_rate": 0.5},
            "encoder": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
        },
    )
    rows = listings()
    make_text_features(config, rows, features)
    assert text_vocabulary_files(config.text.preprocessing) == ["ngrams.npy", "pieces.model", "pieces.npy"]
    fit = TextFit(config, rows, labels(), len(TOPICS), features)
    for name, folder in folders.items():
        fit.fit(name, folder)
    fit.join(folders, joined)
    weights = json.loads((joined / "weights.json").read_text())
    assert weights.keys() == folders.keys()
    assert min(weights.values()) >= 0
    answers = {name: logits_of(folder / "text.keras", features) for name, folder in folders.items()}
    expected = sum(weights[name] * answer for name, answer in answers.items())
    found = logits_of(joined / "text.keras", features)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert (found.argmax(1) == labels()).mean() > 0.9


@pytest.mark.tensorflow
def test_the_config_knows_the_parameters_of_every_builder() -> None:
    from training.networks.image import build_image_network
    from training.networks.text import BUILDERS, build_recurrent_network

    def parameters(build: Callable[..., Any]) -> set[str]:
        """Keyword arguments, but for those that a run decides itself."""
        decided = {"buckets", "vocabulary", "weights", "in_bytes", "rows", "sizes"}
        arguments = inspect.signature(build).parameters.values()
        return {each.name for each in arguments if each.kind is each.KEYWORD_ONLY} - decided

    assert set(TEXT_PARAMETERS) == set(TEXT_NETWORKS)
    for name, build in BUILDERS.items():
        assert set(TEXT_PARAMETERS[name]) == parameters(build), name
    assert set(BUILDERS) == set(TEXT_PARTS.values())
    assert set(TEXT_PARAMETERS["lstm"]) == set(TEXT_PARAMETERS["gru"]) == parameters(build_recurrent_network)
    assert set(IMAGE_PARAMETERS) == parameters(build_image_network)
