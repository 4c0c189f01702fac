"""The contract is valid OpenAPI 3.1, says what the edge does, and can be read by people."""

import re
from html.parser import HTMLParser

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.http.openapi import openapi_document
from shared.http.routes import Route
from tests.unit.shared.shop import Shop


@pytest.fixture
def document():
    return openapi_document("orders", Shop().routes())


def test_the_document_is_valid(document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["openapi"].startswith("3.1")


def test_requests_and_answers_come_from_the_types(document):
    operation = document["paths"]["/api/orders"]["post"]
    schemas = document["components"]["schemas"]

    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/OrderRequest")
    assert schemas["OrderRequest"]["additionalProperties"] is False
    assert "at" in schemas["OrderView"]["required"]
    assert "contact" in schemas["OrderView"]["required"]  # always there in an answer, though it has a default


def test_refusals_are_declared_with_their_codes(document):
    responses = document["paths"]["/api/orders"]["post"]["responses"]

    assert {"201", "400", "403", "409", "413", "415", "422", "429", "503"} <= set(responses)
    assert responses["409"]["description"] == "sold-out"
    assert "application/problem+json" in responses["409"]["content"]


def test_who_may_ask_is_declared(document):
    desk = document["paths"]["/api/orders/desk"]["get"]

    assert desk["security"] == [{"session": []}]
    assert "support" in desk["description"]
    assert "security" not in document["paths"]["/api/orders"]["get"]


def test_parameters_of_path_query_and_header_are_declared(document):
    listed = {p["name"]: p for p in document["paths"]["/api/orders"]["get"]["parameters"]}
    posted = document["paths"]["/api/orders"]["post"]["parameters"]
    one = document["paths"]["/api/orders/{id}"]["get"]["parameters"]

    assert (listed["limit"]["in"], listed["limit"]["required"], listed["limit"]["schema"]["maximum"]) == (
        "query", False, 100,
    )  # fmt: skip
    assert listed["limit"]["description"] == "How many at most."
    assert [(p["name"], p["in"]) for p in posted] == [("Idempotency-Key", "header")]
    assert [(p["name"], p["in"], p["required"]) for p in one] == [("id", "path", True)]
    assert "ListQuery" not in document["components"]["schemas"]


async def test_the_document_is_served(client, document):
    response = await client.get("/api/orders/openapi.json")

    assert await response.json() == document


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.tags, self.ids, self.styled = [], set(), set(), False

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.add(tag)
        self.targets += [values[name] for name in ("href", "src", "action") if name in values]
        self.ids.add(values.get("id"))
        self.styled = self.styled or "style" in values


async def test_the_docs_page_shows_every_operation_without_script_or_other_host(client, document):
    response = await client.get("/api/orders/docs")

    text = await response.text()
    links = Links()
    links.feed(text)
    assert response.status == 200
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert not links.tags & {"script", "style", "iframe"}
    assert not links.styled
    assert all(target.startswith(("/", "#", "data:,")) for target in links.targets)
    assert {target[1:] for target in links.targets if target.startswith("#")} <= links.ids
    assert not re.search(r"https?://", text)


async def test_a_refusal_without_a_detail_is_a_problem_as_the_contract_says(client, document):
    problem = await (await client.get("/nowhere")).json()

    schema = document["components"]["schemas"]["Problem"]
    assert "detail" not in problem
    assert set(schema["required"]) <= set(problem) <= set(schema["properties"])


def test_a_body_that_is_no_json_is_said_to_be_binary():
    route = Route("GET", "/api/orders/copy", _never, "A copy", answers={200: "application/zip"})
    document = openapi_document("orders", [route])

    answer = document["paths"]["/api/orders/copy"]["get"]["responses"]["200"]
    assert answer["content"] == {"application/zip": {"schema": {"type": "string", "format": "binary"}}}


async def _never(_call):
    raise NotImplementedError
