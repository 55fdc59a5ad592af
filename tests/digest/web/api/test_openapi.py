"""The description of the API: complete, and its examples are accepted."""

from __future__ import annotations

from digest.services.security import api_tokens
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import Browser

pytestmark = MAINLY_SQLITE


def test_the_description_is_openapi_3_1_and_names_every_problem_once(web: Browser) -> None:
    schema = web.get("/api/v1/openapi.json").json()
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    identifiers = [operation["operationId"] for operation in operations]

    assert schema["openapi"].startswith("3.1")
    assert len(identifiers) == len(set(identifiers))
    assert all({"400", "429", "500"} <= operation["responses"].keys() for operation in operations)
    assert all(operation["description"] for operation in operations)
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_the_examples_of_the_description_are_accepted(web: Browser) -> None:
    add_mail(add_subscriber("r@one.example"), add_run())
    token = api_tokens.create_token("reader", ["admin"], expires_at=None)
    schema = web.app.openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            examples = schema["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {}).get("examples")
            for example in examples or ():
                address = path.replace("{subscriber_id}", "1").replace("{run_id}", "1")
                answer = web.ask(method.upper(), address, json=example, headers={"authorization": f"Bearer {token}"})
                expected = {"/api/v1/suppressions/release": 404, "/api/v1/sources": 422, "/api/v1/sources/preview": 422}
                is_expected = answer.status_code == expected.get(path, 0)  # nobody is suppressed, no feed is there
                assert answer.status_code < 300 or is_expected, (address, answer.text)
