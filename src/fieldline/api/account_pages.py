"""The pages that links in mails lead to, where nothing else serves them.

A person chooses a password by a plain form, without scripts. ThingsBoard's web client has pages of
its own at these paths; in front of Fieldline it answers first.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from html import escape
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from fieldline.api.errors import problem_of
from fieldline.domains.login import recovery, service
from fieldline.kit.errors import FieldlineError, Invalid
from fieldline.rest.callers import public
from fieldline.rest.services import ServicesDep

MAX_FIELDS = 10
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    # The page's address and content hold a token.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Fieldline: {title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>body {{ font: 1rem sans-serif; max-width: 22rem; margin: 4rem auto; padding: 0 1rem }}
input, button {{ font: inherit; display: block; width: 100%; box-sizing: border-box;
margin: .3rem 0 1rem; padding: .5rem }} [role=alert] {{ color: #b00020 }}</style>
</head><body><h1>{title}</h1>
{content}</body></html>
"""
_FORM = """<form method="post" action="{action}">
<input type="hidden" name="token" value="{token}">
<label>New password
<input type="password" name="password" autocomplete="new-password" required autofocus></label>
<label>The same again
<input type="password" name="again" autocomplete="new-password" required></label>
<button>Save</button></form>
"""
CREATE, RESET = "/login/createPassword", "/login/resetPassword"
TITLES = {CREATE: "Choose a password", RESET: "Choose a new password"}

router = APIRouter(include_in_schema=False, dependencies=[public])


@router.get(CREATE)
async def show_create(token: Annotated[str, Query(alias="activateToken")] = "") -> Response:
    """Let a new user choose a password."""
    return _form(CREATE, token)


@router.post(CREATE)
async def create(request: Request, services: ServicesDep) -> Response:
    """Activate the account."""
    activate = partial(service.activate, services, send_mail=True)
    return await _submit(CREATE, request, activate, "Your account is active: you can log in.")


@router.get(RESET)
async def show_reset(token: Annotated[str, Query(alias="resetToken")] = "") -> Response:
    """Let a user who forgot the password choose a new one."""
    return _form(RESET, token)


@router.post(RESET)
async def reset(request: Request, services: ServicesDep) -> Response:
    """Set the new password."""
    change = partial(recovery.reset_password, services)
    return await _submit(RESET, request, change, "Log in with your new password.")


@router.get("/activationLinkExpired")
async def show_activation_expired() -> Response:
    """Say that an activation link is too old."""
    return _page("This link is too old", "<p>Ask your administrator for a new one.</p>")


@router.get("/passwordResetLinkExpired")
async def show_reset_expired() -> Response:
    """Say that a reset link is too old."""
    return _page("This link is too old", "<p>Ask for a new one where you log in.</p>")


async def _submit(
    path: str, request: Request, act: Callable[[str, str], Awaitable[object]], done: str
) -> Response:
    """Do what a form asks for; show what is wrong above the same form."""
    fields = await _fields(request)
    token, password = fields.get("token", ""), fields.get("password", "")
    try:
        if password != fields.get("again"):
            raise Invalid("The two passwords are not the same")
        await act(token, password)
    except FieldlineError as error:
        problem = problem_of(error)
        return _form(path, token, error.message, problem.status, problem.headers)
    return _page("Done", f"<p>{escape(done)}</p>")


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form, none when it cannot be read."""
    try:
        found = parse_qs((await request.body()).decode(), max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _form(
    path: str,
    token: str,
    problem: str = "",
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    told = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    content = told + _FORM.format(action=path, token=escape(token))
    return _page(TITLES[path], content, status, headers)


def _page(
    title: str,
    content: str,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    page = _PAGE.format(title=title, content=content)
    return HTMLResponse(page, status, headers=HEADERS | dict(headers or {}))
