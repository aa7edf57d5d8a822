"""What a change of one entity brings about in other domains, within the same transaction."""

from fieldline.database.engine import Reaction
from fieldline.domains.alarm import handlers as alarm_handlers
from fieldline.domains.alarm_comment import handlers as alarm_comment_handlers
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.entity import handlers as entity_handlers
from fieldline.domains.entity_view import handlers as entity_view_handlers
from fieldline.domains.ota_update import handlers as ota_update_handlers
from fieldline.domains.purge import service as purge_service
from fieldline.domains.relation import handlers as relation_handlers
from fieldline.domains.sub_device import handlers as sub_device_handlers
from fieldline.domains.user import handlers as user_handlers

REACTIONS: tuple[Reaction, ...] = (
    entity_view_handlers.keep_targets,
    user_handlers.leave_with_customer,
    alarm_handlers.release_alarms,
    alarm_comment_handlers.note,
    relation_handlers.leave_with_entity,
    purge_service.note,
    audit_log_service.note,
    ota_update_handlers.follow_assignments,
    sub_device_handlers.tell_gateway,
    entity_handlers.tell_rules,
    relation_handlers.tell_rules,
    alarm_handlers.tell_rules,
)
"""In their order. What may refuse stands first, then what causes further events, then records."""
