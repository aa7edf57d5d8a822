"""Packets of every kind and version, as Hypothesis makes them."""

from typing import Any

from hypothesis import strategies as st

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt import properties as table
from fieldline.protocols.mqtt import reason_codes as codes

VERSIONS = st.sampled_from([p.MQTT_31, p.MQTT_311, p.MQTT_5])

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
topics = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=30
)
blobs = st.binary(max_size=40)
packet_ids = st.integers(1, 0xFFFF)
levels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#/"), max_size=6)


@st.composite
def topic_filters(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.one_of(st.just("+"), levels), min_size=1, max_size=4))
    if draw(st.booleans()):
        parts.append("#")
    return "/".join(parts) or "a"


def _value(row: table._Property) -> st.SearchStrategy[Any]:
    if row.name == "response_topic":
        return topics
    by_reader = {
        "byte": st.integers(row.lowest, min(row.highest, 0xFF)),
        "uint16": st.integers(row.lowest, 0xFFFF),
        "uint32": st.integers(row.lowest, 0xFFFF_FFFF),
        "variable_integer": st.integers(row.lowest, 268_435_455),
        "text": texts,
        "binary": blobs,
        "_read_pair": st.tuples(texts, texts),
    }
    return by_reader[row.type.read.__name__]


def properties(packet: str, version: int) -> st.SearchStrategy[table.Properties]:
    if version != p.MQTT_5:
        return st.just(table.Properties())
    optional = {}
    for row in table._TABLE:
        if packet not in row.packets:
            continue
        value = _value(row)
        if row.name == "user_properties":
            value = st.lists(value, min_size=1, max_size=3)
        elif row.name == "subscription_identifiers":
            value = st.lists(value, min_size=1, max_size=3 if packet == "publish" else 1)
        optional[row.name] = value
    return st.fixed_dictionaries({}, optional=optional)  # type: ignore[return-value]


@st.composite
def connects(draw: st.DrawFn, version: int) -> p.Connect:
    made = draw(properties("connect", version))
    if "authentication_method" not in made:
        made.pop("authentication_data", None)
    username = draw(st.none() | texts)
    password = draw(st.none() | blobs)
    if username is None and version != p.MQTT_5:
        password = None
    will = None
    if draw(st.booleans()):
        will = p.Will(
            draw(topics),
            draw(blobs),
            draw(st.integers(0, 2)),
            draw(st.booleans()),
            draw(properties("will", version)),
        )
    return p.Connect(
        client_id=draw(texts),
        version=version,
        clean_start=draw(st.booleans()),
        keep_alive_s=draw(st.integers(0, 0xFFFF)),
        username=username,
        password=password,
        will=will,
        properties=made,
    )


@st.composite
def connacks(draw: st.DrawFn, version: int) -> p.Connack:
    allowed = codes.CONNACK_CODES if version == p.MQTT_5 else set(codes.ConnectReturnCode)
    code = draw(st.sampled_from(sorted(int(c) for c in allowed)))
    present = draw(st.booleans()) and code == 0
    return p.Connack(code, present, draw(properties("connack", version)))


@st.composite
def publishes(draw: st.DrawFn, version: int) -> p.Publish:
    qos = draw(st.integers(0, 2))
    made = draw(properties("publish", version))
    topic = draw(topics)
    if "topic_alias" in made and draw(st.booleans()):
        topic = ""
    return p.Publish(
        topic,
        draw(blobs),
        qos,
        draw(packet_ids) if qos else 0,
        draw(st.booleans()),
        draw(st.booleans()) and qos > 0,
        made,
    )


def _code(allowed: frozenset[int], version: int) -> st.SearchStrategy[int]:
    return st.sampled_from(sorted(allowed)) if version == p.MQTT_5 else st.just(0)


def acknowledgements(
    kind: type[p.Puback | p.Pubrec | p.Pubrel | p.Pubcomp], name: str, version: int
) -> st.SearchStrategy[Any]:
    allowed = codes.PUBACK_CODES if name in {"puback", "pubrec"} else codes.PUBREL_CODES
    return st.builds(kind, packet_ids, _code(allowed, version), properties(name, version))


@st.composite
def subscriptions(draw: st.DrawFn, version: int) -> p.Subscription:
    topic_filter, qos = draw(topic_filters()), draw(st.integers(0, 2))
    if version != p.MQTT_5:
        return p.Subscription(topic_filter, qos)
    no_local = draw(st.booleans()) and not topic_filter.startswith("$share/")
    return p.Subscription(topic_filter, qos, no_local, draw(st.booleans()), draw(st.integers(0, 2)))


def auths() -> st.SearchStrategy[p.Auth]:
    made = properties("auth", p.MQTT_5).map(
        lambda found: found if "authentication_method" in found else table.Properties()
    )
    return st.builds(p.Auth, st.sampled_from(sorted(codes.AUTH_CODES)), made)


def packets(version: int) -> st.SearchStrategy[p.Packet]:
    """Packets other than CONNECT that the version has."""
    is_5 = version == p.MQTT_5
    suback = codes.SUBACK_CODES if is_5 else codes.V3_SUBSCRIBE_CODES
    unsuback_codes = st.lists(st.sampled_from(sorted(codes.UNSUBACK_CODES)), min_size=1)
    kinds: list[st.SearchStrategy[Any]] = [
        connacks(version),
        publishes(version),
        acknowledgements(p.Puback, "puback", version),
        acknowledgements(p.Pubrec, "pubrec", version),
        acknowledgements(p.Pubrel, "pubrel", version),
        acknowledgements(p.Pubcomp, "pubcomp", version),
        st.builds(
            p.Subscribe,
            packet_ids,
            st.lists(subscriptions(version), min_size=1, max_size=4),
            properties("subscribe", version),
        ),
        st.builds(
            p.Suback,
            packet_ids,
            st.lists(st.sampled_from(sorted(suback)), min_size=1),
            properties("suback", version),
        ),
        st.builds(
            p.Unsubscribe,
            packet_ids,
            st.lists(topic_filters(), min_size=1, max_size=4),
            properties("unsubscribe", version),
        ),
        st.builds(
            p.Unsuback,
            packet_ids,
            unsuback_codes if is_5 else st.just([]),
            properties("unsuback", version),
        ),
        st.just(p.Pingreq()),
        st.just(p.Pingresp()),
        st.builds(
            p.Disconnect,
            _code(codes.DISCONNECT_CODES, version),
            properties("disconnect", version),
        ),
    ]
    if is_5:
        kinds.append(auths())
    return st.one_of(kinds)


Mutation = tuple[str, int, int]


def mutations() -> st.SearchStrategy[list[Mutation]]:
    """Ways to damage a stream."""
    position = st.integers(0, 10_000)
    return st.lists(
        st.one_of(
            st.tuples(st.just("flip"), position, st.integers(0, 7)),
            st.tuples(st.just("cut"), position, st.just(0)),
            st.tuples(st.just("insert"), position, st.integers(0, 255)),
            st.tuples(st.just("set"), position, st.integers(0, 255)),
        ),
        min_size=1,
        max_size=4,
    )


def mutate(stream: bytes, changes: list[Mutation]) -> bytes:
    """Return the damaged stream."""
    changed = bytearray(stream)
    for what, position, argument in changes:
        if not changed:
            break
        at = position % len(changed)
        if what == "flip":
            changed[at] ^= 1 << argument
        elif what == "cut":
            del changed[at:]
        elif what == "insert":
            changed.insert(at, argument)
        else:
            changed[at] = argument
    return bytes(changed)
