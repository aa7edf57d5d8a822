"""What a rule node is: its declaration, what it is given, and what it answers.

One node is one file ``nodes/<kind>/<node>.py`` that holds a config model and one class. The folder
is the node's kind; nothing else needs to know of it (see ``rules/registry.py``).
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from fieldline.messaging.message import Message
from fieldline.rules.services import RuleServices

SUCCESS = "Success"
FAILURE = "Failure"

Outcome = tuple[str, Message] | list[tuple[str, Message]] | None
"""What a node answers: the relation to follow and the message to send there; a list of these for
several messages (an empty one ends the branch); None when the node keeps the message and will call
``context.proceed`` or ``context.fail`` for it, exactly once."""


def follow(relation: str, message: Message) -> Outcome:
    """Send ``message`` to the nodes that are connected by ``relation``."""
    return (relation, message)


class NodeConfig(BaseModel):
    """A node's configuration: camelCase on the wire; unknown properties are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class EmptyConfig(NodeConfig):
    """The configuration of a node that has nothing to set."""

    version: int = 0


C = TypeVar("C", bound=BaseModel)


class Context(ABC):
    """What a node sees of the world: who it is, the platform's parts, and how to go on later.

    There is one per node of a chain, alive as long as the chain is.
    """

    __slots__ = ("chain_id", "chain_name", "node_id", "node_name", "services", "tenant_id")

    tenant_id: UUID
    chain_id: UUID
    chain_name: str
    node_id: UUID
    node_name: str
    services: RuleServices

    @abstractmethod
    def proceed(self, relation: str, message: Message) -> None:
        """Go on with a message that the node had kept."""

    @abstractmethod
    def fail(self, message: Message, reason: Exception) -> None:
        """Follow Failure with a message that the node had kept."""


class _AnyNode(ABC, Generic[C]):
    """What both kinds of node declare.

    ``name`` is shown to people; ``type`` is the wire's id and never changes; ``relations`` are the
    labels that it may follow, Failure being understood. ``configuration_version`` is raised when
    the meaning of stored configurations changes; :meth:`upgrade` then brings old ones up to date.
    """

    Config: ClassVar[type[BaseModel]]
    name: ClassVar[str]
    type: ClassVar[str]
    relations: ClassVar[tuple[str, ...]] = (SUCCESS,)
    configuration_version: ClassVar[int] = 0
    icon: ClassVar[str] = ""
    form: ClassVar[str] = ""
    """The directive by which ThingsBoard's console draws the form."""
    has_custom_relations: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, BaseModel):
                    cls.Config = argument

    def __init__(self, config: C) -> None:
        self.config = config

    @classmethod
    def upgrade(cls, configuration: dict[str, Any], version: int) -> dict[str, Any]:
        """Return a stored configuration of an older version in the form of the current one."""
        del version
        return configuration

    async def start(self, context: Context) -> None:
        """Get ready; a node that raises here is inactive: every message to it fails."""

    async def stop(self) -> None:
        """Give back what :meth:`start` took."""


class Node(_AnyNode[C]):
    """A node that is a plain call on the event loop: it must not wait."""

    @abstractmethod
    def process(self, message: Message, context: Context) -> Outcome:
        """Take one message; what it raises follows Failure."""


class AsyncNode(_AnyNode[C]):
    """A node that waits. Messages of one originator pass it one after the other, in order.

    The engine bounds how many run at once and how long one may take (then Failure); a node that
    waits for the platform's own store sets ``waits_for_store`` and may take any time, since a
    store that is away is waited for.
    """

    waits_for_store: ClassVar[bool] = False

    @abstractmethod
    async def process(self, message: Message, context: Context) -> Outcome:
        """Take one message; what it raises follows Failure."""
