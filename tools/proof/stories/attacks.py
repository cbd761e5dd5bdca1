"""Attacks on keys, logins, users and quorum."""

from __future__ import annotations

from tools.proof.stories.cluster import (
    ADMIN,
    ALICE,
    BATCH,
    BRUNO,
    CAROL,
    DAY,
    HOUR,
    LOGGED_IN,
    MINUTE,
    NO_SUCH_USER,
    PACKER,
    REFUSED,
    Cluster,
    Person,
)
from tools.proof.stories.record_text import Layout
from tools.proof.stories.story import WITHIN_A_DAY, Stories

ATTACKS = Stories()
_EXPORT = (
    "key_export_outside_the_usual_pattern",
    "unusual_number_of_key_exports",
    "first_uses_at_a_new_cluster",
)
_KEY = ("key_export_under_an_imported_key", "key_export_under_a_new_wrapping_key")
_GUESSING = (
    "password_guessing_against_one_user",
    "password_guessing_against_many_users",
    "successful_login_after_failed_logins",
    "user_locked_by_failed_logins",
    "failed_logins_over_several_days",
)
MALLORY = Person("mallory", 9)
_LAST_KEY = 262_400


# --- keys


@ATTACKS.add(*_EXPORT, visible=19 * MINUTE)
def stolen_password_exports_all_keys(cluster: Cluster) -> None:
    """An application's password is stolen, and 114 keys are exported in 19 minutes."""
    session = cluster.log_in(0, BATCH)
    for number in range(114):
        session.wrap(10 + number * 10, 262_200 + number)


@ATTACKS.add(*_EXPORT, visible=7 * MINUTE)
def exporter_exports_everything(cluster: Cluster) -> None:
    """The application that exports three keys a night exports 60 within seven minutes."""
    session = cluster.log_in(0, PACKER)
    for number in range(60):
        session.wrap(10 + number * 7, 262_200 + number)


@ATTACKS.add(*_EXPORT, visible=5 * MINUTE, first_use_within=DAY)
def one_key_is_exported(cluster: Cluster) -> None:
    """A stolen password exports the one key that matters."""
    cluster.log_in(0, BATCH).wrap(5 * MINUTE, _LAST_KEY)


@ATTACKS.add(*_EXPORT, visible=15.5 * HOUR, findings=3, first_use_within=DAY)
def three_users_export_in_turn(cluster: Cluster) -> None:
    """Three users export 14 keys in 16 hours, so that one alert could hide the others."""
    people = (BATCH, CAROL, Person("dora", 7))
    sessions = [cluster.log_in(number * HOUR, person) for number, person in enumerate(people)]
    for number in range(14):
        sessions[number % 3].wrap(2 * HOUR + number * 62 * MINUTE, 262_300 + number)


@ATTACKS.add(
    "unusual_number_of_key_operations_in_a_day", *_EXPORT, visible=11.5 * HOUR, within=WITHIN_A_DAY
)
def exporter_exports_slowly(cluster: Cluster) -> None:
    """The exporter's password is stolen: 24 more keys in half a day, one each half hour."""
    session = cluster.log_in(0, PACKER)
    for number in range(24):
        session.wrap(10 + number * 30 * MINUTE, 262_200 + number)


@ATTACKS.add(*_EXPORT, visible=20 * MINUTE, first_use_within=DAY)
def export_hidden_by_the_usual_one(cluster: Cluster) -> None:
    """The usual export happens first; then another user exports."""
    cluster.log_in(0, PACKER).wrap(MINUTE, 262_201)
    cluster.log_in(15 * MINUTE, CAROL).wrap(20 * MINUTE, _LAST_KEY)


@ATTACKS.add(*_EXPORT, visible=10 * MINUTE, first_use_within=DAY)
def export_in_a_session_of_last_month(cluster: Cluster) -> None:
    """A connection that logged in 20 days ago exports a key."""
    session = cluster.log_in(-20 * DAY, CAROL)
    session.wrap(10 * MINUTE, _LAST_KEY)


@ATTACKS.add("key_export_under_an_imported_key", visible=4 * MINUTE)
def exported_with_an_imported_key(cluster: Cluster) -> None:
    """The exporter imports a key of its own and exports another key wrapped with it."""
    session = cluster.log_in(0, PACKER)
    session.unwrap(2 * MINUTE, 262_900)
    session.wrap(4 * MINUTE, _LAST_KEY, wrapped_with=262_900)


