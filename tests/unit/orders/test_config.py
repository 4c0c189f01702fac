from pathlib import Path

import pytest

from services.orders.config import Settings
from shared.settings import SettingsError

ENVIRON = {
    "PADLOCK_PUBLIC_URL": "https://localhost:8443", "PADLOCK_HTTP_PORT": "0", "PADLOCK_MONGO_URL": "mongodb://unused",
    "PADLOCK_AMQP_URL": "amqp://unused", "PADLOCK_KEY_DIR": "unused", "PADLOCK_SEAL_KEYS_DIR": "unused",
    "PADLOCK_JWKS_URL": "http://unused",
}  # fmt: skip


def test_the_sandbox_needs_no_secret() -> None:
    assert Settings.from_env(ENVIRON).payment_provider == "sandbox"


def test_stripe_needs_its_secrets_and_each_is_named() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(ENVIRON | {"PADLOCK_PAYMENT_PROVIDER": "stripe"})

    assert [mistake.partition(":")[0] for mistake in refused.value.mistakes] == [
        "PADLOCK_STRIPE_API_KEY", "PADLOCK_STRIPE_WEBHOOK_SECRET",
    ]  # fmt: skip


def test_stripes_secrets_may_be_files_and_are_not_shown(tmp_path: Path) -> None:
    for name in ("key", "webhook"):
        (tmp_path / name).write_text(f"the-{name}\n")

    settings = Settings.from_env(ENVIRON | {
        "PADLOCK_PAYMENT_PROVIDER": "stripe",
        "PADLOCK_STRIPE_API_KEY_FILE": str(tmp_path / "key"),
        "PADLOCK_STRIPE_WEBHOOK_SECRET_FILE": str(tmp_path / "webhook"),
    })  # fmt: skip

    assert settings.stripe_api_key.get_secret_value() == "the-key"
    assert "the-" not in repr(settings)
