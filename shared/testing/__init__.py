"""What tests use in place of the world: doubles, and the contract suites that keep them honest.

A double keeps in memory what the real one keeps elsewhere. Both pass the suite of their Protocol in `suites/`, a class
to inherit from; the heir says in one fixture how an empty one is made:

    class TestFileKeys(KeyProviderSuite):
        @pytest.fixture
        def provider(self, tmp_path): return FileKeys(tmp_path / "keys")
"""