@ATTACKS.add("key_export_under_an_imported_key", visible=4 * MINUTE)
def exported_with_a_public_key(cluster: Cluster) -> None:
    """A public key is imported as it is, and a key is exported wrapped with it."""
    session = cluster.log_in(-3 * HOUR, PACKER)
    session.run(-2 * HOUR, "CN_CREATE_OBJECT", handle=262_901)
    session.wrap(4 * MINUTE, _LAST_KEY, wrapped_with=262_901)


@ATTACKS.add(*_KEY, *_EXPORT, visible=4 * MINUTE, first_use_within=DAY)
def exported_with_a_new_key(cluster: Cluster) -> None:
    """The exporter generates a key and wraps another key with it, which it never did."""
    session = cluster.log_in(0, PACKER)
    session.generate(2 * MINUTE, 262_902)
    session.wrap(4 * MINUTE, _LAST_KEY, wrapped_with=262_902)


@ATTACKS.add(*_KEY, *_EXPORT, visible=2 * MINUTE, first_use_within=DAY)
def numbered_variants_export(cluster: Cluster) -> None:
    """The numbered variants of the operations export a key."""
    session = cluster.log_in(0, CAROL)
    session.run(2 * MINUTE, "CN_WRAP_KEY2", handle=_LAST_KEY)
    session.run(2 * MINUTE + 1, "CN_NIST_AES_WRAP_UNWRAP2", handle=262_903)


@ATTACKS.add("key_export_after_an_attribute_change", since=-2 * DAY)
def attribute_changed_then_exported(cluster: Cluster) -> None:
    """An attribute of a key is changed; two days later the exporter's session exports that key."""
    session = cluster.log_in(-2 * DAY - HOUR, PACKER)
    session.run(-2 * DAY, "CN_MODIFY_OBJECT", handle=_LAST_KEY)
    cluster.log_in(-HOUR, PACKER).wrap(0, _LAST_KEY)


@ATTACKS.add(
    "key_import_without_an_earlier_export",
    "key_import_outside_the_usual_pattern",
    "key_export_under_an_imported_key",
    visible=5 * MINUTE,
    exports=False,
    within=WITHIN_A_DAY,
)
def import_followed_by_a_wrap(cluster: Cluster) -> None:
    """A cluster that never exports imports a foreign key, and exports it again to look normal."""
    session = cluster.log_in(0, CAROL)
    session.unwrap(2 * MINUTE, 262_904)
    session.wrap(5 * MINUTE, 262_904)


@ATTACKS.add("public_key_imported", "first_uses_at_a_new_cluster", first_use_within=DAY)
def application_imports_a_public_key(cluster: Cluster) -> None:
    """A stolen application password plants a public key."""
    cluster.log_in(-MINUTE, BATCH).run(0, "CN_CREATE_OBJECT", handle=262_905)


@ATTACKS.add("key_shared", "first_uses_at_a_new_cluster", first_use_within=DAY)
def key_shared_with_a_stranger(cluster: Cluster) -> None:
    """A key is shared with another user."""
    cluster.log_in(-MINUTE, BATCH).run(0, "CN_SHARE_OBJECT", handle=262_201)


@ATTACKS.add("mass_key_deletion", "key_deleted", visible=4 * MINUTE, within=1200)
def application_destroys_all_keys(cluster: Cluster) -> None:
    """A stolen application password deletes 40 keys within four minutes."""
    session = cluster.log_in(-MINUTE, BATCH)
    for number in range(40):
        session.run(number * 6, "CN_TOMBSTONE_OBJECT", handle=262_200 + number)


@ATTACKS.add(
    "key_deleted",
    "mass_key_deletion",
    "first_uses_at_a_new_cluster",
    visible=19 * HOUR,
    within=WITHIN_A_DAY,
)
def keys_destroyed_slowly(cluster: Cluster) -> None:
    """A user who never deletes keys deletes 30 of them, one each 40 minutes."""
    session = cluster.log_in(-MINUTE, CAROL)
    for number in range(30):
        session.run(number * 40 * MINUTE, "CN_DESTROY_OBJECT", handle=262_200 + number)


@ATTACKS.add("privileged_operation_refused", visible=30 * MINUTE, within=1200)
def refused_exports(cluster: Cluster) -> None:
    """An intruder tries to export ten keys, and the HSM refuses each."""
    session = cluster.log_in(0, CAROL)
    for number in range(10):
        at = MINUTE + number * 3 * MINUTE
        session.run(at, "CN_WRAP_KEY", handle=262_300 + number, response=REFUSED)


