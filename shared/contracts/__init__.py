"""The events that each service promises, one module per publisher. JSON Schema and AsyncAPI come from here."""

from shared.contracts import auth, mailer, orders, warranty
from shared.events import Contract

CONTRACTS: dict[str, type[Contract]] = {
    contract.TYPE: contract for publisher in (auth, orders, mailer, warranty) for contract in publisher.CONTRACTS
}
"""Every released event by its type."""
