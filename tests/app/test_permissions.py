"""What a user may read follows every change at once, also where devices are known in memory."""

from tests.api.support import created
from tests.app.plant import Plant


async def test_readings_of_a_device_that_changes_hands(plant: Plant) -> None:
    admin = await plant.tenant()
    customer = await created(admin, "/api/customer", {"title": "Customer"})
    customer_id = customer["id"]["id"]
    body = {"email": "user@acme.org", "authority": "CUSTOMER_USER", "customerId": customer["id"]}
    await created(admin, "/api/user?sendActivationMail=false", body)
    user = await plant.user("user@acme.org")
    device_id = await plant.device(admin, "meter")
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
    assign = f"/api/customer/{customer_id}/device/{device_id}"
    statuses = []

    for change in (
        None,
        ("POST", assign),
        ("DELETE", f"/api/customer/device/{device_id}"),
        ("POST", assign),
        ("DELETE", f"/api/device/{device_id}"),
    ):
        if change is not None:
            assert (await admin.request(*change)).status_code == 200
        statuses.append((await user.get(path)).status_code)

    assert statuses == [403, 200, 403, 200, 404]
