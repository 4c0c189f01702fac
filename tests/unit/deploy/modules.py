"""A service as its command line knows it."""

from importlib import import_module
from typing import Any

from shared.service import Service


def service_of(name: str) -> Service[Any, Any]:
    found: Service[Any, Any] = import_module(f"services.{name}.service").SERVICE
    return found
