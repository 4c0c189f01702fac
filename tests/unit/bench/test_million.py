from bench.million import Sample, _people, figures


def test_memory_is_read_at_the_start_at_its_peak_and_in_the_last_tenth():
    samples = [
        Sample(0.0, 1, 80.0, 1.0), Sample(1.0, 150, 90.0, 1.1), Sample(5.0, 500, 140.0, 1.5),
        Sample(9.0, 900, 100.0, 1.9), Sample(10.0, 1001, 95.0, 2.0),
    ]  # fmt: skip

    assert figures(samples, 1000) == (140.0, 90.0, 100.0, 100.0, 1.0)


def test_keys_are_in_the_order_of_the_addresses_and_spread_over_all_that_there_are():
    people = list(_people(1000))

    keys = [key for key, _, _ in people]
    assert keys == sorted(keys)
    assert {key[0] for key in keys} == set("0123456789abcdef")
    assert {len(key) for key in keys} == {32}
