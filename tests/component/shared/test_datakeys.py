import pytest

from shared.datakeys import MongoDataKeys
from shared.mongo import Database, beside
from shared.testing.suites.datakeys import DataKeysSuite


class TestMongoDataKeys(DataKeysSuite):
    @pytest.fixture
    def store(self, database: Database) -> MongoDataKeys:
        return MongoDataKeys(beside(database, f"{database.name}_keys"))
