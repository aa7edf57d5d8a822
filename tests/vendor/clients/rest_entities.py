"""Drives ThingsBoard's own REST client over every kind of entity; prints one JSON object.

As tenant administrator (tenants and their profiles as system administrator) each kind is created,
read, listed, updated and deleted; then a customer user looks at what is its own and what is not.
"""

import json
import re
import sys
import urllib.request

from tb_ce_client import models
from tb_ce_client.client import ThingsboardClient
from tb_ce_client.exceptions import ApiException

url = sys.argv[1]
PAGE = {"page_size": 100, "page": 0}
seen = {}


def entity(kind, saved):
    """Return a reference to what was saved."""
    id_ = saved.id if hasattr(saved, "id") else saved
    return models.EntityId.from_dict({"entityType": kind, "id": str(id_.id)})


def status_of(call, *arguments):
    """Return the HTTP status that a call ends with."""
    try:
        call(*arguments)
    except ApiException as error:
        return error.status
    return 200


def life(client, noun, new, change, lists):
    """Create, read, list, update and delete; returns what each step showed."""
    save = getattr(client, f"save_{noun}")
    get = getattr(client, f"get_{noun}_by_id")
    created = save(new)
    id_ = str(created.id.id)
    read = get(id_)
    label = "title" if hasattr(read, "title") else "name"
    listed = [str(item.id.id) for item in getattr(client, lists)(**PAGE).data]
    change(read)
    updated = save(read)
    version = getattr(updated, "version", None)
    getattr(client, f"delete_{noun}")(id_)
    return {
        "named": getattr(read, label) == getattr(new, label),
        "listed": id_ in listed,
        "version": version,
        "after delete": status_of(get, id_),
    }


def set_label(item):
    item.label = "changed"


def set_mobile_order(item):
    item.mobile_order = 7


def set_description(item):
    item.description = "changed"


def set_info(item):
    item.additional_info = {"changed": True}


def administrate_the_system():
    with ThingsboardClient(url, "sysadmin@thingsboard.org", "sysadmin") as client:
        seen["tenant"] = life(
            client, "tenant", models.Tenant(title="Plant"), set_info, "get_tenants"
        )
        profile = client.get_tenant_profiles(**PAGE).data[0]
        profile.id, profile.name, profile.default = None, "Small", False
        seen["tenant profile"] = life(
            client, "tenant_profile", profile, set_description, "get_tenant_profiles"
        )


def life_of_relations(client, device, asset):
    relation = models.EntityRelation.from_dict(
        {
            "from": {"entityType": "ASSET", "id": str(asset.id.id)},
            "to": {"entityType": "DEVICE", "id": str(device.id.id)},
            "type": "Contains",
            "typeGroup": "COMMON",
        }
    )
    client.save_relation(relation)
    ends = (str(asset.id.id), "ASSET", "Contains", str(device.id.id), "DEVICE")
    found = client.find_entity_relations_by_from("ASSET", str(asset.id.id))
    query = models.DeviceSearchQuery.from_dict(
        {
            "relationType": "Contains",
            "deviceTypes": ["default"],
            "parameters": {
                "rootId": str(asset.id.id),
                "rootType": "ASSET",
                "direction": "FROM",
                "relationTypeGroup": "COMMON",
                "maxLevel": 3,
            },
        }
    )
    searched = [item.name for item in client.find_devices_by_query(query)]
    relation.additional_info = {"changed": True}
    client.save_relation(relation)
    read = client.get_relation(*ends)
    client.delete_relation(*ends)
    return {
        "listed": len(found),
        "searched": searched,
        "updated": read.additional_info,
        "after delete": status_of(client.get_relation, *ends),
    }


