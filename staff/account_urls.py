"""The pages of allauth that exist here, each behind a mark; everything else it brings is left out."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from django.urls import path

from foundation.common.doors import public, signed_in
from staff.views import sessions

urlpatterns = [
    path("login/", public("this is the door itself")(account.login), name="account_login"),
    path(
        "logout/",
        public("leaving needs no right; also leaves a half-done sign-in")(account.logout),
        name="account_logout",
    ),
    path("inactive/", public("tells why one was not let in")(account.account_inactive), name="account_inactive"),
    path("reauthenticate/", signed_in(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", signed_in(account.password_change), name="account_change_password"),
    path("sessions/", sessions.session_list, name="usersessions_list"),
    path("sessions/<int:pk>/end/", sessions.session_end, name="usersessions_end"),
    path("sessions/end-others/", sessions.session_end_others, name="usersessions_end_others"),
    path("2fa/", signed_in(mfa.index), name="mfa_index"),
    path("2fa/authenticate/", public("second step of signing in")(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", signed_in(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", signed_in(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", signed_in(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", signed_in(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", signed_in(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download/", signed_in(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("2fa/keys/", signed_in(keys.list_webauthn), name="mfa_list_webauthn"),
    path("2fa/keys/add/", signed_in(keys.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/keys/reauthenticate/", signed_in(keys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("2fa/keys/<int:pk>/remove/", signed_in(keys.remove_webauthn), name="mfa_remove_webauthn"),
    path("2fa/keys/<int:pk>/edit/", signed_in(keys.edit_webauthn), name="mfa_edit_webauthn"),
]
