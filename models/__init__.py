"""What a model is: listings, preprocessing, versions on disk, their predictor. No web, no training code."""

from models.errors import PykutenError
from models.listing import Case, Listing, Modality
from models.prediction import Prediction
from models.predictor import Predictor
from models.store import Store

__all__ = ["Case", "Listing", "Modality", "Prediction", "Predictor", "PykutenError", "Store"]
