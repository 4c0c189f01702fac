"""Settings of a process: environment variables only, every mistake named at once, secrets hidden."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

PREFIX = "PADLOCK_"
_TEST_PREFIX = "PADLOCK_TEST_"  # addresses that test runs use; a service started from such a shell ignores them

_SCHEMES = {"mongo_url": ("mongodb", "mongodb+srv"), "amqp_url": ("amqp", "amqps")}
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?$")]
"""An absolute http(s) address without a trailing slash, query or fragment."""


class SettingsError(Exception):
    """The environment does not describe a process that can run. `mistakes` has one line for each fault."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of `config`: the variable's name, its type, its default ("" where it is required), what it means."""

    name: str
    type: str
    default: str
    meaning: str
    required: bool


class BaseSettings(BaseModel):
    """What every service is told. A service adds its own fields, each with a docstring, in its `config.py`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True, validate_default=True
    )

    service: ClassVar[str] = ""
    purposes: ClassVar[tuple[str, ...]] = ()
    """Everything that this service opens personal values for; see `shared.personal`."""

    site_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,80}$")] = "www.tokyoflash.com"
    """The site's name as cookies carry it: __Host-<site_name>-session, -prefs, -remember."""
    shop_name: Annotated[str, StringConstraints(min_length=1, max_length=80)] = "Tokyoflash Japan"
    """The shop's name on pages and in mails."""
    shop_contact: str = "watches@example.com"
    """Where people write to."""
    time_zone: str = "Asia/Tokyo"
    """The shop's time zone: its calendar month counts for the newsletter cap."""
    public_url: HttpUrl
    """Where browsers reach the gateway, without a trailing slash."""
    http_host: str = "127.0.0.1"
    """Address to listen on."""
    http_port: Annotated[int, Field(ge=0, le=65535)]
    """Port to listen on; 0 takes a free one."""
    mongo_url: SecretStr
    """MongoDB, with this service's own user."""
    mongo_database: str = ""
    """This service's database; empty means the service's name."""
    mongo_keys_database: str = ""
    """The database of its data keys, to be backed up apart; empty means the former's name and `_keys`."""
    amqp_url: SecretStr
    """RabbitMQ, with this service's own user."""
    key_dir: Path
    """Directory of this service's private keys: <purpose>/<version>.key."""
    key_dir_is_private: bool = True
    """Whether keys that others can read are refused; false for Kubernetes secret volumes, which group may read."""
    seal_keys_dir: Path
    """Directory of every reader's public sealing keys: <service>/<version>.pub."""
    jwks_url: HttpUrl
    """Auth's key set, reached directly, not through the gateway."""
    traces_url: HttpUrl | Literal[""] = ""
    """Where spans go by OTLP/HTTP, such as http://collector:4318; empty records none."""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 1
    """The share of new traces that is recorded; who is asked within a trace follows whoever began it."""
    log_level: Annotated[str, StringConstraints(pattern="^(debug|info|warning|error)$")] = "info"
    """debug, info, warning or error."""
    shutdown_grace_s: Annotated[float, Field(ge=0, le=600)] = 10
    """Seconds that work in flight may take after SIGTERM."""
    clock_offset_s: float = 0
    """Seconds that this process's clock runs ahead, for rehearsals of another month."""
    body_limit_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 65536
    """The largest request body that is read."""

    @field_validator("mongo_database")
    @classmethod
    def _own_database(cls, name: str) -> str:
        return name or cls.service

    @field_validator("mongo_keys_database")
    @classmethod
    def _keys_apart(cls, name: str, info: ValidationInfo) -> str:
        service_database = info.data.get("mongo_database", cls.service)
        if name == service_database:
            raise ValueError("must be another one: a backup of the service's database must hold no data key")
        return name or f"{service_database}_keys"

    @field_validator("mongo_url", "amqp_url")
    @classmethod
    def _address(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        schemes = _SCHEMES[info.field_name or ""]
        scheme, _, rest = url.get_secret_value().partition("://")
        if scheme not in schemes or not rest.strip("/"):
            raise ValueError(f"must be an address that begins with {' or '.join(f'{each}://' for each in schemes)}")
        return url

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone") from None
        return name

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read `PADLOCK_<FIELD>`, or the file that `PADLOCK_<FIELD>_FILE` names (one trailing newline is dropped).

        Raises:
            SettingsError: every missing, malformed, doubled and unknown `PADLOCK_*` name; values are never repeated.
        """
        values: dict[str, str] = {}
        mistakes: list[str] = []
        for variable in sorted(environ):
            if variable.startswith(PREFIX) and not variable.startswith(_TEST_PREFIX):
                try:
                    field, value = cls._read(variable, environ)
                except ValueError as mistake:
                    mistakes.append(str(mistake))
                    continue
                values[field] = value
        known_faults = {mistake.partition(":")[0].removesuffix("_FILE") for mistake in mistakes}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            mistakes += [line for name, line in _lines(error) if name not in known_faults]
        if mistakes:
            raise SettingsError(mistakes)
        return settings

    @classmethod
    def _read(cls, variable: str, environ: Mapping[str, str]) -> tuple[str, str]:
        field = variable.removeprefix(PREFIX).lower()
        if field in cls.model_fields:
            return field, environ[variable]
        field = field.removesuffix("_file")
        if not variable.endswith("_FILE") or field not in cls.model_fields:
            raise ValueError(f"{variable}: no such setting")
        if PREFIX + field.upper() in environ:
            raise ValueError(f"{variable}: given both directly and as a file")
        try:
            return field, Path(environ[variable]).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f"{variable}: the file cannot be read ({type(error).__name__})") from None

    @classmethod
    def describe(cls) -> list[SettingRow]:
        """Every setting for `config`, in the order of declaration; defaults of secrets are not shown."""
        return [_row(name, field) for name, field in cls.model_fields.items()]


def _lines(error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_input=False, include_context=False, include_url=False):
        name = PREFIX + "_".join(map(str, fault["loc"])).upper()
        detail = "is required" if fault["type"] == "missing" else fault["msg"]
        yield name, f"{name}: {detail}"


def _row(name: str, field: FieldInfo) -> SettingRow:
    default = "" if field.default is PydanticUndefined else _shown(field.default)
    return SettingRow(PREFIX + name.upper(), _type_name(field.annotation), default, field.description or "",
                      field.is_required())  # fmt: skip


def _shown(value: Any) -> str:
    return "(hidden)" if isinstance(value, SecretStr) else str(value)


def _type_name(annotation: Any) -> str:
    if annotation is SecretStr:
        return "secret"
    return getattr(annotation, "__name__", str(annotation)) if isinstance(annotation, type) else str(annotation)
