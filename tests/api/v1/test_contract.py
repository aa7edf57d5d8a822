"""Every route of the v1 contract is served, under both prefixes.

Source: ``v1-contract.md``, REST. What each route does is tested with its resource.
"""

import pytest

from fieldline.kit.ids import new_id
from tests.api.support import Platform

CONTRACT = """
    POST /auth/login
    POST /auth/token/refresh
    GET /auth/user
    POST /auth/changePassword
    POST /auth/logout
    POST /devices
    GET /devices
    GET /devices/{id}
    PUT /devices/{id}
    DELETE /devices/{id}
    GET /devices/{id}/credentials
    POST /devices/{id}/credentials
    POST /customers
    GET /customers
    GET /customers/{id}
    PUT /customers/{id}
    DELETE /customers/{id}
    POST /tenants
    GET /tenants
    GET /tenants/{id}
    PUT /tenants/{id}
    DELETE /tenants/{id}
    POST /telemetry/DEVICE/{id}/timeseries/ANY
    GET /telemetry/DEVICE/{id}/values/timeseries
    GET /telemetry/DEVICE/{id}/keys/timeseries
    POST /telemetry/DEVICE/{id}/attributes/SERVER_SCOPE
    GET /telemetry/DEVICE/{id}/attributes
    DELETE /telemetry/DEVICE/{id}/attributes/SERVER_SCOPE
    POST /users
    GET /users
    GET /users/{id}
    PUT /users/{id}
    DELETE /users/{id}
    POST /assets
    GET /assets
    GET /assets/{id}
    PUT /assets/{id}
    DELETE /assets/{id}
    POST /assetProfiles
    GET /assetProfiles
    GET /assetProfiles/{id}
    PUT /assetProfiles/{id}
    DELETE /assetProfiles/{id}
    POST /deviceProfiles
    GET /deviceProfiles
    GET /deviceProfiles/{id}
    PUT /deviceProfiles/{id}
    DELETE /deviceProfiles/{id}
    POST /alarms
    GET /alarms
    GET /alarms/{id}
    DELETE /alarms/{id}
    POST /alarms/{id}/ack
    POST /alarms/{id}/clear
    POST /alarms/{id}/assign/{id}
    POST /alarms/{id}/comments
    GET /alarms/{id}/comments
    POST /dashboards
    GET /dashboards
    GET /dashboards/{id}
    PUT /dashboards/{id}
    DELETE /dashboards/{id}
    POST /ruleChains
    GET /ruleChains
    GET /ruleChains/{id}
    PUT /ruleChains/{id}
    DELETE /ruleChains/{id}
    GET /ruleChains/{id}/metadata
    PUT /ruleChains/{id}/metadata
    POST /ruleChains/{id}/root
    GET /ruleChains/{id}/events
    POST /relations
    GET /relations
    DELETE /relations
    POST /entityViews
    GET /entityViews
    GET /entityViews/{id}
    PUT /entityViews/{id}
    DELETE /entityViews/{id}
    GET /auditLogs
    POST /gateways
    GET /gateways
    GET /gateways/{id}
    PUT /gateways/{id}
    DELETE /gateways/{id}
    GET /gateways/{id}/devices
"""
ROUTES = [tuple(line.split()) for line in CONTRACT.strip().splitlines()]


@pytest.mark.parametrize("prefix", ["/api/v1", "/api"])
async def test_every_route_of_the_contract_is_served(platform: Platform, prefix: str) -> None:
    unserved = []
    for method, path in ROUTES:
        url = prefix + path.replace("{id}", str(new_id()))
        answer = await platform.anybody.request(method, url, json={})
        if answer.status_code == 405 or "No endpoint" in answer.text:
            unserved.append(f"{method} {path}")

    assert unserved == []
