"""Searches along relations: what they find, as a plain model of them says, and what bounds them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldline.database.engine import Database
from fieldline.domains.device import service as device_service
from fieldline.domains.relation import search as search_module
from fieldline.domains.relation import service
from fieldline.domains.relation.kinds import Direction, Key
from fieldline.domains.relation.search import Filter, Search
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import Caller
from tests.domains.relation.world import SEEDERS, Ref, World, ends, found, query
from tests.domains.support import expect_error, on_sqlite
from tests.people import VAULT, make_tenant

TYPES = ("Contains", "Manages")
SIZE = 6
Edge = tuple[int, int, str]


@dataclass(frozen=True)
class Asked:
    """A search in a graph of numbers."""

    root: int
    direction: Direction
    max_level: int
    last_level_only: bool
    filters: tuple[Filter, ...]


def model(edges: Iterable[Edge], kinds: Sequence[EntityType], asked: Asked) -> set[Edge]:
    """Return what a search must find, by walking every way one step at a time."""
    forward = asked.direction is Direction.FROM
    ways = [(edge, *((edge[0], edge[1]) if forward else (edge[1], edge[0]))) for edge in edges]
    distance = {asked.root: 0}
    for _ in range(SIZE):
        for _edge, near, far in ways:
            if near in distance:
                distance[far] = min(distance.get(far, SIZE), distance[near] + 1)
    within = asked.max_level if asked.max_level > 0 else SIZE + 1
    reached = [
        (edge, near, far)
        for edge, near, far in ways
        if near in distance and distance[near] < within
    ]
    if asked.last_level_only:
        reached = [
            (edge, near, far)
            for edge, near, far in reached
            if distance[near] + 1 == within or not any(start == far for _, start, _ in ways)
        ]
    return {
        edge
        for edge, _near, far in reached
        if not asked.filters or any(fits(each, edge[2], kinds[far]) for each in asked.filters)
    }


def fits(asked: Filter, kind: str, far: EntityType) -> bool:
    type_fits = not asked.relation_type or (kind == asked.relation_type) != asked.negate
    return type_fits and (not asked.entity_types or far in asked.entity_types)


node = st.integers(0, SIZE - 1)
graphs = st.sets(
    st.tuples(node, node, st.sampled_from(TYPES)).filter(lambda edge: edge[0] != edge[1]),
    max_size=14,
)
filters = st.builds(
    Filter,
    relation_type=st.sampled_from([None, *TYPES]),
    entity_types=st.sampled_from(
        [
            frozenset[EntityType](),
            frozenset({EntityType.DEVICE}),
            frozenset({EntityType.RULE_CHAIN}),
        ]
    ),
    negate=st.booleans(),
)
questions = st.builds(
    Asked,
    root=node,
    direction=st.sampled_from(Direction),
    max_level=st.integers(0, SIZE),
    last_level_only=st.booleans(),
    filters=st.lists(filters, max_size=2).map(tuple),
)


@dataclass
class Graph:
    """Devices and rule chains of a tenant, by number."""

    database: Database
    admin: Caller
    refs: list[EntityRef]

    @property
    def kinds(self) -> list[EntityType]:
        return [ref.type for ref in self.refs]

    @asynccontextmanager
    async def holding(self, edges: Iterable[Edge]) -> AsyncIterator[Any]:
        """Relate the entities so; gives a function that searches; all is undone afterwards."""
        async with self.database.write() as session:
            for start, end, kind in edges:
                key = Key(self.refs[start], self.refs[end], kind)
                await service.save(session, self.admin, key, additional_info=None)

            async def search(question: Asked) -> set[Edge]:
                wanted = Search(
                    self.refs[question.root],
                    question.direction,
                    max_level=question.max_level,
                    last_level_only=question.last_level_only,
                    filters=question.filters,
                )
                rows = await service.search(session, self.admin, wanted)
                assert len(rows) == len({id(each.relation) for each in rows})
                return {self._edge(each.relation) for each in rows}

            yield search
            await session.rollback()

    def _edge(self, relation: Any) -> Edge:
        number = {ref: index for index, ref in enumerate(self.refs)}
        return number[relation.from_ref], number[relation.to_ref], relation.type


@pytest.fixture
async def graph(database: Database) -> Graph:
    admin = await make_tenant(database, "Farm", seeders=SEEDERS)
    refs = []
    async with database.write() as session:
        for number in range(SIZE):
            if number % 2:
                chain = await rule_chain_service.create(session, admin, {"name": str(number)})
                refs.append(EntityRef(EntityType.RULE_CHAIN, chain.id))
            else:
                device = await device_service.create(
                    session, admin, {"name": str(number)}, vault=VAULT
                )
                refs.append(EntityRef(EntityType.DEVICE, device.id))
    return Graph(database, admin, refs)


@given(edges=graphs, asked=st.lists(questions, min_size=1, max_size=8))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_a_search_finds_what_a_plain_model_finds(
    graph: Graph, edges: set[Edge], asked: list[Asked]
) -> None:
    async with graph.holding(edges) as found_by:
        for question in asked:
            assert await found_by(question) == model(edges, graph.kinds, question), question


def asked(root: Ref, **more: object) -> dict[str, Any]:
    """Return the parameters of a search in ThingsBoard's dialect."""
    return {"rootId": root["id"], "rootType": root["entityType"], "direction": "FROM", **more}


