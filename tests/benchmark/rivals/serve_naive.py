"""What a team would otherwise write: FastAPI around `model.predict` of the Keras networks, one thread a request."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import uvicorn
from fastapi import FastAPI, Form, UploadFile

from models.listing import Listing, Modality
from models.predictor import Predictor
from tests.benchmark.rivals.work import FOLDER, answer_of


class Predicting:
    """A network of Keras as the runtime's interface wants it, by `model.predict`."""

    precision = "f32"
    runtime = "keras"

    def __init__(self, path: Path) -> None:
        self._model = keras.saving.load_model(path, compile=False)
        self._inputs = {node.name: np.dtype(node.dtype) for node in self._model.inputs}
        self.input_names = tuple(self._inputs)
        self.classes = int(self._model.outputs[0].shape[1])

    def logits(self, inputs: Any) -> Any:
        feed = {name: np.asarray(inputs[name], dtype) for name, dtype in self._inputs.items()}
        return self._model.predict(feed, verbose=0)


def create_app(folder: Path) -> FastAPI:
    predictor = Predictor.load(folder, verify=False)
    networks = {modality: Predicting(folder / f"{modality.value}.keras") for modality in Modality}
    object.__setattr__(predictor.networks, "by_modality", networks)
    app = FastAPI()

    @app.post("/predict/image")
    def predict_image(image: UploadFile) -> dict[str, Any]:
        return answer_of(predictor.predict(Listing(image=image.file.read())))

    @app.post("/predict")
    def predict(
        image: UploadFile, designation: Annotated[str, Form()] = "", description: Annotated[str, Form()] = ""
    ) -> dict[str, Any]:
        return answer_of(predictor.predict(Listing(designation, description, image.file.read())))

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(Path(os.environ[FOLDER])), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
