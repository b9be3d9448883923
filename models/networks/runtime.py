"""What runs a version's networks: OpenVINO for serving, Keras as the reference. Each is imported when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy import float32
from numpy.typing import NDArray

from models.errors import VersionRefused

RuntimeName = Literal["auto", "openvino", "keras"]
PRECISIONS = ("f32", "bf16", "int8")


class Network(Protocol):
    """A trained network, loaded. Thread-safe.

    `input_names` are the keys it takes, `classes` is the C of its output, `precision` ("f32", "bf16" or "int8") what it
    really computes in, and `runtime` who computes.
    """

    @property
    def input_names(self) -> tuple[str, ...]: ...
    @property
    def classes(self) -> int: ...
    @property
    def precision(self) -> str: ...
    @property
    def runtime(self) -> Literal["openvino", "keras"]: ...

    def logits(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[float32]:
        """Logits float32 [B, C] of a batch of any size; the caller owns the array. Inputs are those that
        `models.preprocessing.settings` describes, each with a leading batch axis; keys that the network does not take
        are ignored. Raises KeyError for a missing one.
        """
        ...


def load_network(
    folder: Path,
    modality: str,
    *,
    runtime: RuntimeName = "auto",
    streams: int = 1,
    threads: int = 1,
    precision: str = "f32",
) -> Network:
    """Load `{modality}.xml` and `.bin` (OpenVINO) or `{modality}.keras` from a version folder.

    `runtime` "auto" is OpenVINO where its files are there, else Keras. `streams` is how many calls OpenVINO serves at
    the same time, each on so many `threads`: one gives the most answers a second, two the quickest answer. `precision`
    is what the version asks for: "bf16" becomes "f32" on a processor without native bfloat16, and in Keras; "int8" is a
    property of the files. Raises VersionRefused when a file is missing or cannot be read, compiled or trusted, and
    ValueError for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}")
    compiled, reference = folder / f"{modality}.xml", folder / f"{modality}.keras"
    if runtime == "openvino" or (runtime == "auto" and compiled.exists()):
        from models.networks.openvino import OpenVinoNetwork

        return OpenVinoNetwork.load(compiled, streams=streams, threads=threads, precision=precision)
    if runtime == "auto" and not reference.exists():
        raise VersionRefused(f"neither {compiled.name} nor {reference.name} is there")
    from models.networks.keras import KerasNetwork

    return KerasNetwork.load(reference)


def available_precision() -> Literal["f32", "bf16"]:
    """The fastest precision that this processor computes natively: "bf16" with AMX or AVX-512 BF16, else "f32".

    Elsewhere bfloat16 is emulated, which is slower than float32 and less exact.
    """
    from models.networks.openvino import cpu_precision

    return cpu_precision()