async def test_a_search_goes_one_level_when_not_told_otherwise(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])

    answer = await world.admin.post("/api/relations", json={"parameters": asked(a)})

    assert ends(found(answer)) == {(a["id"], b["id"])}


async def test_a_search_of_all_levels_ends_in_a_cycle(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c, a])

    answer = await world.admin.post("/api/relations", json={"parameters": asked(b, maxLevel=0)})

    assert len(found(answer)) == 3


async def test_a_search_with_names_and_filters(world: World) -> None:
    a, b, c = await world.devices("abc")
    chain = await world.chain("target")
    await world.line([a, b, c])
    uses = await world.relate(c, chain, "Uses")
    body = {
        "parameters": asked(a, maxLevel=5, fetchLastLevelOnly=True, relationTypeGroup="COMMON"),
        "filters": [{"relationType": "Contains", "entityTypes": ["RULE_CHAIN"], "negate": True}],
    }

    answer = await world.admin.post("/api/relations/info", json=body)

    assert found(answer) == [uses | {"fromName": "c", "toName": "target"}]


async def test_a_customer_user_finds_beyond_what_it_does_not_see(world: World) -> None:
    own, end = await world.devices("oe", is_customers=True)
    other = await world.device("hidden")
    await world.line([own, other])
    await world.line([other, end])
    seen = await world.relate(end, own)
    body = {"parameters": asked(own, maxLevel=0)}

    assert found(await world.user.post("/api/relations", json=body)) == [seen]
    assert len(found(await world.admin.post("/api/relations", json=body))) == 3


@on_sqlite
async def test_relations_beyond_the_last_level_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_LEVELS", 2)
    a, b, c, d = await world.devices("abcd")
    await world.line([a, b, c, d])

    too_deep = await world.admin.post("/api/relations", json={"parameters": asked(a, maxLevel=0)})
    deep = await world.admin.post("/api/relations", json={"parameters": asked(b, maxLevel=0)})

    expect_error(too_deep, 400, 31, "go on beyond 2 levels")
    assert len(found(deep)) == 2


@on_sqlite
async def test_too_many_relations_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_RELATIONS", 2)
    monkeypatch.setattr(service, "MAX_RELATIONS", 2)
    a, *others = await world.devices("abcd")
    for other in others[:2]:
        await world.relate(a, other)
    before = await world.admin.post("/api/relations", json={"parameters": asked(a)})
    await world.relate(a, others[2])

    searched = await world.admin.post("/api/relations", json={"parameters": asked(a)})
    listed = await world.admin.get(f"/api/relations?{query('from', a)}")
    paged = await world.admin.get(f"/api/v1/relations?from_type=DEVICE&from_id={a['id']}")

    assert len(found(before)) == 2
    expect_error(searched, 400, 31, "There are more than")
    expect_error(listed, 400, 31, "There are more than")
    assert len(found(paged)) == 3


@on_sqlite
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rootId": None}, "rootId"),
        ({"rootId": "x"}, "rootId"),
        ({"rootType": "SPOON"}, "rootType"),
        ({"rootType": "ALARM"}, "ALARM is not possible here"),
        ({"direction": "UP"}, "direction"),
        ({"maxLevel": "deep"}, "maxLevel"),
        ({"relationTypeGroup": "FRIENDS"}, "relationTypeGroup"),
    ],
)
async def test_a_bad_search_is_refused(
    world: World, parameters: dict[str, object], message: str
) -> None:
    body = {"parameters": asked(await world.device("a")) | parameters}

    for path in ("/api/relations", "/api/relations/info"):
        expect_error(await world.admin.post(path, json=body), 400, 31, message)


@on_sqlite
@pytest.mark.parametrize(
    "filters", [[{}] * 101, [{"entityTypes": ["SPOON"]}], [{"relationType": 5}], {}]
)
async def test_bad_filters_are_refused(world: World, filters: object) -> None:
    body = {"parameters": asked(await world.device("a")), "filters": filters}

    expect_error(await world.admin.post("/api/relations", json=body), 400, 31, "filters")


async def test_a_search_from_what_is_not_there(world: World) -> None:
    body = {"parameters": asked({"entityType": "DEVICE", "id": str(UUID(int=7))})}

    expect_error(await world.admin.post("/api/relations", json=body), 404, 32)
