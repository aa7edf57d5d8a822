"""Tables of readings, latest values and attributes.

Both databases hold the same columns; a value sits in the one column of its type. What differs is
how rows lie on the disk:

- SQLite: ``WITHOUT ROWID``, so that the points of one series are neighbours. Value columns have no
  declared type, because a REAL column would turn -0.0 into 0.
- PostgreSQL: the history is partitioned by month of ``ts``, so that old months are dropped as a
  whole. The store makes months ahead; the default partition takes every other time, so that a wrong
  clock never makes tables. Pages of latest values and attributes keep room for updates in place.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE = (
    """CREATE TABLE key_dictionary (
        key_id INTEGER NOT NULL PRIMARY KEY,
        key TEXT NOT NULL UNIQUE
    )""",
    """CREATE TABLE ts_kv (
        entity_id BLOB NOT NULL,
        key_id INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        bool_v, str_v, long_v, dbl_v, json_v,
        PRIMARY KEY (entity_id, key_id, ts)
    ) WITHOUT ROWID""",
    """CREATE TABLE ts_kv_latest (
        entity_id BLOB NOT NULL,
        key_id INTEGER NOT NULL,
        ts INTEGER NOT NULL,
        bool_v, str_v, long_v, dbl_v, json_v,
        PRIMARY KEY (entity_id, key_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE attribute_kv (
        entity_id BLOB NOT NULL,
        scope INTEGER NOT NULL,
        key_id INTEGER NOT NULL,
        last_update_ts INTEGER NOT NULL,
        bool_v, str_v, long_v, dbl_v, json_v,
        PRIMARY KEY (entity_id, scope, key_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX ix_attribute_kv_key ON attribute_kv (key_id, scope)",
)

POSTGRESQL = (
    """CREATE TABLE key_dictionary (
        key_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text COLLATE "C" NOT NULL UNIQUE
    )""",
    """CREATE TABLE ts_kv (
        entity_id uuid NOT NULL,
        ts bigint NOT NULL,
        key_id integer NOT NULL,
        bool_v boolean,
        long_v bigint,
        dbl_v double precision,
        str_v text,
        json_v text,
        PRIMARY KEY (entity_id, key_id, ts)
    ) PARTITION BY RANGE (ts)""",
    "CREATE TABLE ts_kv_default PARTITION OF ts_kv DEFAULT",
    """CREATE TABLE ts_kv_latest (
        entity_id uuid NOT NULL,
        ts bigint NOT NULL,
        key_id integer NOT NULL,
        bool_v boolean,
        long_v bigint,
        dbl_v double precision,
        str_v text,
        json_v text,
        PRIMARY KEY (entity_id, key_id)
    ) WITH (fillfactor = 70)""",
    """CREATE TABLE attribute_kv (
        entity_id uuid NOT NULL,
        last_update_ts bigint NOT NULL,
        key_id integer NOT NULL,
        scope smallint NOT NULL,
        bool_v boolean,
        long_v bigint,
        dbl_v double precision,
        str_v text,
        json_v text,
        PRIMARY KEY (entity_id, scope, key_id)
    ) WITH (fillfactor = 70)""",
    "CREATE INDEX ix_attribute_kv_key ON attribute_kv (key_id, scope)",
)

TABLES = ("attribute_kv", "ts_kv_latest", "ts_kv", "key_dictionary")


def upgrade() -> None:
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
