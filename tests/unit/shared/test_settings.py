from typing import ClassVar

import pytest
from pydantic import SecretStr

from shared.settings import BaseSettings, SettingsError


class ShopSettings(BaseSettings):
    service: ClassVar[str] = "orders"

    api_token: SecretStr = SecretStr("hush")
    """What the example needs."""


GOOD = {
    "PADLOCK_PUBLIC_URL": "https://localhost:8443",
    "PADLOCK_HTTP_PORT": "8101",
    "PADLOCK_MONGO_URL": "mongodb://orders:hidden@127.0.0.1/",
    "PADLOCK_AMQP_URL": "amqp://orders:hidden@127.0.0.1/",
    "PADLOCK_KEY_DIR": "/keys",
    "PADLOCK_SEAL_KEYS_DIR": "/public",
    "PADLOCK_JWKS_URL": "http://127.0.0.1:8100/.well-known/jwks.json",
}


def mistakes(environ):
    with pytest.raises(SettingsError) as caught:
        ShopSettings.from_env(environ)
    return caught.value.mistakes


def test_settings_come_from_the_environment_with_defaults():
    settings = ShopSettings.from_env(GOOD | {"PATH": "/bin", "PADLOCK_SHUTDOWN_GRACE_S": "2.5"})

    assert (settings.http_port, settings.shutdown_grace_s, settings.site_name) == (8101, 2.5, "www.tokyoflash.com")


def test_the_database_is_named_after_the_service_unless_told():
    assert ShopSettings.from_env(GOOD).mongo_database == "orders"
    assert ShopSettings.from_env(GOOD | {"PADLOCK_MONGO_DATABASE": "rehearsal"}).mongo_database == "rehearsal"


def test_every_mistake_is_named_at_once_and_no_value_is_repeated():
    lines = mistakes({"PADLOCK_HTTP_PORT": "secret-port", "PADLOCK_PUBLIC_URL": "https://x/", "PADLOCK_COLOR": "red"})

    named = {line.partition(":")[0] for line in lines}
    assert named == (set(GOOD) | {"PADLOCK_COLOR"})
    assert "secret-port" not in "\n".join(lines)


def test_a_secret_may_come_from_a_file(tmp_path):
    file = tmp_path / "url"
    file.write_text("mongodb://from-file/\n")
    environ = {name: value for name, value in GOOD.items() if name != "PADLOCK_MONGO_URL"}

    settings = ShopSettings.from_env(environ | {"PADLOCK_MONGO_URL_FILE": str(file)})

    assert settings.mongo_url.get_secret_value() == "mongodb://from-file/"


def test_a_value_given_twice_is_a_mistake():
    assert mistakes(GOOD | {"PADLOCK_MONGO_URL_FILE": "/nowhere"}) == [
        "PADLOCK_MONGO_URL_FILE: given both directly and as a file"
    ]


def test_a_file_that_is_not_there_is_one_mistake_not_two():
    environ = {name: value for name, value in GOOD.items() if name != "PADLOCK_MONGO_URL"}

    [line] = mistakes(environ | {"PADLOCK_MONGO_URL_FILE": "/nowhere/at/all"})

    assert line == "PADLOCK_MONGO_URL_FILE: the file cannot be read (FileNotFoundError)"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_an_unknown_time_zone_is_a_mistake(zone):
    [line] = mistakes(GOOD | {"PADLOCK_TIME_ZONE": zone})

    assert line.startswith("PADLOCK_TIME_ZONE: ")


def test_addresses_of_test_runs_are_ignored():
    assert ShopSettings.from_env(GOOD | {"PADLOCK_TEST_MONGO": "mongodb://t"}).http_port == 8101


def test_the_description_has_meanings_and_hides_secrets():
    rows = {row.name: row for row in ShopSettings.describe()}

    assert all(row.meaning for row in rows.values())
    assert rows["PADLOCK_HTTP_PORT"].required
    assert (rows["PADLOCK_API_TOKEN"].type, rows["PADLOCK_API_TOKEN"].default) == ("secret", "(hidden)")
    assert rows["PADLOCK_LOG_LEVEL"].default == "info"


def test_settings_do_not_print_secrets():
    assert "hidden" not in repr(ShopSettings.from_env(GOOD))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("MONGO_URL", "https://shop:Xq7canary@db", "mongodb:// or mongodb+srv://"),
        ("MONGO_URL", "mongodb://", "mongodb:// or mongodb+srv://"),
        ("MONGO_URL", "Xq7canary", "mongodb:// or mongodb+srv://"),
        ("AMQP_URL", "mongodb://shop:Xq7canary@db", "amqp:// or amqps://"),
        ("AMQP_URL", "", "amqp:// or amqps://"),
    ],
)
def test_an_address_of_another_kind_is_a_mistake_and_is_not_repeated(name: str, value: str, wanted: str) -> None:
    [line] = mistakes(GOOD | {f"PADLOCK_{name}": value})

    assert line == f"PADLOCK_{name}: Value error, must be an address that begins with {wanted}"