def life_of_alarms(client, device):
    alarm = client.save_alarm(
        models.Alarm(
            type="Overheated", originator=entity("DEVICE", device), severity="MAJOR",
            acknowledged=False, cleared=False, name="", status="ACTIVE_UNACK",
        )
    )  # fmt: skip
    id_ = str(alarm.id.id)
    alarm.severity = "CRITICAL"
    updated = client.save_alarm(alarm)
    comment = client.save_alarm_comment(
        id_, models.AlarmComment(comment={"text": "On my way"}, alarm_id=alarm.id)
    )
    comments = client.get_alarm_comments(id_, **PAGE).data
    client.delete_alarm_comment(id_, str(comment.id.id))
    listed = client.get_all_alarms_v2(**PAGE).data
    acknowledged = client.ack_alarm(id_)
    cleared = client.clear_alarm(id_)
    client.delete_alarm(id_)
    return {
        "severity": str(updated.severity).rsplit(".", 1)[-1],
        "commented": "On my way" in [item.comment["text"] for item in comments],
        "listed": [item.originator_name for item in listed],
        "status": [str(item.status).rsplit(".", 1)[-1] for item in (acknowledged, cleared)],
        "after delete": status_of(client.get_alarm_by_id, id_),
    }


def life_of_rule_chains(client):
    chain = client.save_rule_chain(models.RuleChain(name="Pumps", type="CORE"))
    id_ = str(chain.id.id)
    nodes = client.get_component_descriptors_by_types(["FILTER", "ACTION"])
    log = next(node for node in nodes if node.name == "log")
    node = models.RuleNode(
        type=log.clazz, name="Log it",
        configuration=log.configuration_descriptor["nodeDefinition"]["defaultConfiguration"],
        additional_info={"layoutX": 1, "layoutY": 2},
    )  # fmt: skip
    graph = models.RuleChainMetaData(
        rule_chain_id=chain.id, first_node_index=0, nodes=[node], connections=[],
        rule_chain_connections=[],
    )  # fmt: skip
    client.save_rule_chain_meta_data(graph)
    saved = client.get_rule_chain_meta_data(id_)
    chain = client.get_rule_chain_by_id(id_)
    chain.name = "All pumps"
    renamed = client.save_rule_chain(chain)
    listed = [item.name for item in client.get_rule_chains(**PAGE).data]
    client.delete_rule_chain(id_)
    return {
        "nodes": [item.name for item in saved.nodes],
        "renamed": renamed.name,
        "listed": "All pumps" in listed,
        "after delete": status_of(client.get_rule_chain_by_id, id_),
    }


def make_user(client, email, customer):
    """Make a customer user, and choose its password as the link in the mail would have it."""
    new = models.User(email=email, authority="CUSTOMER_USER", customer_id=customer.id)
    user = client.save_user(new, send_activation_mail="false")
    link = client.get_activation_link(str(user.id.id))
    token = re.search(r"activateToken=(.*)", link)[1]
    body = json.dumps({"activateToken": token, "password": "a good password"}).encode()
    request = urllib.request.Request(  # noqa: S310 - the test's own server
        f"{url}/api/noauth/activate", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).read()  # noqa: S310
    return user


def life_of_users(client, customer):
    user = make_user(client, "somebody@example.org", customer)
    id_ = str(user.id.id)
    read = client.get_user_by_id(id_)
    read.first_name = "Somebody"
    updated = client.save_user(read, send_activation_mail="false")
    listed = [item.email for item in client.get_customer_users(str(customer.id.id), **PAGE).data]
    client.delete_user(id_)
    return {
        "updated": updated.first_name,
        "listed": listed,
        "after delete": status_of(client.get_user_by_id, id_),
    }


