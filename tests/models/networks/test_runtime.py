"""Networks load in either runtime, answer from many threads, and files that are not ours are refused unopened."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest

from models.errors import VersionRefused
from models.networks import openvino as openvino_runtime
from models.networks.keras import KerasNetwork, check_archive
from models.networks.openvino import import_openvino
from models.networks.runtime import RuntimeName, available_precision, load_network
from tests.training.networks.tiny_networks import CLASSES, text_inputs, text_network
from training.fitting.export import export_openvino, save_keras

pytestmark = pytest.mark.tensorflow

RUNTIMES: tuple[RuntimeName, ...] = ("openvino", "keras")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("version")
    model = text_network("ngrams")
    export_openvino(model, folder, "text")
    save_keras(model, folder / "text.keras")
    return folder


INPUTS = text_inputs("ngrams", [9, 4, 12], padded=12)


def copy(folder: Path, target: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        (target / f"text.{suffix}").write_bytes((folder / f"text.{suffix}").read_bytes())


# --- loading


def test_auto_prefers_openvino_and_takes_keras_where_it_is_alone(folder: Path, tmp_path: Path) -> None:
    assert load_network(folder, "text").runtime == "openvino"
    copy(folder, tmp_path, "keras")
    assert load_network(tmp_path, "text").runtime == "keras"


@pytest.mark.parametrize("runtime", ["auto", *RUNTIMES])
def test_a_missing_network_is_refused(runtime: RuntimeName, tmp_path: Path) -> None:
    with pytest.raises(VersionRefused):
        load_network(tmp_path, "text", runtime=runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_network_tells_what_it_takes_and_gives(folder: Path, runtime: RuntimeName) -> None:
    network = load_network(folder, "text", runtime=runtime)
    assert (set(network.input_names), network.classes, network.precision) == (set(INPUTS), CLASSES, "f32")
    answer = network.logits({**INPUTS, "unknown": np.zeros(3)})
    assert (answer.shape, answer.dtype) == ((3, CLASSES), np.float32)
    with pytest.raises(KeyError):
        network.logits({"ids": INPUTS["ids"]})


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_caller_owns_the_answer(folder: Path, runtime: RuntimeName) -> None:
    network = load_network(folder, "text", runtime=runtime)
    first = network.logits(INPUTS)
    kept = first.copy()
    second = network.logits({key: values[::-1] for key, values in INPUTS.items()})
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(second[::-1], first, rtol=1e-5, atol=1e-5)
    first[:] = 0
    np.testing.assert_array_equal(network.logits(INPUTS), kept)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_inputs_may_be_read_only_or_lie_anyhow(folder: Path, runtime: RuntimeName) -> None:
    network = load_network(folder, "text", runtime=runtime)
    odd = {name: np.repeat(array, 2, axis=-1)[:, ::2] for name, array in INPUTS.items()}
    for inputs in (odd, {name: array.copy() for name, array in INPUTS.items()}):
        for array in inputs.values():
            array.flags.writeable = False
        np.testing.assert_array_equal(network.logits(inputs), network.logits(INPUTS))


def test_a_network_without_logits_is_refused(tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 3), dtype="uint8", name="pixels")
    picture = keras.Model(pixels, keras.layers.Rescaling(1.0)(pixels))
    save_keras(picture, tmp_path / "image.keras")
    export_openvino(picture, tmp_path, "image")
    for runtime in RUNTIMES:
        with pytest.raises(VersionRefused, match="logits"):
            load_network(tmp_path, "image", runtime=runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_many_threads_get_their_own_answers(folder: Path, runtime: RuntimeName) -> None:
    network = load_network(folder, "text", runtime=runtime, streams=2)
    rows = [{key: values[row : row + 1] for key, values in INPUTS.items()} for row in range(3)]
    expected = [network.logits(row) for row in rows]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda index: network.logits(rows[index % 3]), range(300)))
    for index, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[index % 3])


def test_a_failing_call_gives_its_stream_back(folder: Path) -> None:
    network = load_network(folder, "text", runtime="openvino", streams=1)
    wrong = {**INPUTS, "ids": INPUTS["ids"][np.newaxis]}
    for _ in range(3):
        with pytest.raises(RuntimeError):
            network.logits(wrong)
    assert network.logits(INPUTS).shape == (3, CLASSES)


@pytest.mark.parametrize(
    ("native", "asked", "computed"),
    [
        ("f32", "f32", "f32"),
        ("f32", "bf16", "f32"),
        ("f32", "int8", "int8"),
        ("bf16", "bf16", "bf16"),
        ("bf16", "f32", "f32"),
    ],
)
def test_precision_is_what_was_asked_where_the_processor_has_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, native: str, asked: str, computed: str
) -> None:
    if native == "bf16" and available_precision() != "bf16":
        settings: dict[str, Any] = {}
        original = import_openvino().Core.compile_model

        def compile_in_f32(core: Any, model: Any, device: str, config: dict[str, Any]) -> Any:
            settings.update(config)
            return original(core, model, device, config | {"INFERENCE_PRECISION_HINT": "f32"})

        monkeypatch.setattr(import_openvino().Core, "compile_model", compile_in_f32)
    monkeypatch.setattr(openvino_runtime, "cpu_precision", lambda: native)
    assert load_network(folder, "text", precision=asked).precision == computed
    with pytest.raises(ValueError, match="precision"):
        load_network(folder, "text", precision="f16")


def test_importing_the_runtime_loads_neither_engine(folder: Path) -> None:
    code = (
        "import sys, models.networks.runtime\n"
        "print({'openvino', 'keras', 'tensorflow'} & set(sys.modules))\n"
        "from pathlib import Path\n"
        f"models.networks.runtime.load_network(Path({str(folder)!r}), 'text')\n"
        "print({'keras', 'tensorflow', 'openvino_telemetry.main'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["set()", "set()"]


# --- damaged files


@pytest.mark.parametrize("suffix", ["xml", "bin", "keras"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1000],
        lambda content: b"\x00" * len(content),
        lambda content: b"PK\x03\x04" + content[:50],
    ],
    ids=["empty", "half", "shortened", "zeros", "cut zip"],
)
def test_a_damaged_file_is_refused(folder: Path, tmp_path: Path, suffix: str, harm: Callable[[bytes], bytes]) -> None:
    copy(folder, tmp_path, "xml", "bin", "keras")
    path = tmp_path / f"text.{suffix}"
    path.write_bytes(harm(path.read_bytes()))
    if suffix == "bin" and path.stat().st_size == (folder / "text.bin").stat().st_size:
        pytest.skip("weights of zero are weights: checksums and golden listings find them")
    with pytest.raises(VersionRefused):
        load_network(tmp_path, "text", runtime="keras" if suffix == "keras" else "openvino")


def test_weights_cannot_be_pulled_from_under_a_loaded_network(folder: Path, tmp_path: Path) -> None:
    """A mapped file that is truncated would end the process with a bus error."""
    copy(folder, tmp_path, "xml", "bin")
    network = load_network(tmp_path, "text", runtime="openvino")
    expected = network.logits(INPUTS)
    (tmp_path / "text.bin").write_bytes(b"")
    np.testing.assert_array_equal(network.logits(INPUTS), expected)


# --- hostile .keras files


def rewritten(folder: Path, target: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a good archive whose config was changed."""
    path = target / "text.keras"
    with zipfile.ZipFile(folder / "text.keras") as source, zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            archive.writestr(name, content)
    return path


