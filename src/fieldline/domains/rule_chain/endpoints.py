"""Rule chains in ThingsBoard's dialect."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request

from fieldline.domains.rule_chain import labels, metadata, service
from fieldline.domains.rule_chain.graph import (
    GraphDraft,
    Link,
    NodeCatalogue,
    NodeDraft,
    ScriptTest,
    ScriptTester,
)
from fieldline.domains.rule_chain.schemas import (
    ComponentDescriptor,
    DefaultRuleChainCreateRequest,
    NodeConnectionInfo,
    RuleChain,
    RuleChainMetaData,
    RuleChainMetaDataSave,
    RuleChainOutputLabelsUsage,
    RuleChainSave,
    RuleNode,
    RuleNodeSave,
    ScriptTestAnswer,
    ScriptTestRequest,
)
from fieldline.kit.errors import Invalid, NotFound
from fieldline.kit.json import loads
from fieldline.rest.callers import SysOrTenantAdmin, TenantAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("rule-chain")

CORE_COMPONENTS = {"FILTER", "ENRICHMENT", "TRANSFORMATION", "ACTION", "EXTERNAL", "FLOW"}


async def get_catalogue(request: Request) -> NodeCatalogue:
    """Return what knows the kinds of rule nodes, from where ``app`` put it."""
    catalogue: NodeCatalogue = request.app.state.node_catalogue
    return catalogue


async def get_tester(request: Request) -> ScriptTester:
    """Return what tries scripts, from where ``app`` put it."""
    tester: ScriptTester = request.app.state.script_tester
    return tester


CatalogueDep = Annotated[NodeCatalogue, Depends(get_catalogue)]
TesterDep = Annotated[ScriptTester, Depends(get_tester)]


@router.get("/ruleChains")
async def list_rule_chains(
    page: TbPage,
    caller: TenantAdmin,
    session: ReadSession,
    type: Annotated[str | None, Query()] = None,  # noqa: A002 - the wire's word
) -> PageData[RuleChain]:
    """List the tenant's rule chains."""
    found = await service.page(session, caller, page, chain_type=type)
    return PageData.of(found.map(RuleChain.model_validate), page)


@router.get("/ruleChains/list")
@router.get("/ruleChains", include_in_schema=False)
async def list_rule_chains_by_ids(
    ids: Annotated[list[UUID], Depends(id_list("ruleChainIds"))],
    caller: TenantAdmin,
    session: ReadSession,
) -> list[RuleChain]:
    """Return rule chains by their ids; unknown ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [RuleChain.model_validate(chain) for chain in found]


@router.get("/ruleChain/tbelEnabled")
async def is_tbel_enabled(caller: TenantAdmin) -> bool:  # noqa: ARG001 - it says who may ask
    """Say whether scripts may be written in TBEL."""
    return False


@router.post("/ruleChain/testScript")
async def try_script(
    body: ScriptTestRequest,
    caller: TenantAdmin,  # noqa: ARG001 - it says who may ask
    tester: TesterDep,
    language: Annotated[Literal["JS", "TBEL"], Query(alias="scriptLang")] = "JS",
) -> ScriptTestAnswer:
    """Run a script once and return what it answers, or why it fails."""
    if language != "JS":
        raise Invalid("Scripts in TBEL are not supported; write it in JavaScript, scriptLang=JS")
    try:
        test = ScriptTest(
            body.script,
            body.script_type,
            tuple(body.arg_names),
            loads(body.msg),
            body.metadata,
            body.msg_type,
        )
        return ScriptTestAnswer(output=await tester.try_out(test))
    except ValueError as error:
        return ScriptTestAnswer(error=f"msg is not JSON: {error}")
    except Invalid as error:
        return ScriptTestAnswer(error=error.message)


@router.get("/ruleChain/{rule_chain_id}/output/labels")
async def list_output_labels(
    rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession
) -> list[str]:
    """List the labels that messages can leave a chain by: the names of its output nodes."""
    return await labels.output_labels(session, caller, rule_chain_id)


@router.get("/ruleChain/{rule_chain_id}/output/labels/usage")
async def list_output_label_usage(
    rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession
) -> list[RuleChainOutputLabelsUsage]:
    """List the nodes of other chains that lead into this one, with the labels they go on by."""
    found = await labels.usage(session, caller, rule_chain_id)
    return [RuleChainOutputLabelsUsage.model_validate(each) for each in found]


@router.get("/ruleChain/{rule_chain_id}")
async def get_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession
) -> RuleChain:
    """Return one rule chain."""
    return RuleChain.model_validate(await service.get(session, caller, rule_chain_id))


@router.get("/ruleChain/{rule_chain_id}/metadata")
async def get_metadata(
    rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession
) -> RuleChainMetaData:
    """Return a chain's nodes and connections."""
    return to_wire(await metadata.read(session, caller, rule_chain_id))


