"""Every setting, read once from the environment (and a ``.env`` file) into one frozen object.

Only ``app`` and ``cli`` import this; everything else is given what it needs as arguments.
The names are part of the contract (``docs/reference/settings.md``); ``fieldline settings`` lists
them with their meaning and present value.
"""

from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from fieldline.kit.errors import Invalid
from fieldline.kit.text import check_email

Port = Annotated[int, Field(ge=0, le=65535)]
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]

MIN_SECRET_KEY_CHARACTERS = 32
"""Of ``SECRET_KEY`` in production; the generated one has 64."""


class Settings(BaseSettings):
    """All settings. A field's name in capitals is its environment variable."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, case_sensitive=False
    )

    environment: Literal["development", "production"] = Field(
        "development",
        description="production hides the API documentation and refuses a weak SECRET_KEY.",
    )
    debug: bool = Field(default=False, description="Logs at level DEBUG instead of INFO.")
    data_dir: Path = Field(
        Path("data"),
        validation_alias=AliasChoices("FIELDLINE_DATA_DIR", "data_dir"),
        description="Folder of the embedded store and the generated root key.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the log lines on standard error."
    )

    # Secrets and tokens
    secret_key: SecretStr | None = Field(
        None,
        description="Root key that encrypts signing keys and device credentials; without it a file "
        "secret.key of mode 0600 is made in the data folder.",
    )
    admin_password: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("FIELDLINE_ADMIN_PASSWORD", "admin_password"),
        description="Password of the first system administrator, used at the first start only; "
        "without it one is generated and shown once.",
    )
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = Field(
        "HS256", description="How access tokens are signed."
    )
    access_token_expire_minutes: Positive = Field(60, description="Life of an access token.")
    refresh_token_expire_days: Positive = Field(30, description="Life of a refresh token.")

    # Entities' database
    postgres_server: str | None = Field(
        None, description="Host of PostgreSQL; without it the embedded SQLite store is used."
    )
    postgres_port: Port = Field(5432, description="Port of PostgreSQL.")
    postgres_user: str = Field("fieldline", description="User of PostgreSQL.")
    postgres_password: SecretStr | None = Field(None, description="Password of PostgreSQL.")
    postgres_db: str = Field("fieldline", description="Database of PostgreSQL; it must exist.")
    postgres_pool_size: Positive = Field(20, description="Connections kept open to PostgreSQL.")
    postgres_max_overflow: NotNegative = Field(
        40, description="Connections opened beyond the pool while it is used up."
    )
    auto_migrate: bool | None = Field(
        None,
        description="Brings the schema up to date at start; by default only for the embedded "
        "store. Otherwise run `fieldline migrate`.",
    )

    # Not built yet: the switches are off, and switching one on is refused at start
    redis_host: str | None = Field(None, description="Host of Redis (not available yet).")
    redis_port: Port = Field(6379, description="Port of Redis.")
    redis_db: NotNegative = Field(0, description="Database number of Redis.")
    redis_password: SecretStr | None = Field(None, description="Password of Redis.")
    kafka_enabled: bool = Field(default=False, description="Kafka as the bus (not available yet).")
    kafka_bootstrap_servers: str = Field("localhost:9092", description="Kafka's brokers.")
    kafka_topic_prefix: str = Field("fieldline", description="Prefix of Kafka's topics.")
    cassandra_enabled: bool = Field(
        default=False, description="Cassandra for time series (not available yet)."
    )
    cassandra_hosts: str = Field("localhost", description="Cassandra's contact points.")
    cassandra_port: Port = Field(9042, description="Cassandra's port.")
    cassandra_keyspace: str = Field("fieldline", description="Cassandra's keyspace.")
    coap_enabled: bool = Field(default=False, description="CoAP transport (not available yet).")
    coap_bind_port: Port = Field(5683, description="CoAP's UDP port.")
    lwm2m_enabled: bool = Field(default=False, description="LwM2M transport (not available yet).")
    lwm2m_bind_port: Port = Field(5685, description="LwM2M's UDP port.")

    # HTTP
    http_bind_address: str = Field("0.0.0.0", description="Address of the HTTP port.")  # noqa: S104
    http_bind_port: Port = Field(
        8080, description="Port of REST, WebSocket, the HTTP device API and health."
    )
    http_transport_enabled: bool = Field(default=True, description="The HTTP device API.")
    http_ssl_enabled: bool = Field(default=False, description="Serves HTTPS instead of HTTP.")
    http_ssl_certificate: Path | None = Field(
        None, description="PEM file of HTTPS's certificate chain."
    )
    http_ssl_key: Path | None = Field(None, description="PEM file of HTTPS's private key.")
    base_url: str | None = Field(
        None,
        description="How people reach the HTTP port, for links; by default from port and TLS.",
    )
    api_docs_enabled: bool | None = Field(
        None,
        description="Serves /swagger-ui, /redoc and /openapi.json; by default all but production.",
    )
    metrics_enabled: bool = Field(
        default=True,
        description="Serves /metrics without a token; when false, only to system administrators.",
    )

    # Users and mail
    user_token_access_enabled: bool = Field(
        default=True,
        description="Lets a system administrator act as a tenant administrator, and that one as a "
        "customer user of the tenant, by a token of theirs.",
    )
    mail_server: str | None = Field(
        None,
        description="Host of the mail server (SMTP); without it nothing is mailed, and "
        "administrators pass on the links to activate users and to reset passwords.",
    )
    mail_port: Port | None = Field(
        None,
        description="Port of the mail server; by default 587 for starttls, 465 for tls, 25 for "
        "none.",
    )
    mail_username: str | None = Field(
        None, description="User name at the mail server; without it there is no log-in."
    )
    mail_password: SecretStr | None = Field(None, description="Password at the mail server.")
    mail_tls: Literal["none", "starttls", "tls"] = Field(
        "starttls",
        description="Encryption to the mail server: starttls on the plain port, tls from the "
        "start, or none.",
    )
    mail_from: str | None = Field(
        None,
        description="Sender of every mail, an address or `Name <address>`; needed with "
        "MAIL_SERVER.",
    )
    mail_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        10.0, description="Time that the mail server may take for one mail."
    )

    # Claiming of devices
    security_claim_allow_claiming_by_default: bool = Field(
        default=True,
        description="Lets every device be claimed by a customer user; when false, only devices "
        "with the server attribute claimingAllowed = true.",
    )
    security_claim_duration_ms: Positive = Field(
        86_400_000,
        description="How long a device can be claimed, in ms, when its claim request does not say.",
    )

    # MQTT
    mqtt_enabled: bool = Field(default=True, description="The MQTT transport.")
    mqtt_bind_address: str = Field("0.0.0.0", description="Address of the MQTT ports.")  # noqa: S104
    mqtt_bind_port: Port = Field(1883, description="Port of MQTT.")
    mqtt_ssl_enabled: bool = Field(
        default=False, description="MQTT over TLS, on a port beside the plain one."
    )
    mqtt_ssl_bind_port: Port = Field(8883, description="Port of MQTT over TLS.")
    mqtt_ssl_certificate: Path | None = Field(
        None, description="PEM file of MQTT's certificate chain."
    )
    mqtt_ssl_key: Path | None = Field(None, description="PEM file of MQTT's private key.")
    mqtt_ssl_client_ca: Path | None = Field(
        None,
        description="PEM file of the authorities of devices that sign on by X.509, beside those of "
        "device profiles; without any no client certificate is asked for.",
    )
    mqtt_max_connections: Positive = Field(
        15_000, description="MQTT connections at a time; the next one is refused."
    )

    rate_limit_enabled: bool = Field(
        default=True, description="Devices are held to the rate limits of their tenant's profile."
    )
    device_login_max_failures: NotNegative = Field(
        10,
        description="New wrong credentials of devices that may come from one address (of IPv6: one "
        "/64) within DEVICE_LOGIN_BLOCK_SECONDS; 0 lets anything be tried. Credentials that were "
        "right from there before are still let through.",
    )
    device_login_max_failures_per_user: Positive = Field(
        100, description="New wrong passwords that may come for one MQTT user name, likewise."
    )
    device_login_block_seconds: Positive = Field(
        60, description="For how long further credentials are then refused unseen."
    )
    device_login_exempt_addresses: str = Field(
        "",
        description="Addresses and networks that stand for many clients (load balancers, a plant's "
        "router), separated by commas, as 10.0.0.5,192.168.0.0/16: nothing is counted for them.",
    )
    device_inactivity_timeout_seconds: Positive = Field(
        600,
        description="How long a device may be silent before it is inactive; its own "
        "inactivityTimeout, or its profile's, a server attribute in ms, goes before.",
    )

    # OTA updates
    ota_max_package_mb: Positive = Field(
        100, description="Size of one OTA package's file at the most, in MiB."
    )
    ota_updates_per_minute: Positive = Field(
        600, description="Devices that are told of a new OTA package in a minute at the most."
    )
    ota_cache_mb: Positive = Field(
        8, description="Memory for the parts of OTA packages that devices are downloading."
    )

    # Readings and rules
    telemetry_max_string_value_length: NotNegative = Field(
        0, description="Characters of a string value at the most; 0 for no limit."
    )
    telemetry_ttl_days: NotNegative = Field(
        0, description="Readings older than this are deleted; 0 keeps them for ever."
    )
    audit_log_ttl_days: NotNegative = Field(
        365, description="Records of the audit log older than this are deleted; 0 keeps them."
    )
    debug_events_ttl_days: NotNegative = Field(
        7, description="Events of debugged rule chains older than this are deleted; 0 keeps them."
    )
    debug_events_quota: Annotated[str, Field(pattern=r"^[1-9]\d{0,8}:[1-9]\d{0,8}$")] = Field(
        "50000:3600",
        description="Debug events of one tenant at the most, as count:seconds; more are not "
        "recorded.",
    )
    max_pending_rows: Positive = Field(
        100_000, description="Rows waiting for the store before edges stop reading."
    )
    rule_node_timeout_seconds: Annotated[float, Field(gt=0)] = Field(
        10.0, description="Time that a rule node that waits may take before it fails."
    )
    script_timeout_ms: Positive = Field(500, description="Time of one script call.")
    script_memory_mb: Positive = Field(16, description="Memory of one script context.")
    websocket_max_sessions: Positive = Field(1_000, description="WebSocket sessions at a time.")
    websocket_max_subscriptions_per_session: Positive = Field(
        1_000, description="Subscriptions of one WebSocket session."
    )
    default_tenant_device_limit: NotNegative = Field(
        0, description="maxDevices of the default tenant profile when it is made; 0 for no limit."
    )
    default_tenant_asset_limit: NotNegative = Field(
        0, description="maxAssets of the default tenant profile when it is made; 0 for no limit."
    )
    max_integrations_per_tenant: NotNegative = Field(
        50, description="MQTT integrations that a tenant may have; 0 for no limit."
    )
    outbound_denied_networks: str = Field(
        "169.254.0.0/16,fe80::/10,fd00:ec2::254,100.100.100.200,168.63.129.16",
        description="Networks that connections which tenants ask for (integrations) must not go "
        "to, separated by commas. By default those where clouds tell a machine its secrets "
        "(link-local and a few more); where tenants are strangers also 127.0.0.0/8,::1 and one's "
        "own.",
    )
    demo_on_network: bool = Field(
        default=False,
        validation_alias=AliasChoices("FIELDLINE_DEMO_ON_NETWORK", "demo_on_network"),
        description="Lets --demo, with its well-known passwords, bind to other addresses than "
        "127.0.0.1.",
    )

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for prefix in ("http", "mqtt"):
            if getattr(self, f"{prefix}_ssl_enabled"):
                for part in ("certificate", "key"):
                    path: Path | None = getattr(self, f"{prefix}_ssl_{part}")
                    name = f"{prefix}_ssl_{part}".upper()
                    if path is None or not path.is_file():
                        msg = (
                            f"{name} must name a PEM file that can be read when "
                            f"{prefix.upper()}_SSL_ENABLED is true; it is {str(path)!r}"
                        )
                        raise ValueError(msg)
        _check_mail(self)
        _ = self.exempt_networks, self.denied_networks
        for name in _NOT_BUILT:
            if getattr(self, name):
                msg = f"{name.upper()} is set, but this version of Fieldline has no such part yet"
                raise ValueError(msg)
        if self.environment == "production":
            _refuse_weak_key(self.secret_key)
        return self

    @property
    def should_migrate(self) -> bool:
        """Whether the schema is brought up to date at start."""
        return self.auto_migrate if self.auto_migrate is not None else self.is_embedded

    @property
    def is_embedded(self) -> bool:
        """Whether the store is the SQLite file in the data folder."""
        return self.postgres_server is None

    @property
    def exempt_networks(self) -> list[IPv4Network | IPv6Network]:
        """What ``DEVICE_LOGIN_EXEMPT_ADDRESSES`` names."""
        return _networks("device_login_exempt_addresses", self.device_login_exempt_addresses)

    @property
    def denied_networks(self) -> list[IPv4Network | IPv6Network]:
        """What ``OUTBOUND_DENIED_NETWORKS`` names."""
        return _networks("outbound_denied_networks", self.outbound_denied_networks)

    @property
    def serves_docs(self) -> bool:
        if self.api_docs_enabled is not None:
            return self.api_docs_enabled
        return self.environment != "production"

    @property
    def public_url(self) -> str:
        """How people reach the HTTP port."""
        if self.base_url:
            return self.base_url.rstrip("/")
        scheme = "https" if self.http_ssl_enabled else "http"
        return f"{scheme}://localhost:{self.http_bind_port}"


_NOT_BUILT = (
    "redis_host",
    "kafka_enabled",
    "cassandra_enabled",
    "coap_enabled",
    "lwm2m_enabled",
)


def _networks(name: str, text: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip()]
    except ValueError as error:
        msg = f"{name.upper()} is not right: {error}; it may be 10.0.0.0/8,::1"
        raise ValueError(msg) from error


def load_settings(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` (by field name) win over the environment.

    Raises:
        Invalid: a value does not parse; the text has one line per wrong variable, with the
            variable, the value and what would be right.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Invalid("; ".join(_explain(item) for item in error.errors())) from error


def variable_of(field_name: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[field_name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return field_name.upper()


def _explain(item: ErrorDetails) -> str:
    if not item["loc"]:
        return item["msg"].removeprefix("Value error, ")
    location = str(item["loc"][0])
    name = location if location.isupper() else variable_of(location)
    shown = "***" if "key" in location or "password" in location else repr(item["input"])
    return f"{name}={shown} is not right: {item['msg'][0].lower()}{item['msg'][1:]}"


def _check_mail(settings: Settings) -> None:
    if settings.mail_server is None:
        return
    sender = settings.mail_from or ""
    try:
        check_email(parseaddr(sender)[1] if sender.isprintable() else None)
    except Invalid as error:
        msg = (
            f"MAIL_FROM={settings.mail_from!r} is not right: with MAIL_SERVER it must be the "
            "sender's address, as in iot@example.org or Fieldline <iot@example.org>"
        )
        raise ValueError(msg) from error
    if (settings.mail_username is None) != (settings.mail_password is None):
        msg = "MAIL_USERNAME and MAIL_PASSWORD go together: give both, or none for no log-in"
        raise ValueError(msg)


def _refuse_weak_key(key: SecretStr | None) -> None:
    if key is not None and len(set(key.get_secret_value())) < MIN_SECRET_KEY_CHARACTERS // 2:
        weak = True
    else:
        weak = key is not None and len(key.get_secret_value()) < MIN_SECRET_KEY_CHARACTERS
    if weak:
        msg = (
            f"SECRET_KEY is too weak for production: give at least {MIN_SECRET_KEY_CHARACTERS} "
            "random characters, or leave it out to have one generated"
        )
        raise ValueError(msg)
