"""Settings of the service: environment variables `PYKUTEN_<NAME>`, each with a type, a unit, a default and a reason."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.versions.store import DEFAULT_STORE
from service.errors import SettingsError

PREFIX = "PYKUTEN_"
SAMPLES = Path(__file__).resolve().parent / "samples" / "samples.csv"
KIB, MIB = 1024, 1024 * 1024
_DEFAULT_WORDS: dict[object, str] = {DEFAULT_STORE: "models/store", SAMPLES: "the samples", None: "none", (): "none"}
"""Defaults in words."""
_ORIGIN = re.compile(r"\*|https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def _setting(default: object, unit: str, reason: str, **constraints: Any) -> Any:
    return Field(default, description=reason, json_schema_extra={"unit": unit}, **constraints)


class Settings(BaseSettings):
    """Settings, read once at start. Limits are upper bounds: input over them is refused, never cut."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    host: str = _setting("127.0.0.1", "address", "Reachable from this machine only; a container sets 0.0.0.0.")
    port: int = _setting(8000, "port", "The usual port of Python web services.", ge=0, le=65535)
    store: Path = _setting(DEFAULT_STORE, "folder", "Where the versions lie; may be mounted read-only.")
    runtime: Literal["auto", "openvino", "keras"] = _setting(
        "auto", "name", "OpenVINO where the version carries it, several times faster than Keras."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "level", "One line a request; `warning` leaves those out."
    )

    workers: int = _setting(
        2, "threads", "Inference streams; as many as cores is best, more only add switching.", ge=1, le=64
    )
    gather: int = _setting(
        4, "listings", "Most waiting listings that a worker takes at once; gains end at 4 for photos.", ge=1, le=32
    )
    queue: int = _setting(
        128, "listings", "About half a second of work; a longer queue only makes every answer late.", ge=1
    )
    deadline_seconds: float = _setting(10, "seconds", "A form that waited longer has given up.", gt=0, le=600)
    batch_deadline_seconds: float = _setting(60, "seconds", "A full batch of photos on one slow core.", gt=0, le=3600)
    batch_listings: int = _setting(
        100, "listings", "Large enough to amortise a request, small enough to retry.", ge=1, le=10_000
    )
    batches: int = _setting(4, "requests", "Batches worked on at once; each adds a few chunks to the queue.", ge=1)
    streams: int = _setting(
        4, "requests", "NDJSON streams worked on at once; each holds two of the longest lines at most.", ge=1
    )
    explanations: int = _setting(
        2,
        "requests",
        "Explanations worked on at once; each costs as much as a hundred predictions.",
        ge=1,
    )
    catalogue: Path = _setting(
        SAMPLES,
        "file",
        "Labelled listings to browse: a config, or a CSV with photos in `images` beside it; seen by all who may ask.",
    )
    catalogue_sample_attempts: int = _setting(
        240,
        "listings",
        "Most that are asked about to find mistakes to show; about two seconds of photos.",
        ge=1,
    )
    stream_line_seconds: float = _setting(
        20, "seconds", "Time for a stream's next line, as for a request's body; slower ones are ended.", gt=0
    )
    stream_seconds: float = _setting(
        21_600, "seconds", "Longest stream: a million photos at 50 a second; it goes on in another request.", gt=0
    )

    text_body_bytes: int = _setting(
        2 * MIB, "bytes", "Two fields of 20,000 characters take at most 480 kB; longer ones should be told so.", ge=KIB
    )
    photo_bytes: int = _setting(
        10 * MIB,
        "bytes",
        "Largest photo file, or all of a listing, and the decoder's own limit; phones make 3 to 6 MB.",
        ge=KIB,
        le=10 * MIB,
    )
    batch_body_bytes: int = _setting(32 * MIB, "bytes", "100 photos of 240 kB in base64; most have 50 kB.", ge=KIB)
    bodies_bytes: int = _setting(
        256 * MIB, "bytes", "All request bodies in memory together; beyond it requests get 503.", ge=KIB
    )
    part_bytes: int = _setting(
        256 * KIB, "bytes", "Largest text part of a form: 20,000 characters are at most 80 kB.", ge=KIB
    )
    form_fields: int = _setting(16, "parts", "A listing has three text fields.", ge=1)
    form_files: int = _setting(2, "names", "A listing's photos have one name; the second gets the clearer error.", ge=1)

    head_seconds: float = _setting(10, "seconds", "Time for a request's head; slower connections are closed.", gt=0)
    body_seconds: float = _setting(
        20, "seconds", "Time for a request's body: 10 MB at 4 Mbit/s; slower gets 408.", gt=0
    )
    read_seconds: float = _setting(
        20, "seconds", "Time for a client to read what was sent to it; slower connections are closed.", gt=0
    )
    head_bytes: int = _setting(32 * KIB, "bytes", "Request line and headers together, what proxies allow too.", ge=KIB)
    keep_alive_seconds: int = _setting(20, "seconds", "Idle connections are closed after this.", ge=1)

    poll_seconds: float = _setting(
        2, "seconds", "How often the store is asked which version is current; one small read.", gt=0
    )
    versions_mb: int = _setting(
        512, "MB", "For all loaded versions (estimated); the shipped one takes 210, and is never put out.", ge=1
    )
    version_idle_seconds: float = _setting(
        600, "seconds", "A version that was asked for by name is kept so long after the last time.", gt=0
    )
    drain_seconds: float = _setting(
        3, "seconds", "After SIGTERM, how long readiness says 503 before the port closes.", ge=0, le=20
    )
    shutdown_seconds: int = _setting(
        20, "seconds", "Longest wait for requests in flight; supervisors kill at 30.", ge=1, le=3600
    )

    api_keys_file: Path | None = _setting(
        None, "file", "Who may ask, one JSON line a key (`python -m service key NAME`); without it, everybody may."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = _setting(
        (), "origins", "Sites whose scripts may call from a browser, with commas between; a form's backend needs none."
    )
    metrics: Literal["open", "key", "off"] = _setting(
        "open", "access", "`key` asks for an API key with the scope `metrics`: counts by category are business figures."
    )
    telemetry: bool = _setting(
        False, "switch", "OpenTelemetry traces, to where `OTEL_EXPORTER_OTLP_ENDPOINT` says; costs each request time."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
        if not all(_ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("an origin is * or like https://shop.example:8443, without a path")
        return origins

    @field_validator("bodies_bytes")
    @classmethod
    def _room_for_each(cls, value: int, info: ValidationInfo) -> int:
        """A body that can never be held would be answered with Retry-After for ever."""
        limits = info.data
        if "batch_body_bytes" in limits and value < limits["batch_body_bytes"]:
            raise ValueError("it must be at least PYKUTEN_BATCH_BODY_BYTES")
        if "photo_bytes" in limits and "text_body_bytes" in limits and value < _json_photo_bytes(**limits):
            raise ValueError("it must be at least PYKUTEN_PHOTO_BYTES * 4 / 3 + PYKUTEN_TEXT_BODY_BYTES")
        return value

    @property
    def form_body_bytes(self) -> int:
        """A photo, its text fields, and the form around them."""
        return self.photo_bytes + self.text_body_bytes

    @property
    def json_photo_body_bytes(self) -> int:
        """A photo in base64 (4 bytes for 3) and its text fields."""
        return _json_photo_bytes(self.photo_bytes, self.text_body_bytes)

    @classmethod
    def read(cls, **overrides: object) -> Settings:
        """Settings from the environment; `overrides` (the command line's) come first.

        Raises SettingsError, which names the variable, on a PYKUTEN_ variable that is unknown or has a bad value.
        """
        names = {PREFIX + name.upper() for name in cls.model_fields}
        unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in names)
        if unknown:
            raise SettingsError(f"{unknown[0]} is not a setting; docs/settings.md lists them all")
        try:
            return cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsError(f"{name}: {first['msg']}") from error


def _json_photo_bytes(photo_bytes: int, text_body_bytes: int, **_others: object) -> int:
    return photo_bytes * 4 // 3 + text_body_bytes


def settings_table() -> str:
    """All settings as the Markdown table that docs/settings.md shows."""
    lines = ["| variable | unit | default | why |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        unit = extra["unit"] if isinstance(extra, dict) else ""
        default = _DEFAULT_WORDS.get(field.default, field.default)
        lines.append(f"| `{PREFIX}{name.upper()}` | {unit} | `{default}` | {field.description} |")
    return "\n".join(lines)
