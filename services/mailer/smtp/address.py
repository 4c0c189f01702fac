"""Where the relay is: the one line of settings that names it, taken apart."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from shared.secrets import Secret

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay and how to speak to it. `user` empty means without login, `ca_file` the system's certificates."""

    host: str
    port: int
    scheme: str = "smtp"
    user: str = ""
    password: Secret[str] = field(default_factory=lambda: Secret(""))
    ca_file: str = ""

    @classmethod
    def parse(cls, url: str, *, ca_file: str = "") -> "RelayAddress":
        """Read `smtp://host[:port]`, `smtp+starttls://[user:password@]host[:port]` or `smtps://…`.

        Raises:
            ValueError: malformed, or a password that would travel in clear.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("must be smtp://, smtp+starttls:// or smtps:// with a host and perhaps a port")
        if parts.username and parts.scheme == "smtp":
            raise ValueError("a login needs smtp+starttls:// or smtps://")
        port = parts.port or _PORTS[parts.scheme]
        password = Secret(unquote(parts.password or ""))
        return cls(parts.hostname, port, parts.scheme, unquote(parts.username or ""), password, ca_file)

    @property
    def is_encrypted_at_once(self) -> bool:
        """TLS from the first byte."""
        return self.scheme == "smtps"

    @property
    def wants_starttls(self) -> bool:
        """TLS by STARTTLS, or no mail."""
        return self.scheme == "smtp+starttls"

    def tls(self) -> ssl.SSLContext:
        """Verified certificates and, below TLS 1.3, 256-bit suites only; `wire` looks at what TLS 1.3 agreed on."""
        return strict_context(self.ca_file)


def strict_context(ca_file: str) -> ssl.SSLContext:
    """For a client: verified certificates and, below TLS 1.3, 256-bit suites only."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES256+AESGCM:ECDHE+CHACHA20")
    return context
