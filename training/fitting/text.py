"""Fitting text networks on the kernel's features, and the ensemble of several: augmentation, idf, sentence vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from models.arrays import Floats, Integers
from models.preprocessing.settings import CombinedPreprocessing, NgramPreprocessing, PiecePreprocessing, TextSettings
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features, pad_batch
from training.config.fit import KINDS, TextConfig
from training.config.run import RunConfig
from training.fitting.augment import augment_text, generator
from training.fitting.text_features import Arrays, FlatFeatures, cleaned
from training.fitting.text_vocabulary import ngram_ids, write_text_vocabulary
from training.fitting.weights import class_weights, fit_ensemble_weights

if TYPE_CHECKING:  # they import Keras
    from training.fitting.fit import LearningRateMultiplier, LoadBatch

MIN_DOCUMENTS = 2
"""An n-gram in fewer training listings does not generalise; its idf is 0, which leaves it out."""
BATCH = 64
"""Listings predicted together outside a fit."""
VECTORS_FILE = "vectors.npy"


def make_text_features(config: RunConfig, rows: pd.DataFrame, folder: Path) -> None:
    """The stage that cleans and featurises all rows with text; vocabularies come from the training rows alone.

    `rows` are the catalogue's, with their "split".
    """
    texts = cleaned(rows)
    train = [text for text, split in zip(texts, rows["split"], strict=True) if split == "train"]
    write_text_vocabulary(config.text, train, folder)
    FlatFeatures.of(texts, load_text_features(config.text.preprocessing, folder)).save(folder)


@dataclass(frozen=True, eq=False)
class TextFit:
    """Fits text networks on the rows of `features`, the folder of the stage before; `labels` are class indices [N].

    `vectors` is the folder of `make_vectors`, None without it. Rows that are neither in "train" nor in "validation" are
    ignored.
    """

    config: RunConfig
    rows: pd.DataFrame
    labels: Integers
    classes: int
    features: Path
    vectors: Path | None = None

    def fit(self, network: str, folder: Path) -> None:
        """The stage that fits one of `TextConfig.networks` and writes `text.keras` and its learning curve."""
        from training.fitting.export import save_keras
        from training.fitting.fit import Examples, fit_network, fix_seeds

        fix_seeds(self.config.seed)
        options = self.config.text.networks[network]
        source, flat = self._source(network)
        model = self._build(network)
        part: Any = model
        load: LoadBatch = source.batch
        rate = float(options.parameters.get("encoder_rate", 0))
        if network == "sentence_encoder" and self.vectors is not None:
            part, load = self._head(model, self.vectors)
        balance = class_weights(self.labels, self.rows["split"].to_numpy() == "train", options.class_balance)
        weights = self.rows["weight"].to_numpy(np.float32) * balance
        train, validation = (
            Examples(index, self.labels[index], weights[index], load, flat.lengths()[index]) for index in self._parts()
        )
        curve = fit_network(
            part,
            train,
            validation,
            options,
            seed=self.config.seed,
            folder=folder,
            name=network,
            multiplier=_encoder_multiplier(model, rate),
        )
        save_keras(self._in_bytes(network, model), folder / "text.keras")
        (folder / "curve.json").write_text(json.dumps(asdict(curve)))

    def join(self, networks: Mapping[str, Path], folder: Path) -> None:
        """The stage that joins fitted networks ("text.keras" in each folder) into one, weighted on validation rows."""
        import keras

        from training.fitting.export import compiled, save_keras
        from training.fitting.fit import fix_seeds
        from training.networks.text import join_networks

        fix_seeds(self.config.seed)
        models = {name: keras.saving.load_model(path / "text.keras") for name, path in networks.items()}
        _, validation = self._parts()
        logits = np.empty((len(models), len(validation), self.classes), np.float32)
        for values, (name, model) in zip(logits, models.items(), strict=True):
            flat, run = self._flat(name), compiled(model)
            for start in range(0, len(validation), BATCH):
                values[start : start + BATCH] = run(flat.batch(validation[start : start + BATCH]))
        row_weights = self.rows["weight"].to_numpy(np.float32)[validation]
        fitted = fit_ensemble_weights(logits, self.labels[validation], row_weights)
        weights = {name: round(float(weight), 4) for name, weight in zip(models, fitted, strict=True)}
        tqdm.write(f"ensemble weights: {', '.join(f'{name} {weight}' for name, weight in weights.items())}")
        save_keras(join_networks(models, weights), folder / "text.keras")
        (folder / "weights.json").write_text(json.dumps(weights))

    def _parts(self) -> list[Integers]:
        """Positions of the training and of the validation rows."""
        return [np.flatnonzero(self.rows["split"].to_numpy() == part) for part in ("train", "validation")]

    def vectors_inputs(self) -> dict[str, Any] | None:
        """Inputs of a frozen encoder's vectors beside the features; None if no network takes any."""
        options = self.config.text.networks.get("sentence_encoder")
        if options is None or options.parameters.get("encoder_rate") or self.config.text.augmentation.changes_words:
            return None
        dropped = self.config.text.augmentation.drop_description > 0
        return {"top": int(options.parameters.get("top", 0)), "title_only": dropped}

    def make_vectors(self, folder: Path) -> None:
        """The stage that computes a frozen encoder's vectors once, so that an epoch of the head takes seconds.

        They are float16 [2, N, F]: of the whole text and, for the description that augmentation drops, of the title.
        """
        from training.fitting.export import compiled
        from training.networks.sentence_encoder import ENCODER

        encoder, flat = self._build("sentence_encoder").get_layer(ENCODER), self._flat("sentence_encoder")
        run, width = compiled(encoder), int(encoder.output_shape[-1])
        dropped = self.config.text.augmentation.drop_description > 0
        shape = (2 if dropped else 1, len(flat), width)
        vectors = np.lib.format.open_memmap(folder / VECTORS_FILE, "w+", np.float16, shape)
        order = np.argsort(flat.lengths(), kind="stable")
        for start in tqdm(range(0, len(order), BATCH), "sentence vectors", unit="batch"):
            batch = order[start : start + BATCH]
            inputs = flat.batch(batch)
            vectors[0, batch] = run(inputs)
            if dropped:
                vectors[1, batch] = run({**inputs, "description_pieces": np.zeros((len(batch), 1), np.int32)})
        vectors.flush()

    def _head(self, model: Any, vectors: Path) -> tuple[Any, LoadBatch]:
        """The layers after a frozen encoder, which share the weights of `model`, and the loader of its vectors."""
        import keras

        from training.networks.sentence_encoder import HEAD

        head = keras.Model(model.get_layer(HEAD).input, model.outputs[0])
        stored = np.load(vectors / VECTORS_FILE, mmap_mode="r", allow_pickle=False)
        dropped = self.config.text.augmentation.drop_description

        def load(indices: Integers, epoch: int | None) -> Floats:
            random = np.random.default_rng([self.config.seed, epoch or 0, int(indices[0])])
            title_only = (random.random(len(indices)) < dropped) & (epoch is not None)
            return np.asarray(stored[title_only.astype(np.int64), indices], np.float32)

        return head, load

    def _preprocessing(self, network: str) -> TextSettings:
        """The network's part of the version's preprocessing, which may be that of several networks."""
        preprocessing = self.config.text.preprocessing
        if isinstance(preprocessing, CombinedPreprocessing):
            return preprocessing.pieces if KINDS[network] == "pieces" else preprocessing.ngrams
        return preprocessing

    def _flat(self, network: str) -> FlatFeatures:
        features = load_text_features(self._preprocessing(network), self.features)
        return FlatFeatures.load(self.features, features.extract(ListingText("", "")).keys())

    def _source(self, network: str) -> tuple[TextSource, FlatFeatures]:
        features, flat = load_text_features(self._preprocessing(network), self.features), self._flat(network)
        return TextSource(self.rows, flat, self.config.text, features, self.config.seed), flat

    def _build(self, network: str, *, in_bytes: bool = False) -> Any:
        from training.networks.text import build_text_network

        parameters: dict[str, Any] = dict(self.config.text.networks[network].parameters)
        preprocessing = self._preprocessing(network)
        if isinstance(preprocessing, NgramPreprocessing):
            size = ngram_ids(preprocessing, self.features)
            model = build_text_network(network, self.classes, buckets=size, in_bytes=in_bytes, **parameters)
            if not in_bytes:  # else `with_byte_tables` copies it
                self._set_idf(model, size)
            return model
        if isinstance(preprocessing, PiecePreprocessing):
            return build_pretrained_encoder(self.features, self.classes, parameters)
        return build_text_network(network, self.classes, vocabulary=self.config.text.vocabulary_size, **parameters)

    def _set_idf(self, model: Any, size: int) -> None:
        from training.networks.ngrams import set_idf

        train, _ = self._parts()
        counts = self._flat(model.name).document_frequencies(("ids", "description_ids"), train, size)
        set_idf(model, inverse_document_frequencies(counts, len(train)))

    def _in_bytes(self, network: str, model: Any) -> Any:
        """The network as the version carries it: its table of n-grams in bytes, if the config says so."""
        preprocessing = self._preprocessing(network)
        if not self.config.text.byte_tables or not isinstance(preprocessing, NgramPreprocessing):
            return model
        from training.networks.ngrams import with_byte_tables

        return with_byte_tables(model, self._build(network, in_bytes=True))


