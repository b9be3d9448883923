"""Text networks build, train a step and ignore padding."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.training.networks.tiny_networks import (
    CLASSES,
    PART_WEIGHTS,
    TEXT_SIZES,
    WORDS,
    logits,
    text_inputs,
    text_network,
)
from training.config.networks import TEXT_NETWORKS
from training.networks.image import build_image_network
from training.networks.ngrams import set_idf, with_byte_tables
from training.networks.text import build_text_network, join_networks

pytestmark = pytest.mark.tensorflow


def train_one_step(model: Any, inputs: Any, rows: int) -> float:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    return float(model.train_on_batch(inputs, np.arange(rows) % CLASSES))


def weights_of(layers: Any) -> dict[str, np.ndarray]:
    """By path; without the counters of random layers."""
    weights = [weight for layer in layers for weight in layer.weights]
    return {weight.path: weight.numpy() for weight in weights if "seed_generator" not in weight.path}


def test_unknown_networks_are_refused() -> None:
    assert set(TEXT_SIZES) | {"combined"} == set(TEXT_NETWORKS)
    with pytest.raises(ValueError, match="no text network"):
        build_text_network("bert", CLASSES)
    with pytest.raises(ValueError, match="no image network"):
        build_image_network("lenet", CLASSES)


@pytest.mark.parametrize("name", TEXT_NETWORKS)
def test_text_networks_learn_and_are_finite_on_padding_alone(name: str) -> None:
    model = text_network(name)
    inputs = text_inputs(name, [9, 4, 0], padded=9)
    before = logits(model, inputs)
    assert before.shape == (3, CLASSES)
    assert before.dtype == np.float32
    assert np.isfinite(train_one_step(model, inputs, rows=3))
    after = logits(model, inputs)
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-6


@pytest.mark.parametrize("name", TEXT_NETWORKS)
def test_text_logits_do_not_depend_on_padding_or_neighbours(name: str) -> None:
    model = text_network(name)
    lengths = [9, 4, 6, 4]
    batch = text_inputs(name, lengths, padded=30)
    together = logits(model, batch)
    assert np.ptp(together, axis=0).max() > 1e-2
    for row, length in enumerate(lengths):
        shortest = {"ids": length, "weights": length, "pieces": length}
        alone = {key: values[row : row + 1, : shortest.get(key, 9)] for key, values in batch.items()}
        np.testing.assert_allclose(logits(model, alone)[0], together[row], rtol=1e-5, atol=1e-6)


def test_ngram_bags_are_weighted_by_idf_and_normalised() -> None:
    model = text_network("ngrams")
    idf = np.linspace(0, 3, WORDS)
    set_idf(model, idf)
    inputs = text_inputs("ngrams", [9, 4], padded=9)
    bags = keras.Model(model.inputs, model.get_layer("bags").output)
    table = model.get_layer("grams").get_weights()[0]

    def bag(*prefixes: str) -> np.ndarray:
        ids = np.concatenate([inputs[f"{prefix}ids"] for prefix in prefixes], axis=1)
        weights = np.concatenate([inputs[f"{prefix}weights"] for prefix in prefixes], axis=1) * idf[ids]
        bags: np.ndarray = np.einsum("bt,btd->bd", weights, table[ids]) / np.linalg.norm(weights, axis=1, keepdims=True)
        return bags

    expected = np.concatenate([bag(""), bag("description_"), bag("", "description_")], axis=1)
    np.testing.assert_allclose(logits(bags, inputs), expected, rtol=1e-5, atol=1e-5)
    train_one_step(model, inputs, rows=2)
    np.testing.assert_array_equal(model.get_layer("idf").get_weights()[0].ravel(), idf.astype(np.float32))


def test_a_linear_network_is_a_product_of_tf_idf_and_weights() -> None:
    model = text_network("linear")
    inputs = text_inputs("linear", [9, 4], padded=9)
    table = model.get_layer("grams").get_weights()[0]
    expected = np.zeros((2, CLASSES))
    for prefixes in ([""], ["", "description_"]):
        features = np.zeros((2, WORDS))
        squares = np.zeros(2)
        for prefix in prefixes:
            ids, weights = inputs[f"{prefix}ids"], inputs[f"{prefix}weights"]
            np.add.at(features, (np.arange(2)[:, None], ids), weights)
            squares += (weights**2).sum(1)
        expected += features @ table / np.sqrt(squares)[:, None]
    np.testing.assert_allclose(logits(model, inputs), expected, rtol=1e-4, atol=1e-5)
    untrained = build_text_network("linear", CLASSES, **TEXT_SIZES["linear"])
    assert not logits(untrained, inputs).any()


@pytest.mark.parametrize("name", ["ngrams", "linear"])
def test_tables_in_bytes_answer_nearly_alike(name: str) -> None:
    model = text_network(name)
    set_idf(model, np.linspace(0, 3, WORDS))
    in_bytes = with_byte_tables(model, build_text_network(name, CLASSES, **TEXT_SIZES[name], in_bytes=True))
    inputs = text_inputs(name, [9, 4, 0], padded=9)
    reference = logits(model, inputs)
    difference = np.abs(logits(in_bytes, inputs) - reference).max() / reference.std()
    assert 0 < difference < 0.02
    assert in_bytes.get_layer("grams").get_weights()[0].dtype == np.uint8


def test_joined_networks_answer_with_the_weighted_sum_of_their_parts() -> None:
    inputs = text_inputs("combined", [9, 4, 0], padded=9)
    parts = {name: text_network(name) for name in PART_WEIGHTS}
    answers = {name: logits(part, text_inputs(name, [9, 4, 0], padded=9)) for name, part in parts.items()}
    expected = sum(PART_WEIGHTS[name] * answer for name, answer in answers.items())
    np.testing.assert_allclose(logits(join_networks(parts, PART_WEIGHTS), inputs), expected, rtol=1e-5, atol=1e-6)
    alone = join_networks(parts, {"ngrams": 0.0, "linear": 0.0, "sentence_encoder": 2.0})
    assert {node.name for node in alone.inputs} == {"pieces", "description_pieces"}
    pieces = text_inputs("sentence_encoder", [9, 4, 0], padded=9)
    np.testing.assert_allclose(logits(alone, pieces), 2 * answers["sentence_encoder"], rtol=1e-5)


def test_a_frozen_encoder_stays_as_it_is_and_its_table_always() -> None:
    inputs = text_inputs("sentence_encoder", [9, 4, 3], padded=9)
    for rate in (0.0, 0.5):
        model = build_text_network(
            "sentence_encoder", CLASSES, **{**TEXT_SIZES["sentence_encoder"], "encoder_rate": rate}
        )
        table = model.get_layer("encoder").get_layer("pieces_table")
        table.set_weights([np.random.default_rng(0).integers(0, 256, table.get_weights()[0].shape, np.uint8)])
        model.get_layer("encoder").get_layer("pieces_table_scale").set_weights(
            [np.full((len(table.get_weights()[0]), 1), 0.01, np.float32)]
        )
        before = weights_of(model.get_layer("encoder").layers)
        train_one_step(model, inputs, rows=3)
        after = weights_of(model.get_layer("encoder").layers)
        changed = {path for path, weight in after.items() if not np.array_equal(weight, before[path])}
        assert bool(changed) == bool(rate)
        assert not [path for path in changed if path.startswith("pieces_table")]