@router.post("/ruleChain")
async def save_rule_chain(
    body: RuleChainSave, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Create a rule chain without nodes or, with an id, change its own fields."""
    fields = service.ChainFields(
        name=body.name,
        type=body.type,
        debug_mode=body.debug_mode,
        configuration=body.configuration,
        additional_info=body.additional_info,
        external_id=body.external_id,
    )
    if body.id is None:
        saved = await service.create(session, caller, fields)
    else:
        saved = await service.update(session, caller, body.id, fields, version=body.version)
    return RuleChain.model_validate(saved)


@router.post("/ruleChain/device/default")
async def create_default_rule_chain(
    body: DefaultRuleChainCreateRequest, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Create a rule chain with the default nodes."""
    created = await metadata.create_default(session, caller, body.name)
    return RuleChain.model_validate(created.chain)


@router.post("/ruleChain/metadata")
async def save_metadata(
    body: RuleChainMetaDataSave,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
    catalogue: CatalogueDep,
) -> RuleChainMetaData:
    """Make a chain's nodes and connections what the body says."""
    if body.rule_chain_connections:
        msg = "ruleChainConnections cannot be saved: there is no 'rule chain' node to make of them"
        raise Invalid(msg)
    draft = GraphDraft(
        nodes=[_draft(node) for node in body.nodes or []],
        links=[Link(c.from_index, c.to_index, c.type) for c in body.connections or []],
        first_node_index=body.first_node_index,
        notes=body.notes or [],
        version=body.version,
    )
    saved = await metadata.save(
        session,
        caller,
        body.rule_chain_id,
        draft,
        catalogue=catalogue,
        now_ms=services.clock.now_ms(),
    )
    return to_wire(saved)


@router.post("/ruleChain/{rule_chain_id}/root")
async def set_root_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Make it the tenant's root rule chain."""
    return RuleChain.model_validate(await service.set_root(session, caller, rule_chain_id))


@router.delete("/ruleChain/{rule_chain_id}")
async def delete_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: WriteSession
) -> None:
    """Delete a rule chain that is not the root and that no profile names."""
    await service.delete(session, caller, rule_chain_id)


@router.get("/component/{clazz}")
async def get_component(
    clazz: str,
    caller: SysOrTenantAdmin,  # noqa: ARG001 - it says who may ask
    catalogue: CatalogueDep,
) -> ComponentDescriptor:
    """Describe one kind of rule node by its type."""
    for item in catalogue.describe():
        if item["clazz"] == clazz:
            return ComponentDescriptor.model_validate(item)
    msg = f"There is no rule node of type '{clazz}'"
    raise NotFound(msg)


@router.get("/components")
async def list_components(
    component_types: Annotated[str, Query(alias="componentTypes")],
    caller: SysOrTenantAdmin,  # noqa: ARG001 - it says who may ask
    catalogue: CatalogueDep,
) -> list[ComponentDescriptor]:
    """Describe the kinds of rule nodes of some types, given with commas between."""
    return _components(catalogue, set(component_types.split(",")))


@router.get("/components/{component_type}")
async def list_components_of_type(
    component_type: str,
    caller: SysOrTenantAdmin,  # noqa: ARG001 - it says who may ask
    catalogue: CatalogueDep,
) -> list[ComponentDescriptor]:
    """Describe the kinds of rule nodes of one type."""
    return _components(catalogue, {component_type})


def to_wire(found: metadata.Metadata) -> RuleChainMetaData:
    """Return a chain's metadata as the wire has it."""
    return RuleChainMetaData(
        rule_chain_id=found.chain.id,
        version=found.chain.version,
        first_node_index=found.first_node_index,
        nodes=[RuleNode.model_validate(node) for node in found.nodes],
        connections=[NodeConnectionInfo.model_validate(link) for link in found.links],
        notes=found.chain.notes,
    )


def _draft(node: RuleNodeSave) -> NodeDraft:
    debug_settings = node.debug_settings
    if debug_settings is None and node.debug_mode:
        debug_settings = {"failuresEnabled": True, "allEnabled": True}
    return NodeDraft(
        type=node.type,
        name=node.name,
        configuration=node.configuration,
        id=node.id,
        configuration_version=node.configuration_version,
        debug_settings=debug_settings,
        singleton_mode=node.singleton_mode,
        queue_name=node.queue_name,
        external_id=node.external_id,
        additional_info=node.additional_info,
    )


def _components(catalogue: NodeCatalogue, types: set[str]) -> list[ComponentDescriptor]:
    unknown = types - CORE_COMPONENTS
    if unknown:
        msg = (
            f"Unknown component type {', '.join(sorted(unknown))}; "
            f"one of {', '.join(sorted(CORE_COMPONENTS))} is possible"
        )
        raise Invalid(msg)
    return [
        ComponentDescriptor.model_validate(item)
        for item in catalogue.describe()
        if item["type"] in types
    ]
