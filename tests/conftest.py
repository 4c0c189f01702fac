"""For all tests: generated examples are judged by what they find, never by how long a busy machine takes for them."""

from hypothesis import HealthCheck, settings

settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