# --- logins


@ATTACKS.add(*_GUESSING, visible=5 * MINUTE)
def quick_guessing(cluster: Cluster) -> None:
    """Twenty wrong passwords of an officer in five minutes."""
    for number in range(20):
        cluster.fail(number * 15, ALICE)


@ATTACKS.add(*_GUESSING, visible=0, within=WITHIN_A_DAY, since=-5 * DAY)
def patient_guessing_of_an_officer(cluster: Cluster) -> None:
    """A wrong password of an officer each three hours, for five days."""
    for number in range(40):
        cluster.fail(-number * 3 * HOUR, ALICE)


@ATTACKS.add(*_GUESSING, visible=0, within=WITHIN_A_DAY, since=-5 * DAY)
def guessing_between_logins(cluster: Cluster) -> None:
    """An application logs in each hour; between its logins somebody guesses its password."""
    for number in range(36):
        at = -number * 3 * HOUR
        cluster.fail(at, BATCH)
        session = cluster.log_in(at + 20 * MINUTE, BATCH)
        session.log_out(at + 21 * MINUTE)


@ATTACKS.add(*_GUESSING, visible=0, within=WITHIN_A_DAY, since=-DAY)
def spraying(cluster: Cluster) -> None:
    """One password is tried against twelve users, one each two hours."""
    for number in range(12):
        cluster.fail(-number * 2 * HOUR, Person(f"user{number}", 20 + number))


@ATTACKS.add(*_GUESSING, visible=11 * MINUTE)
def guessed_password(cluster: Cluster) -> None:
    """Four wrong passwords, then the right one."""
    for number in range(4):
        cluster.fail(number * 150, CAROL)
    cluster.log_in(11 * MINUTE, CAROL)


@ATTACKS.add(*_GUESSING, visible=0, within=WITHIN_A_DAY, since=-3 * DAY)
def guessed_after_days(cluster: Cluster) -> None:
    """A wrong password each five hours; on the third day the login works."""
    for number in range(1, 15):
        cluster.fail(-number * 5 * HOUR, BRUNO)
    cluster.log_in(0, BRUNO)


@ATTACKS.add("user_locked_by_failed_logins", *_GUESSING, visible=9 * MINUTE, within=WITHIN_A_DAY)
def officer_locked_out(cluster: Cluster) -> None:
    """An officer is locked by failed logins, to keep that person away."""
    for number in range(6):
        cluster.fail(number * 100, BRUNO)


@ATTACKS.add(
    "login_with_an_unknown_user_name", *_GUESSING, within=WITHIN_A_DAY, since=-DAY, visible=0
)
def names_tried_slowly(cluster: Cluster) -> None:
    """A name that no HSM knows each two hours, for a day."""
    for number in range(12):
        cluster.fail(-number * 2 * HOUR, Person(f"root{number}", 0), NO_SUCH_USER)


@ATTACKS.add(*_EXPORT, visible=40 * MINUTE, first_use_within=DAY)
def export_under_a_flood(cluster: Cluster) -> None:
    """Five hundred logins with made-up names, and an export among them."""
    for number in range(500):
        cluster.fail(number * 7, Person(f"x{number:05}", 0), NO_SUCH_USER)
    cluster.log_in(30 * MINUTE, CAROL).wrap(40 * MINUTE, _LAST_KEY)


@ATTACKS.add("successful_login_after_failed_logins", *_GUESSING, visible=32 * MINUTE)
def guessed_under_a_flood(cluster: Cluster) -> None:
    """Five hundred logins with made-up names hide a guessed password."""
    for number in range(500):
        cluster.fail(number * 7, Person(f"x{number:05}", 0), NO_SUCH_USER)
    for number in range(5):
        cluster.fail(25 * MINUTE + number * 60, CAROL)
    cluster.log_in(32 * MINUTE, CAROL)


@ATTACKS.add(
    "privileged_operation_refused",
    "unusual_login_of_a_crypto_officer",
    *_GUESSING,
    visible=0,
    within=WITHIN_A_DAY,
    since=-6 * HOUR,
)
def guessing_among_harmless_refusals(cluster: Cluster) -> None:
    """Wrong passwords among refusals of a session that is logged in already."""
    for number in range(60):
        cluster.fail(-number * 6 * MINUTE, BATCH, LOGGED_IN)
    for number in range(12):
        cluster.fail(-number * 30 * MINUTE - 61, BATCH)


