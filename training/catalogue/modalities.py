"""The networks that a catalogue can fit: those of modalities that it lacks are absent, and that is said."""

from __future__ import annotations

from pathlib import Path

from training.catalogue.check import readable_text
from training.catalogue.dataset import Catalogue
from training.config.run import RunConfig
from training.errors import CatalogueRefused


def with_evidence(config: RunConfig, catalogue: Catalogue) -> RunConfig:
    """The config without the network for texts where no row has text, or for photos where no row names one.

    Raises CatalogueRefused when nothing is left to learn from, or when photos are named and not one of them is there.
    """
    images = catalogue.rows["image"]
    named = images[images.ne("")]
    if config.image.network != "none" and len(named) and not any(Path(path).is_file() for path in named):
        raise CatalogueRefused(
            [
                f"{catalogue.name}: not one of {len(named):,} photos is found; {catalogue.why_missing}. Mend "
                'catalogue.images or the image column, or write [image] network = "none" to train on text alone'
            ]
        )
    there = {"text": bool(readable_text(catalogue.rows).any()), "image": bool(len(named))}
    kept = [section for section, is_there in there.items() if is_there and getattr(config, section).network != "none"]
    if not kept:
        nouns = {"text": "text", "image": "a photo"}
        wanted = " or ".join(noun for section, noun in nouns.items() if getattr(config, section).network != "none")
        raise CatalogueRefused([f"{catalogue.name}: nothing to learn from: no row has {wanted}"])
    absent = {section: getattr(config, section).model_copy(update={"network": "none"}) for section in there}
    return config.model_copy(update={section: none for section, none in absent.items() if section not in kept})


def absence_notes(config: RunConfig, fitted: RunConfig) -> list[str]:
    """Sentences about the networks of `config` that `with_evidence` took out."""
    nouns = {"text": ("", "text"), "image": ("a ", "photo")}
    return [
        f"no row has {article}{noun}: no {noun} network is fitted"
        for section, (article, noun) in nouns.items()
        if getattr(config, section).network != getattr(fitted, section).network
    ]