def administrate_a_tenant():
    with ThingsboardClient(url, "tenant@thingsboard.org", "tenant") as client:
        seen["customer"] = life(
            client, "customer", models.Customer(title="Acme"), set_info, "get_customers"
        )
        device_profile = client.get_device_profiles(**PAGE).data[0]
        device_profile.id, device_profile.name, device_profile.default = None, "Pump", False
        seen["device profile"] = life(
            client, "device_profile", device_profile, set_description, "get_device_profiles"
        )
        seen["asset profile"] = life(
            client, "asset_profile", models.AssetProfile(name="Hall"), set_description,
            "get_asset_profiles",
        )  # fmt: skip
        seen["device"] = life(
            client, "device", models.Device(name="Pump 1"), set_label, "get_tenant_devices"
        )
        seen["asset"] = life(
            client, "asset", models.Asset(name="Hall 1"), set_label, "get_tenant_assets"
        )
        dashboard = models.Dashboard(title="Halls", configuration={"widgets": {}})
        seen["dashboard"] = life(
            client, "dashboard", dashboard, set_mobile_order, "get_tenant_dashboards"
        )
        device = client.save_device(models.Device(name="Pump 2"))
        asset = client.save_asset(models.Asset(name="Hall 2"))
        view = models.EntityView.from_dict(
            {
                "name": "Pump 2 for Acme",
                "type": "default",
                "entityId": {"entityType": "DEVICE", "id": str(device.id.id)},
                "keys": {"timeseries": ["flow"], "attributes": {"cs": [], "ss": [], "sh": []}},
            }
        )
        seen["entity view"] = life(client, "entity_view", view, set_info, "get_tenant_entity_views")
        seen["relation"] = life_of_relations(client, device, asset)
        seen["alarm"] = life_of_alarms(client, device)
        seen["rule chain"] = life_of_rule_chains(client)
        customer = client.save_customer(models.Customer(title="Acme"))
        seen["user"] = life_of_users(client, customer)
        seen["audit log"] = sorted(
            {
                str(item.action_type).rsplit(".", 1)[-1]
                for item in client.get_audit_logs(**PAGE).data
            }
            & {"ADDED", "UPDATED", "DELETED", "ALARM_ACK"}
        )
        client.put_general_user_settings({"openedMenuSections": ["devices"]})
        seen["user settings"] = client.get_general_user_settings()
        return give_to_a_customer(client, customer)


def give_to_a_customer(client, customer):
    """Give a customer one of each kind, and keep one; returns the ids that stay hidden."""
    make_user(client, "user@acme.example.org", customer)
    id_ = str(customer.id.id)
    hidden = {}
    for name in ("own", "hidden"):
        device = client.save_device(models.Device(name=f"{name} device"))
        asset = client.save_asset(models.Asset(name=f"{name} asset"))
        dashboard = client.save_dashboard(models.Dashboard(title=f"{name} dashboard"))
        if name == "own":
            client.assign_device_to_customer(id_, str(device.id.id))
            client.assign_asset_to_customer(id_, str(asset.id.id))
            client.assign_dashboard_to_customer(id_, str(dashboard.id.id))
        alarm = client.save_alarm(
            models.Alarm(
                type=f"{name} alarm", originator=entity("DEVICE", device), severity="MINOR",
                acknowledged=False, cleared=False, name="", status="ACTIVE_UNACK",
            )
        )  # fmt: skip
        hidden = {"device": device, "asset": asset, "dashboard": dashboard, "alarm": alarm}
    other = client.save_customer(models.Customer(title="Other"))
    hidden["customer"] = other
    return id_, {kind: str(item.id.id) for kind, item in hidden.items()}


def look_as_customer(customer_id, hidden):
    with ThingsboardClient(url, "user@acme.example.org", "a good password") as client:
        seen["own"] = {
            "devices": [d.name for d in client.get_customer_devices(customer_id, **PAGE).data],
            "assets": [a.name for a in client.get_customer_assets(customer_id, **PAGE).data],
            "dashboards": [
                d.title for d in client.get_customer_dashboards(customer_id, **PAGE).data
            ],
            "alarms": [a.type for a in client.get_all_alarms_v2(**PAGE).data],
            "users": [u.email for u in client.get_users(**PAGE).data],
            "customer": client.get_customer_by_id(customer_id).title,
        }
        seen["hidden"] = {
            kind: status_of(getattr(client, f"get_{kind}_by_id"), id_)
            for kind, id_ in hidden.items()
        }
        seen["of others"] = {
            "devices": status_of(lambda: client.get_customer_devices(hidden["customer"], **PAGE)),
            "assets": status_of(lambda: client.get_customer_assets(hidden["customer"], **PAGE)),
            "new device": status_of(client.save_device, models.Device(name="smuggled")),
            "audit log": status_of(lambda: client.get_audit_logs(**PAGE)),
        }


administrate_the_system()
look_as_customer(*administrate_a_tenant())
print(json.dumps(seen, default=str), flush=True)