# --- users and quorum


@ATTACKS.add("crypto_officer_created")
def officer_created_at_night(cluster: Cluster) -> None:
    """A stolen officer's password creates another officer."""
    session = cluster.log_in(-MINUTE, ALICE)
    session.manage(0, "CN_CREATE_CO", Person("mallory", 9, "CN_CRYPTO_OFFICER"))


@ATTACKS.add("user_created")
def user_created(cluster: Cluster) -> None:
    """A stolen officer's password creates a crypto user."""
    cluster.log_in(-MINUTE, ALICE).manage(0, "CN_CREATE_USER", MALLORY)


@ATTACKS.add(*_EXPORT, visible=HOUR, first_use_within=DAY)
def new_user_exports(cluster: Cluster) -> None:
    """A new user, to whom the HSM gave the number of a deleted exporter, exports a key."""
    officer = cluster.log_in(-30 * MINUTE, ALICE)
    officer.manage(-20 * MINUTE, "CN_DELETE_USER", PACKER)
    officer.manage(-10 * MINUTE, "CN_CREATE_USER", Person("mallory", PACKER.number))
    session = cluster.log_in(55 * MINUTE, Person("mallory", PACKER.number))
    session.wrap(HOUR, _LAST_KEY)


@ATTACKS.add("password_changed", "password_of_another_user_changed")
def password_taken_over(cluster: Cluster) -> None:
    """An officer sets an application's password."""
    cluster.log_in(-MINUTE, BRUNO).manage(0, "CN_CHANGE_PSWD", BATCH)


@ATTACKS.add("quorum_value_set")
def quorum_lowered(cluster: Cluster) -> None:
    """The number of officers who must approve is set."""
    cluster.log_in(-MINUTE, ALICE).as_officer(0, "CN_SET_M_VALUE")


@ATTACKS.add("quorum_token_approved_and_used_within_minutes")
def quorum_by_one_person(cluster: Cluster) -> None:
    """Who has the passwords of two officers requests, approves and uses a token in a minute."""
    session = cluster.log_in(-90, ALICE)
    session.as_officer(-60, "CN_GET_TOKEN")
    cluster.log_in(-40, BRUNO).as_officer(-30, "CN_APPROVE_TOKEN")
    session.manage(0, "CN_CREATE_USER", MALLORY)


@ATTACKS.add("quorum_token_deleted", within=1200)
def quorum_token_removed(cluster: Cluster) -> None:
    """An officer deletes the tokens of others, to stop what they were about to approve."""
    cluster.log_in(-MINUTE, BRUNO).as_officer(0, "CN_DELETE_TOKEN")


@ATTACKS.add("user_deleted")
def officer_deleted(cluster: Cluster) -> None:
    """An officer deletes the other one."""
    cluster.log_in(-MINUTE, BRUNO).manage(0, "CN_DELETE_USER", ALICE)


@ATTACKS.add(
    "unusual_login_of_a_crypto_officer",
    "crypto_officer_login",
    "first_login_of_a_user_in_30_days",
    "first_uses_at_a_new_cluster",
    within=WITHIN_A_DAY,
)
def dormant_officer_logs_in(cluster: Cluster) -> None:
    """An officer who was not seen for a month logs in."""
    cluster.log_in(0, ADMIN)


@ATTACKS.add("crypto_officer_created", visible=0)
def officer_created_arrives_late(cluster: Cluster) -> None:
    """The record of a new officer arrives 20 days late."""
    session = cluster.log_in(-20 * DAY, ALICE)
    session.manage(
        -20 * DAY + MINUTE,
        "CN_CREATE_CO",
        Person("mallory", 9, "CN_CRYPTO_OFFICER"),
        late=20 * DAY - MINUTE,
    )


@ATTACKS.add("hsm_zeroized", visible=0)
def zeroized_arrives_late(cluster: Cluster) -> None:
    """The record of an erased HSM arrives 25 days late."""
    cluster.write(-25 * DAY, 0, "CN_ZEROIZE", late=25 * DAY)


@ATTACKS.add("password_of_another_user_changed", "password_changed", layouts=(Layout.INFERRED,))
def officer_sets_the_password_of_an_officer(cluster: Cluster) -> None:
    """One officer sets the password of the other one."""
    cluster.log_in(-MINUTE, BRUNO).manage(0, "CN_CHANGE_PSWD", ALICE)