def dense(config: dict[str, Any]) -> dict[str, Any]:
    found = [layer for layer in config["config"]["layers"] if layer["config"].get("name") == "logits"]
    return cast(dict[str, Any], found[0])


FUNCTION = {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}
HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "lambda layer": lambda config: dense(config).update(class_name="Lambda"),
    "lambda value": lambda config: dense(config)["config"].update(
        activation={"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
    ),
    "foreign module": lambda config: dense(config).update(module="subprocess", class_name="Popen"),
    "own module": lambda config: dense(config).update(module="training.networks.text"),
    "registered class": lambda config: dense(config).update(registered_name="Custom>Dense"),
    "function": lambda config: dense(config)["config"].update(activation=FUNCTION),
    "keras function": lambda config: dense(config)["config"].update(
        activation=FUNCTION | {"config": "get_file", "module": "keras.utils", "registered_name": "get_file"}
    ),
    "builtin": lambda config: dense(config)["config"].update(activation=FUNCTION | {"module": "builtins"}),
    "loads a graph": lambda config: dense(config).update(class_name="TFSMLayer"),
    "reads a file": lambda config: dense(config).update(class_name="TextVectorization"),
    "no module": lambda config: dense(config).update(module=None),
    "class is no name": lambda config: dense(config).update(class_name=["Dense"]),
    "module is no name": lambda config: dense(config).update(module={"class_name": "Dense"}),
    "compiles": lambda config: config.update(compile_config={"optimizer": "adam", "loss": "mse"}),
    "not a network": lambda config: config.update(class_name="Dense", module="keras.layers"),
    "nested too deeply": lambda config: config.update(extra=json.loads("[" * 500 + "]" * 500)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_config_is_refused_before_keras_sees_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object]
) -> None:
    def seen(*_: object, **__: object) -> None:
        pytest.fail("Keras was asked to load a hostile file")

    monkeypatch.setattr(keras.saving, "load_model", seen)
    path = rewritten(folder, tmp_path, change)
    with pytest.raises(VersionRefused):
        load_network(path.parent, "text", runtime="keras")


def test_a_real_lambda_and_a_real_custom_class_are_refused(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="shop")
    class Custom(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    ids = keras.Input((3,), name="ids")
    for layer in (keras.layers.Lambda(lambda x: x, output_shape=(3,)), Custom()):
        keras.Model(ids, layer(ids)).save(tmp_path / "text.keras")
        with pytest.raises(VersionRefused, match=r"no network here has|custom class"):
            check_archive(tmp_path / "text.keras")


def test_an_unchanged_rewrite_is_accepted(folder: Path, tmp_path: Path) -> None:
    """So that the refusals above are for the change and not for the rewriting."""
    path = rewritten(folder, tmp_path, lambda config: None)
    np.testing.assert_array_equal(
        KerasNetwork.load(path).logits(INPUTS), load_network(folder, "text", runtime="keras").logits(INPUTS)
    )


@pytest.mark.parametrize("change", ["compressed", "extra member", "twice", "long config", "not json", "deep json"])
def test_an_odd_archive_is_refused(folder: Path, tmp_path: Path, change: str) -> None:
    members = [
        (name, zipfile.ZipFile(folder / "text.keras").read(name)) for name in ("metadata.json", "model.weights.h5")
    ]
    configs = {"long config": b"[" + b" " * 5_000_000 + b"]", "not json": b"\xff\xfe", "deep json": b"[" * 200_000}
    members.append(("config.json", configs.get(change, zipfile.ZipFile(folder / "text.keras").read("config.json"))))
    if change == "extra member":
        members.append(("assets/../../escape", b""))
    content = io.BytesIO()
    compression = zipfile.ZIP_DEFLATED if change == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
        if change == "twice":
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("config.json", b"{}")
    (tmp_path / "text.keras").write_bytes(content.getvalue())
    with pytest.raises(VersionRefused):
        load_network(tmp_path, "text", runtime="keras")
