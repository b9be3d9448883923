"""The serving runtime: OpenVINO on the CPU, a pool of single-threaded streams.

Each stream is compiled by itself, so that OpenVINO computes in the thread that calls. With several streams in one
compiled network it hands every call to a thread of its own and back, which saves neither memory (each stream has its
copy of the weights, as it is) nor time, but for the second compilation at the start.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from models.errors import VersionRefused

NATIVE_BF16 = "BF16"
"""What the CPU plugin lists among its optimisation capabilities on a processor with AMX or AVX-512 BF16."""


def import_openvino() -> ModuleType:
    """OpenVINO, without the companion package through which it reports each import and conversion to its makers.

    The reports go over the network, from forked copies of this process. OpenVINO has a stub for a missing companion.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: cannot be imported
    import openvino

    return cast(ModuleType, openvino)


@cache
def cpu_precision() -> Literal["f32", "bf16"]:
    """See `models.networks.runtime.available_precision`."""
    return "bf16" if NATIVE_BF16 in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


class OpenVinoNetwork:
    """One compiled network and inference request for each stream; a call waits while all of them are busy."""

    runtime: Literal["openvino"] = "openvino"

    def __init__(
        self, requests: Sequence[Any], dtypes: Mapping[str, np.dtype[Any]], classes: int, precision: str
    ) -> None:
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for request in requests:
            self._requests.put(request)
        self._dtypes = dict(dtypes)  # in the order of the network's inputs
        self._tensor = import_openvino().Tensor
        self.input_names = tuple(dtypes)
        self.classes = classes
        self.precision = precision

    @classmethod
    def load(cls, path: Path, *, streams: int = 1, threads: int = 1, precision: str = "f32") -> OpenVinoNetwork:
        """Read and compile an IR (`path` is its .xml). Each stream has `threads` threads. Raises VersionRefused."""
        computed = "f32" if precision == "f32" else cpu_precision()
        settings = {
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # Several processes on a machine would otherwise all be pinned to its first cores.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": computed,
        }
        try:
            core = import_openvino().Core()
            # Mapped weights would make a file that is truncated under a running service kill the process.
            core.set_property({"ENABLE_MMAP": False})
            model = core.read_model(path)
            pool = [core.compile_model(model, "CPU", settings) for _ in range(streams)]
            dtypes = {node.any_name: np.dtype(node.element_type.to_dtype()) for node in pool[0].inputs}
            classes = _classes(pool[0])
            _check_batches(pool[0])
            requests = [compiled.create_infer_request() for compiled in pool]
        except VersionRefused:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError for nearly everything, and promises nothing
            raise VersionRefused(f"{path.name} cannot be compiled: {_summary(error)}") from error
        return cls(requests, dtypes, classes, precision if precision == "int8" else computed)

    def logits(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """See `models.networks.runtime.Network`."""
        feed = [_writeable(np.ascontiguousarray(inputs[name], dtype)) for name, dtype in self._dtypes.items()]
        request = self._requests.get()
        try:
            # Tensors by position, which share the arrays' memory: the arrays live until the call has ended. A
            # dictionary of arrays would be gone through in Python, with the interpreter's lock held.
            for position, array in enumerate(feed):
                request.set_input_tensor(position, self._tensor(array, shared_memory=True))
            request.infer(share_outputs=True)
            # Copied, since the request is used again.
            return np.array(request.get_output_tensor(0).data, dtype=np.float32)
        finally:
            self._requests.put(request)


def _writeable(array: NDArray[Any]) -> NDArray[Any]:
    """The array, or a copy of one that OpenVINO would refuse to share."""
    return array if array.flags.writeable else array.copy()


def _check_batches(compiled: Any) -> None:
    """Raises VersionRefused unless every input takes any number of rows: golden listings may be asked one by one."""
    for node in compiled.inputs:
        shape = node.partial_shape
        if shape.rank.is_static and (len(shape) == 0 or shape[0].is_static):
            raise VersionRefused(f"the network's input {node.any_name} takes a fixed number of listings")


def _classes(compiled: Any) -> int:
    outputs = compiled.outputs
    shape = outputs[0].partial_shape if len(outputs) == 1 else None
    if shape is None or shape.rank.is_dynamic or len(shape) != 2 or shape[1].is_dynamic:
        raise VersionRefused("the network's output is not one array of logits [B, C]")
    return int(shape[1].get_length())


def _summary(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