def build_pretrained_encoder(features: Path, classes: int, parameters: Mapping[str, Any]) -> Any:
    """The sentence-encoder network with the package's weights, for the pieces that the folder `features` keeps.

    Raises WeightsUnavailable.
    """
    from models.preprocessing.text.pieces import FIRST_PIECE, read_kept_pieces, read_tokenizer
    from training.networks.sentence_encoder import ENCODER
    from training.networks.text import build_text_network
    from training.networks.use_checkpoint import load_checkpoint, package_weights, read_checkpoint

    tokenizer = read_tokenizer(features)
    kept = read_kept_pieces(features, tokenizer)
    checkpoint = read_checkpoint(package_weights())
    rows = FIRST_PIECE + len(kept)
    model = build_text_network("sentence_encoder", classes, rows=rows, sizes=checkpoint.sizes, **parameters)
    load_checkpoint(model.get_layer(ENCODER), checkpoint, kept, tokenizer.unk_id())
    return model


def _encoder_multiplier(model: Any, rate: float) -> LearningRateMultiplier | None:
    """The learning-rate multiplier of a pretrained encoder; None when the encoder is not trained."""
    if not rate:
        return None
    from training.fitting.fit import LearningRateMultiplier
    from training.networks.sentence_encoder import ENCODER

    return LearningRateMultiplier(model.get_layer(ENCODER).trainable_variables, rate)


