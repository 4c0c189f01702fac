"""Second factors as a part of the account's document."""

from services.auth.factors.domain import NO_FACTORS, Authenticator, Factors, Passkey
from shared.mongo import Document


def factors_fields(factors: Factors) -> Document:
    """The sub-document."""
    own = factors.authenticator
    return {
        "authenticator": None if own is None else _authenticator_fields(own),
        "offered": factors.offered,
        "recovery": list(factors.recovery),
        "passkeys": [_passkey_fields(each) for each in factors.passkeys],
    }


def _authenticator_fields(own: Authenticator) -> Document:
    return {"secret": own.secret, "last_step": own.last_step, "added_at": own.added_at}


def read_factors(document: Document | None) -> Factors:
    """Undo `factors_fields`."""
    if document is None:
        return NO_FACTORS
    own, offered = document["authenticator"], document["offered"]
    return Factors(
        authenticator=None if own is None else _authenticator(own),
        offered=None if offered is None else bytes(offered),
        recovery=tuple(bytes(each) for each in document["recovery"]),
        passkeys=tuple(_passkey(each) for each in document["passkeys"]),
    )


def _authenticator(document: Document) -> Authenticator:
    return Authenticator(bytes(document["secret"]), document["last_step"], document.get("added_at"))


def _passkey_fields(passkey: Passkey) -> Document:
    return {
        "id": passkey.id,
        "public_key": passkey.public_key,
        "sign_count": passkey.sign_count,
        "name": passkey.name,
        "created_at": passkey.created_at,
        "used_at": passkey.used_at,
    }


def _passkey(document: Document) -> Passkey:
    return Passkey(
        id=bytes(document["id"]),
        public_key=bytes(document["public_key"]),
        sign_count=document["sign_count"],
        name=bytes(document["name"]),
        created_at=document["created_at"],
        used_at=document["used_at"],
    )
