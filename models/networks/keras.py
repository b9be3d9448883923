"""The reference runtime: the version's `.keras` file, checked before Keras is allowed to build anything from it.

Keras' own `safe_mode` has been bypassed several times, each time through a class or function that no network needs. So
the file's config is read as plain JSON first, and may name only the layers and operations of this project's networks.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import VersionRefused

MAX_CONFIG_BYTES = 4_000_000
"""Ten times the config of the largest network on offer."""
MAX_NESTING = 64
"""Depth of objects and lists in the config; networks on offer stay below 20."""
ARCHIVE = frozenset({"config.json", "metadata.json", "model.weights.h5"})
LAYERS = """
    Activation Add BatchNormalization Concatenate Conv1D Conv2D Dense DepthwiseConv2D Dropout Embedding GRU
    GlobalAveragePooling2D InputLayer LSTM LayerNormalization MaxPooling2D Multiply Normalization ReLU Rescaling Reshape
    SeparableConv2D ZeroPadding2D
"""
INITIALIZERS = """
    GlorotUniform Ones Orthogonal RandomUniform VarianceScaling Zeros
"""
OPERATIONS = """
    Add ExpandDims Flip Matmul Maximum Multiply NotEqual Split Sqrt Square Squeeze Sum Transpose TrueDivide
"""
ALLOWED: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"__keras_tensor__"}),
    "keras": frozenset({"DTypePolicy", "Sequential"}),
    "keras.initializers": frozenset(INITIALIZERS.split()),
    "keras.layers": frozenset(LAYERS.split()),
    "keras.src.applications.convnext": frozenset({"LayerScale"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.ops.core": frozenset({"Cast"}),
    "keras.src.ops.numpy": frozenset(OPERATIONS.split()),
}
"""Classes that a config may name, by module. None of them runs code or reads files on being built or called."""


def quieten() -> None:
    """Keep TensorFlow's lines on CUDA, oneDNN and the processor from the terminal, unless the user chose a level of its
    log. To be called before TensorFlow is imported.
    """
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # processes that are started later inherit it
        sys.meta_path.insert(0, _QuietImport())


class _QuietImport(MetaPathFinder):
    """Imports TensorFlow with nowhere to print to: some of its libraries print while they are loaded, at any level."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == "tensorflow" else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = partial(_execute_quietly, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _execute_quietly(execute: Callable[[ModuleType], None], module: ModuleType) -> None:
    stderr = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            execute(module)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


class KerasNetwork:
    """A Keras network as one TensorFlow graph for batches of any size, in float32."""

    runtime: Literal["keras"] = "keras"
    precision = "f32"

    def __init__(self, call: Callable[..., Any], dtypes: Mapping[str, np.dtype[Any]], classes: int) -> None:
        self._call = call
        self._dtypes = dict(dtypes)
        self.input_names = tuple(dtypes)
        self.classes = classes

    @classmethod
    def load(cls, path: Path) -> KerasNetwork:
        """Check and load a `.keras` file. Raises VersionRefused."""
        check_archive(path)
        quieten()
        try:
            import keras

            return cls.of(keras.saving.load_model(path, compile=False, safe_mode=True))
        except ImportError as error:
            raise VersionRefused("the keras runtime needs TensorFlow, which is not installed") from error
        except VersionRefused:
            raise
        except Exception as error:  # Keras promises no particular error for a damaged file
            raise VersionRefused(f"{path.name} cannot be loaded: {type(error).__name__}") from error

    @classmethod
    def of(cls, model: Any) -> KerasNetwork:
        """The network of a `keras.Model` in memory. Raises VersionRefused if its output is not [B, C]."""
        import tensorflow as tf

        if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2 or model.outputs[0].shape[1] is None:
            raise VersionRefused("the network's output is not one array of logits [B, C]")
        signature = {node.name: tf.TensorSpec(node.shape, node.dtype) for node in model.inputs}
        call = tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])
        call.get_concrete_function()  # traced now, not at the first call, where several threads would race to do it
        dtypes = {name: np.dtype(spec.dtype.as_numpy_dtype) for name, spec in signature.items()}
        return cls(call, dtypes, int(model.outputs[0].shape[1]))

    def logits(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """See `models.networks.runtime.Network`."""
        feed = {name: np.asarray(inputs[name], dtype) for name, dtype in self._dtypes.items()}
        return np.array(self._call(feed), dtype=np.float32)


def check_archive(path: Path) -> None:
    """Check what a `.keras` file would build, without building it: its members, and every class that its config names.

    Raises VersionRefused.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(ARCHIVE):
                raise VersionRefused(f"{path.name} is not the archive of one network")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise VersionRefused(f"{path.name} is compressed, which no network of this project is")
            if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
                raise VersionRefused(f"the config in {path.name} is longer than {MAX_CONFIG_BYTES} bytes")
            config = json.loads(archive.read("config.json"))
    except VersionRefused:
        raise
    except Exception as error:  # zipfile and json fail in many ways on damaged or hostile bytes
        raise VersionRefused(f"{path.name} cannot be read: {type(error).__name__}") from error
    if not isinstance(config, dict) or config.get("class_name") != "Functional":
        raise VersionRefused(f"{path.name} does not hold a functional network")
    for module, name in _named_classes(config):
        if name not in ALLOWED.get(module, frozenset()):
            raise VersionRefused(f"{path.name} names a class that no network here has: {module}.{name}"[:200])


def _named_classes(value: object, depth: int = 0) -> Iterator[tuple[str | None, str]]:
    """(module, class) of everything in a config that Keras would resolve to a class or function."""
    if depth > MAX_NESTING:
        raise VersionRefused("the network's config is nested too deeply")
    if isinstance(value, dict):
        if value.get("compile_config"):
            raise VersionRefused("the network's config holds an optimizer or losses, which serving has no use for")
        if "class_name" in value:
            module, name = value.get("module"), value["class_name"]
            # Keras looks registered (custom) classes up by this name first.
            alias = value.get("registered_name") or name
            if not isinstance(name, str) or not isinstance(module, str | None) or alias != name:
                raise VersionRefused("the network's config names a custom class")
            yield module, name
        for inner in value.values():
            yield from _named_classes(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_classes(inner, depth + 1)
