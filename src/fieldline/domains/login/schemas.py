"""Log-in and passwords on ThingsBoard's wire; on these paths v1's names are read as well."""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field

from fieldline.rest.wire import TbModel


class LoginRequest(BaseModel):
    """An address, as ``username`` or as ``email``, and its password."""

    model_config = ConfigDict(extra="ignore")

    username: str | None = Field(None, validation_alias=AliasChoices("username", "email"))
    password: str | None = None


class PublicLoginRequest(TbModel):
    """The id of a tenant's public customer."""

    public_id: str | None = None


class RefreshRequest(BaseModel):
    """A refresh token."""

    model_config = ConfigDict(extra="ignore")

    refresh_token: str | None = Field(
        None, validation_alias=AliasChoices("refreshToken", "refresh_token")
    )


class ChangePasswordRequest(BaseModel):
    """The old and the new password."""

    model_config = ConfigDict(extra="ignore")

    current: str | None = Field(
        None, validation_alias=AliasChoices("currentPassword", "current_password")
    )
    new: str | None = Field(None, validation_alias=AliasChoices("newPassword", "new_password"))


class ActivateRequest(TbModel):
    """The token of an activation link, and the password chosen."""

    activate_token: str = ""
    password: str = ""


class ResetMailRequest(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="ignore")

    email: str | None = None


class ResetRequest(TbModel):
    """The token of a reset link, and the password chosen."""

    reset_token: str = ""
    password: str = ""


class Tokens(BaseModel):
    """A pair of tokens, by the names of both dialects."""

    token: str
    refresh_token: str

    @computed_field(alias="refreshToken")  # type: ignore[prop-decorator]
    @property
    def refresh_token_camel(self) -> str:
        return self.refresh_token


class PasswordPolicy(TbModel):
    """What a password must be."""

    minimum_length: int
    maximum_length: int
    minimum_uppercase_letters: int | None = None
    minimum_lowercase_letters: int | None = None
    minimum_digits: int | None = None
    minimum_special_characters: int | None = None
    allow_whitespaces: bool = True
    force_user_to_reset_password_if_not_valid: bool = False
    password_expiration_period_days: int | None = None
    password_reuse_frequency_days: int | None = None