def inverse_document_frequencies(counts: Integers, documents: int) -> Floats:
    """Scikit-learn's smooth idf, log((1 + N) / (1 + df)) + 1; 0 for ids in fewer than `MIN_DOCUMENTS`, and padding."""
    idf = np.where(counts >= MIN_DOCUMENTS, np.log((1 + documents) / (1 + counts)) + 1, 0.0)
    idf[0] = 0.0
    return idf.astype(np.float32)


class TextSource:
    """Padded features of rows: precomputed ones, and new ones for listings that augmentation changes."""

    def __init__(
        self, rows: pd.DataFrame, flat: FlatFeatures, config: TextConfig, features: TextFeatures, seed: int
    ) -> None:
        self._flat, self._options, self._features, self._seed = flat, config.augmentation, features, seed
        self._texts = cleaned(rows, progress=False) if self.augments else []

    @property
    def augments(self) -> bool:
        """Whether training augments texts."""
        return any(self._options.model_dump().values())

    def batch(self, indices: Integers, epoch: int | None) -> Arrays:
        """Features [B, T] of rows; augmented when an epoch is given."""
        if epoch is None or not self._texts:
            return self._flat.batch(indices)
        return pad_batch([self._augmented(int(index), epoch) for index in indices])

    def _augmented(self, index: int, epoch: int) -> Arrays:
        text = self._texts[index]
        changed = augment_text(text.designation, text.description, self._options, generator(self._seed, index, epoch))
        if changed == (text.designation, text.description):
            return self._flat.row(index)
        return self._features.extract(ListingText(*changed))
