"""The JSON interface against its own description: nothing that anybody sends may end in a 500 or in another form."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FIELDSHIFT_API_EXAMPLES", "6"))
SHARDS = 4
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_answer_is_a_surprise(desk_client, casebook_case, tmp_path, shard):
    schema = schemathesis.openapi.from_dict(desk_client.get("/api.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations[shard::SHARDS]:
        if operation.path == "/leave.json":  # whoever leaves is out: the rest would only be told to come in
            continue
        _asked(desk_client, operation, casebook_case)
    inside = {desk_client.desk.settings.store.name}
    assert {file.name for file in tmp_path.iterdir()} <= inside, "something was written outside the store"


def _asked(client, operation, known):
    """Ask for everything that an operation's description allows, of a case that is there and of any."""

    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    def ask(case):
        _sent(client, case)
        if "case" in case.path_parameters:
            case.path_parameters["case"] = known
            _sent(client, case)

    ask()


def _sent(client, case):
    request = case.as_transport_kwargs(base_url=str(client.base_url))
    request.pop("cookies", None)
    answer = client.request(**request, follow_redirects=False)
    answer.request.read()
    case.validate_response(answer, checks=CHECKS)
