"""Every router of the application: the API's table of contents."""

from fastapi import APIRouter

from fieldline.api.v1 import auth as v1_auth
from fieldline.api.v1 import customers as v1_customers
from fieldline.api.v1 import tenants as v1_tenants
from fieldline.api.v1 import users as v1_users
from fieldline.domains.customer import endpoints as customer
from fieldline.domains.login import endpoints as login
from fieldline.domains.tenant import endpoints as tenant
from fieldline.domains.tenant_profile import endpoints as tenant_profile
from fieldline.domains.user import endpoints as user

THINGSBOARD: list[APIRouter] = [
    login.router,
    tenant.router,
    tenant_profile.router,
    customer.router,
    user.router,
]
V1: list[APIRouter] = [
    v1_auth.router,
    v1_tenants.router,
    v1_customers.router,
    v1_users.router,
]
