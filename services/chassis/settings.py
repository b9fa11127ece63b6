"""Settings every service has, and how they are read: from the environment, and from files for secrets.

A setting ``X`` may be given as ``BOARDCAST_X`` or, for secrets above all, as ``BOARDCAST_X_FILE`` that names a file
with the value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from services.chassis.bus.address import parse_addresses
from services.chassis.bus.sqs.address import is_sqs, parse_sqs
from services.chassis.log import LogFormat

PREFIX = "BOARDCAST_"
NO_STATE_BUS = "none"
T = TypeVar("T", bound="ChassisSettings")


class BadSettings(ValueError):
    """Settings that cannot be used; the text says for each which one, why and what to do."""


class ChassisSettings(BaseSettings):
    """What every service is told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    bus_url: str = Field(
        default="mqtt://localhost:1883",
        description="Brokers, tried in turn: comma-separated mqtt://host[:port] or mqtts://host[:port]; "
        "or sqs://REGION/PREFIX.",
    )
    state_bus_url: str | None = Field(
        default=None,
        description="With sqs://, which cannot carry them: MQTT brokers for states and events, or none.",
    )
    sqs_endpoint: str | None = Field(
        default=None, description="With sqs://: http(s) address of another SQS than AWS's."
    )
    bus_username: str | None = Field(default=None, description="User name at the broker.")
    bus_password: SecretStr | None = Field(default=None, description="Password at the broker.")
    bus_ca_file: Path | None = Field(
        default=None, description="Certificate authority for mqtts://, where the system's are not enough."
    )
    topic_root: str = Field(
        default="boardcast",
        pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*$",
        description="First part of every topic; several stacks share a broker by differing in it.",
    )
    data_dir: Path = Field(default=Path("data"), description="Folder for this service's database.")
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="text, json, or auto: text on a terminal and JSON elsewhere."
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="Least level logged.")

    @field_validator("bus_url")
    @classmethod
    def _known_addresses(cls, value: str) -> str:
        if is_sqs(value):
            parse_sqs(value)
        else:
            parse_addresses(value)
        return value

    @field_validator("state_bus_url")
    @classmethod
    def _known_state_addresses(cls, value: str | None) -> str | None:
        if value is not None and value != NO_STATE_BUS:
            parse_addresses(value)
        return value

    @field_validator("sqs_endpoint")
    @classmethod
    def _endpoint_without_credentials(cls, value: str | None) -> str | None:
        if value is not None and "@" in value:  # it is shown by `check`, and SQS takes none this way
            raise ValueError("an endpoint carries credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _ValueFiles(settings_cls), dotenv_settings

    def missing(self) -> list[str]:
        """What still has to be set before the service can do its work, each with what to do; for services to add to."""
        return []


class _ValueFiles(PydanticBaseSettingsSource):
    """Values from the files named by ``BOARDCAST_<SETTING>_FILE``."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(
                f"{PREFIX}{field_name.upper()}_FILE names {path}, which cannot be read: {error}"
            ) from error
        if not text:
            raise BadSettings(f"{PREFIX}{field_name.upper()}_FILE names {path}, which is empty")
        return text, field_name, self.field_is_complex(field)

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, is_complex = self.get_field_value(field, name)
            if value is None:
                continue
            try:
                found[name] = self.prepare_field_value(name, field, value, is_complex)
            except ValueError as error:
                # Without a word of the file: it may well be the wrong one.
                raise BadSettings(
                    f"{PREFIX}{name.upper()}_FILE names a file that cannot be understood; "
                    "lists and tables are written as JSON"
                ) from error
        return found


def load(kind: type[T]) -> T:
    """The effective settings. Raises BadSettings with one line for every setting that is wrong."""
    try:
        return kind()
    except ValidationError as error:
        raise BadSettings("\n".join(map(_wrong, error.errors(include_url=False, include_input=False)))) from error
    except SettingsError as error:
        raise BadSettings(f"{error}; lists and tables are written as JSON") from error


def _wrong(error: ErrorDetails) -> str:
    """What is wrong with one setting, or with several together: then the text alone says which."""
    text = error["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{str(error['loc'][0]).upper()}: {text}" if error["loc"] else text


def describe(settings: ChassisSettings) -> list[str]:
    """The effective settings as lines ``NAME=value``, secrets masked."""
    return [f"{PREFIX}{name.upper()}={_shown(getattr(settings, name))}" for name in type(settings).model_fields]


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    return "" if value is None else str(value)
