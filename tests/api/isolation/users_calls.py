"""How the routes about mails, tokens and settings of users are called with somebody else's ids."""

from tests.api.isolation.calls import PAGE, PLAIN, Call, only
from tests.api.isolation.world import SYSADMIN

_USER_OR_ADMIN = only(Call(), Call(path={"user_id": "$admin"}, may=(SYSADMIN,)))

USER_CALLS: dict[str, list[Call]] = {
    "POST /api/user/sendActivationMail": only(
        Call("email=user@victim.org"), Call("email=admin@victim.org", may=(SYSADMIN,))
    ),
    "GET /api/user/tokenAccessEnabled": PLAIN,
    "GET /api/user/{user_id}/token": _USER_OR_ADMIN,
    "GET /api/users/assign/{alarm_id}": only(
        Call(PAGE), Call(PAGE, path={"alarm_id": "$own_alarm"})
    ),
}
V1_USER_CALLS: dict[str, list[Call]] = {
    "POST /users/{user_id}/activation_mail": _USER_OR_ADMIN,
    "GET /users/{user_id}/reset_link": _USER_OR_ADMIN,
}
_SETTINGS = "/api/user/settings"
SETTINGS_OF_THE_CALLER = {
    f"GET {_SETTINGS}",
    f"POST {_SETTINGS}",
    f"PUT {_SETTINGS}",
    f"DELETE {_SETTINGS}/{{paths}}",
    f"GET {_SETTINGS}/{{type_name}}",
    f"PUT {_SETTINGS}/{{type_name}}",
    f"DELETE {_SETTINGS}/{{type_name}}/{{paths}}",
}
"""They take nobody's id."""
PUBLIC = {
    "GET /login/createPassword",
    "POST /login/createPassword",
    "GET /login/resetPassword",
    "POST /login/resetPassword",
    "GET /activationLinkExpired",
    "GET /passwordResetLinkExpired",
    "POST /api/noauth/resetPasswordByEmail",
    "GET /api/noauth/resetPassword",
    "POST /api/noauth/resetPassword",
    *(
        f"POST {prefix}/auth/{name}"
        for prefix in ("/api", "/api/v1")
        for name in ("activate", "resetPasswordByEmail", "resetPassword")
    ),
}
"""What people call who cannot log in yet."""
