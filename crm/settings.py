"""All settings, read strictly from the environment: a missing or malformed one stops the start with its name.

`.env.example` lists every variable. `./careline start` fills them for the embedded mode.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from environs import Env

from foundation.common.errors import BadSetting

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

CARELINE_MODE = env.str("CARELINE_MODE")
if CARELINE_MODE not in {"embedded", "production", "test"}:
    raise BadSetting(f"CARELINE_MODE must be embedded, production or test, not {CARELINE_MODE!r}")
PRODUCTION = CARELINE_MODE == "production"
DEBUG = env.bool("CARELINE_DEBUG", False)
if PRODUCTION and DEBUG:
    raise BadSetting("CARELINE_DEBUG must be off in production")


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadSetting(f"{name} must be base64") from error
    if len(key) != 32:
        raise BadSetting(f"{name} must be 32 bytes in base64, this is {len(key)}")
    return key


SECRET_KEY = env.str("CARELINE_SECRET_KEY")
if len(SECRET_KEY) < 32:
    raise BadSetting("CARELINE_SECRET_KEY must have at least 32 characters")
CARELINE_ID_KEYS = {
    name: _key("CARELINE_ID_KEYS", text)
    for name, _, text in (entry.strip().partition(":") for entry in env.str("CARELINE_ID_KEYS").split(","))
}
CARELINE_INDEX_KEY = _key("CARELINE_INDEX_KEY", env.str("CARELINE_INDEX_KEY"))
CARELINE_AUDIT_KEY = _key("CARELINE_AUDIT_KEY", env.str("CARELINE_AUDIT_KEY"))
CARELINE_STATE_DIR = Path(env.str("CARELINE_STATE_DIR"))
CARELINE_FILES_DIR = Path(env.str("CARELINE_FILES_DIR", str(CARELINE_STATE_DIR / "files")))
CARELINE_PUBLIC_URL = env.str("CARELINE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
CARELINE_HUB_HOSTS: list[str] = env.list("CARELINE_HUB_HOSTS", [])
CARELINE_HUB_NETWORKS: list[str] = env.list("CARELINE_HUB_NETWORKS", [])
CARELINE_TELEPHONY_KEY = env.str("CARELINE_TELEPHONY_KEY", "")
CARELINE_MAINTENANCE = env.bool("CARELINE_MAINTENANCE", False)
CARELINE_METRICS_TOKEN = env.str("CARELINE_METRICS_TOKEN", "")

ALLOWED_HOSTS = env.list("CARELINE_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [CARELINE_PUBLIC_URL]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "django_prometheus",
    "template_partials",
    "foundation.common",
    "foundation.audit",
    "foundation.calendars",
    "foundation.policies",
    "foundation.ui",
    "foundation.jobs",
    "foundation.rest",
    "staff",
    "staff.exports",
    "customers",
    "customers.imports",
    "outreach",
    "interactions",
    "billing",
    "complaints",
    "workspace",
    "crm",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "foundation.ui.middleware.ServerTiming",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "foundation.ui.middleware.SecurityHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "crm.maintenance.Maintenance",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "staff.middleware.IdleSignOut",
    "staff.middleware.OwnLanguage",
    "foundation.ui.middleware.ExpiredSession",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "staff.middleware.Gate",
    "customers.merging.following.FollowMerged",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["foundation.ui.templatetags.ui", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "foundation.ui.context.shell",
                "workspace.context.ribbon",
            ],
        },
    }
]

FORM_RENDERER = "foundation.ui.widgetry.WidgetRenderer"

DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
DATABASES["default"].update(
    CONN_MAX_AGE=env.int("CARELINE_CONN_MAX_AGE", 600),
    CONN_HEALTH_CHECKS=True,
    # A URL may ask for TLS. What is planned once stays so (foundation.common.prepared): left to itself the database
    # plans most of these statements anew each time, which costs it several times what running them does.
    OPTIONS=DATABASES["default"].get("OPTIONS", {})
    | {"options": "-c lock_timeout=5000 -c plan_cache_mode=force_generic_plan"},
)
if DATABASES["default"]["CONN_MAX_AGE"] == 0:  # behind a transaction-mode pooler
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
for alias, variable in (("direct", "DIRECT_DATABASE_URL"), ("replica", "REPLICA_DATABASE_URL")):
    if env.str(variable, ""):
        DATABASES[alias] = env.dj_db_url(variable) | {"TEST": {"MIRROR": "default"}}
if "replica" in DATABASES:
    DATABASES["replica"].update(
        CONN_MAX_AGE=DATABASES["default"]["CONN_MAX_AGE"],
        CONN_HEALTH_CHECKS=True,
        OPTIONS=DATABASES["replica"].get("OPTIONS", {}) | {"options": "-c default_transaction_read_only=on"},
        DISABLE_SERVER_SIDE_CURSORS=DATABASES["default"].get("DISABLE_SERVER_SIDE_CURSORS", False),
    )
    DATABASE_ROUTERS = ["foundation.common.replica.ReplicaRouter"]
DATABASES["default"].setdefault("TEST", {}).update(
    NAME=env.str("CARELINE_TEST_DB", "test_careline"),
    TEMPLATE=env.str("CARELINE_TEST_TEMPLATE", "") or None,  # a migrated database to copy
)
# Row-level locks and idempotency keys rely on seeing the winner's row.
DATABASES["default"]["ATOMIC_REQUESTS"] = False

CACHES = {"default": {"BACKEND": "crm.cache.Cache", "LOCATION": env.str("CACHE_URL")}}

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "staff.rights.RoleBackend",
    "staff.backends.StaffBackend",
]
API_USERS_BACKEND = "staff.backends.StaffBackend"  # the users behind programs
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "workspace:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "staff.adapters.StaffAccountAdapter"
ACCOUNT_FORMS = {
    "login": "staff.forms.SignInForm",
    "reauthenticate": "staff.forms.ConfirmForm",
    "change_password": "staff.forms.OwnPasswordForm",
}
# Passwords are guarded by axes below, account by account: a whole hall may sit behind one address. What stays here
# holds guessing of one-time codes (its key is the user) and floods.
ACCOUNT_RATE_LIMITS = {"login": "600/m/ip", "login_failed": "600/m/ip,10/5m/key", "change_password": "10/m/user"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("CARELINE_TRUSTED_PROXIES", 1 if PRODUCTION else 0)
MFA_ADAPTER = "staff.adapters.StaffMFAAdapter"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Careline"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page promised a time
AXES_LOCKOUT_CALLABLE = "staff.signin.locked_out"
AXES_USERNAME_CALLABLE = "staff.signin.account_of"
AXES_CLIENT_IP_CALLABLE = "staff.signin.client_ip"
AXES_USERNAME_FORM_FIELD = "login"
AXES_SENSITIVE_PARAMETERS = ["login"]  # people type passwords into the wrong field
AXES_DISABLE_ACCESS_LOG = True  # the audit records it
USERSESSIONS_TRACK_ACTIVITY = False
SECOND_FACTOR_ENFORCED = PRODUCTION  # on sample data it is offered, else a stranger could not enter as a manager

SESSION_COOKIE_AGE = env.int("CARELINE_IDLE_SECONDS", 30 * 60)
SESSION_SAVE_EVERY_REQUEST = False
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_USE_SESSIONS = True
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["security.W002"]  # foundation.ui.middleware.SecurityHeaders sends X-Frame-Options
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("CARELINE_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "\u7b80\u4f53\u4e2d\u6587"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = CARELINE_STATE_DIR / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": str(CARELINE_FILES_DIR),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if CARELINE_MODE == "test"
        else "foundation.ui.storage.BundledStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = CARELINE_MODE == "test"
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_242_880

EMAIL_URL = env.str("CARELINE_SMTP_URL", "")
MAIL_IN_URL = env.str("CARELINE_MAIL_IN_URL", "")
SMS_URL = env.str("CARELINE_SMS_URL", "")
SMS_KEY = env.str("CARELINE_SMS_KEY", "")
BILLING_URL = env.str("CARELINE_BILLING_URL", "").rstrip("/")
BILLING_CLIENT_ID = env.str("CARELINE_BILLING_CLIENT_ID", "")
BILLING_CLIENT_SECRET = env.str("CARELINE_BILLING_CLIENT_SECRET", "")
DEFAULT_FROM_EMAIL = env.str("CARELINE_MAIL_FROM", "careline@localhost")

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "foundation.rest.errors.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Careline",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Two things have a "status" of their own: named, so that the document does not invent names.
    "ENUM_NAME_OVERRIDES": {
        "TroubleTicketStatusEnum": "complaints.rest.ticket_values.STATUSES",
        "PartyInteractionStatusEnum": "interactions.rest.contacts.STATUSES",
    },
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 540
CELERY_TASK_SOFT_TIME_LIMIT = 480
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": env.int("CARELINE_VISIBILITY_TIMEOUT", 600),  # above the time limit, or tasks run twice
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "global_keyprefix": env.str("CARELINE_BROKER_PREFIX", ""),  # several installations (or test runs) on one server
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CONSUMER = "crm.worker:Consumer"

PROMETHEUS_EXPORT_MIGRATIONS = False
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # the audit knows who signed in from where

from crm.logs import LOGGING  # noqa: E402, F401  (structlog must be configured after the names above exist)
