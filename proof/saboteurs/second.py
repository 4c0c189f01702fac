"""Switches of claims, photos, one's own data, guessing, and what staff see."""

from proof.saboteurs.deadletter import a_dead_letter
from proof.saboteurs.first import COOKIES, GUESSING, JOURNEY, LEFT, OUTSIDE, OWN, REMEMBER, STRANGERS
from proof.saboteurs.switch import Switch, by_gateway, by_service

CLAIMED, PHOTOS, HANDED_ON, OWN_DATA = (
    f"{JOURNEY}{name}.py::" for name in ("test_claims", "test_photos", "test_transfers", "test_my_data")
)

SECOND: tuple[Switch, ...] = (
    by_gateway(
        "listens_elsewhere", "ssl default_server;", "ssl default_server; listen 127.0.0.2:39281 ssl;",
        f"{JOURNEY}test_p01_listeners.py::"
        "test_every_listener_is_on_this_machine_alone_and_the_gateways_is_encrypted",
    ),
    Switch(
        "shows_anothers_certificate", (f"{OUTSIDE}test_p01_connection.py::test_the_certificate_holds_for_the_name",),
        gateway={"/tls/server.pem": "/tls/ca.pem", "/tls/server.key": "/tls/ca.key"},
    ),
    by_service("auth", "any_code_is_a_preference", f"{COOKIES}test_only_codes_of_the_closed_list_are_preferences"),
    by_service(
        "auth", "altered_cookies_are_good_enough",
        f"{REMEMBER}test_flipped_bits_another_series_and_nonsense_open_nothing",
    ),
    by_service(
        "mailer", "everybody_is_staff", f"{JOURNEY}test_identity.py::test_each_staff_role_reaches_its_own_desk_only",
        f"{OWN}test_each_role_reaches_what_its_contract_says_and_nothing_else",
    ),
    by_service(
        "orders", "unsigned_identities_are_believed",
        f"{JOURNEY}test_p20_around_the_gateway.py::test_no_identity_of_ones_own_opens_any_operation_of_any_service",
    ),
    by_service("orders", "guests_are_let_in", f"{OWN}test_each_role_reaches_what_its_contract_says_and_nothing_else"),
    by_service(
        "mailer", "stumbles_over_links",
        f"{STRANGERS}test_a_program_that_looks_at_links_is_answered_and_nothing_more",
    ),
    by_service(
        "orders", "shows_staff_the_card",
        f"{JOURNEY}test_p12_no_digits.py::test_no_route_shows_staff_a_digit_of_a_card",
    ),
    by_service("orders", "charges_what_nobody_ordered", f"{LEFT}test_the_providers_book_and_the_orders_agree"),
    by_service(
        "warranty", "decides_as_often_as_asked",
        f"{CLAIMED}test_a_refund_goes_through_orders_and_closes_the_claim_once",
    ),
    by_service(
        "warranty", "approves_and_asks_nobody",
        f"{CLAIMED}test_a_refund_goes_through_orders_and_closes_the_claim_once",
        f"{CLAIMED}test_a_replacement_is_shipped_and_takes_the_cover_over",
    ),
    by_service("warranty", "days_in_repair_are_lost", f"{CLAIMED}test_a_repair_from_claim_to_return_with_its_mails"),
    by_service(
        "warranty", "hands_on_the_former_owners_things",
        f"{HANDED_ON}test_a_watch_is_handed_on_and_its_new_owner_claims_a_repair",
    ),
    by_service(
        "warranty", "keeps_photos_as_they_came",
        f"{PHOTOS}test_a_photo_goes_through_the_gateway_as_pixels_and_lies_sealed",
    ),
    by_service(
        "auth", "leaves_the_others_out_of_the_copy", f"{OWN_DATA}test_a_copy_has_what_all_four_services_hold",
        f"{PHOTOS}test_ones_copy_has_the_photo_and_an_erasure_leaves_none",
    ),
    by_service("auth", "anybody_fetches_a_copy", f"{OWN_DATA}test_another_account_cannot_fetch_it"),
    by_service(
        "auth", "erases_only_here", f"{OWN_DATA}test_an_erasure_reaches_all_four_and_comes_back_with_a_receipt",
    ),
    by_service(
        "auth", "counts_tries_wrongly",
        f"{GUESSING}test_of_two_thousand_guesses_from_two_hundred_networks_ten_are_tried",
    ),
    by_service(
        "auth", "unknown_addresses_are_quicker", f"{GUESSING}test_a_known_address_takes_as_long_as_an_unknown_one",
    ),
    Switch("gives_a_message_up", (f"{LEFT}test_nothing_waits_and_nothing_was_given_up",), around=a_dead_letter),
)  # fmt: skip
