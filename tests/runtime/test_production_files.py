"""The files of production say the same as the settings: no variable forgotten, none invented."""

import re

import yaml

from tests.runtime.conftest import PROJECT

# Set by the program that starts us, never by an operator.
NOT_FOR_OPERATORS = {"CARELINE_DEBUG", "CARELINE_TEST_DB", "CARELINE_TEST_TEMPLATE", "DJANGO_SETTINGS_MODULE"}


def compose() -> dict:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


def offered() -> set[str]:
    """Every variable .env.example names, commented or not."""
    return set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M))


def test_compose_runs_two_of_what_must_not_be_alone():
    services = compose()["services"]
    assert set(services) == {"postgres", "valkey", "migrate", "contract", "web", "worker", "beat", "sms", "proxy"}
    for name in ("web", "worker", "beat", "sms"):
        assert services[name]["deploy"]["replicas"] == 2
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert "--locale=C.UTF-8" in services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert "--maxmemory-policy noeviction" in services["valkey"]["command"]
    assert [port for s in services.values() for port in s.get("ports", [])] == ["80:80", "443:443"]


def test_compose_migrates_in_two_phases_and_the_second_only_when_asked():
    services = compose()["services"]
    words = ["python", "manage.py", "migrate_safely", "--phase"]
    assert services["migrate"]["command"] == [*words, "expand"]
    assert services["contract"]["command"] == [*words, "contract"]
    assert "profiles" not in services["migrate"] and services["contract"]["profiles"] == ["contract"]
    assert not [name for name, service in services.items() if "contract" in service.get("depends_on", {})]


def test_every_variable_compose_asks_for_is_in_the_example():
    asked = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))
    assert asked <= offered()


def test_every_variable_the_settings_read_is_in_the_example():
    text = (PROJECT / "crm" / "settings.py").read_text() + (PROJECT / "crm" / "gunicorn.py").read_text()
    read = set(re.findall(r"""(?:env\.\w+|environ\.get)\(\s*["']([A-Z_]+)["']""", text))
    assert {"CARELINE_SECRET_KEY", "DATABASE_URL", "CARELINE_BIND"} <= read
    assert read - NOT_FOR_OPERATORS <= offered()


def test_every_variable_compose_sets_is_one_the_settings_read():
    text = "".join((PROJECT / "crm" / name).read_text() for name in ("settings.py", "gunicorn.py"))
    for name in compose()["x-app"]["environment"]:
        assert f'"{name}"' in text
