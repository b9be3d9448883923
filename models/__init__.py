"""The kernel: listings, preprocessing, versions on disk and their predictor. No web, no training code."""

from models.decision.prediction import Prediction
from models.errors import PykutenError
from models.listing import Evidence, Listing, Modality
from models.predictor import Predictor
from models.versions.store import Store

__all__ = ["Evidence", "Listing", "Modality", "Prediction", "Predictor", "PykutenError", "Store"]
