"""MLServer: a custom runtime of the V2 protocol, in inference worker processes."""

from __future__ import annotations

import json
from typing import Any

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from tests.benchmark.rivals.work import answers, listing_of, predictor


class Predict(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        predictor()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        bodies: list[Any] = StringCodec.decode_input(payload.inputs[0])
        found = answers([listing_of(json.loads(body)) for body in bodies])
        return InferenceResponse(
            model_name=self.name,
            outputs=[StringCodec.encode_output("answers", [json.dumps(answer) for answer in found])],
        )
