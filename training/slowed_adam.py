"""Adam with a smaller learning rate for some variables: pretrained ones, beside new ones that know nothing yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True, slots=True, eq=False)
class Slowed:
    """Variables of a network and the share of the learning rate that they get, more than 0 and at most 1."""

    variables: Sequence[keras.Variable]
    share: float


class SlowedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam with decoupled weight decay; slowed variables do not decay, for that would undo their pretraining."""

    def __init__(self, learning_rate: Any, weight_decay: float, slowed: Slowed) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay or None)
        self._share = slowed.share
        self._slowed = frozenset(self._var_key(variable) for variable in slowed.variables)
        self.exclude_from_weight_decay(var_list=list(slowed.variables))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable, which Keras calls for each."""
        share = self._share if self._var_key(variable) in self._slowed else 1.0
        super().update_step(gradient, variable, learning_rate * share)
