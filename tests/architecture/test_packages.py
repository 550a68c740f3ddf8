"""What only one package may do is done in that package alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app" / "anchorbolt"
SAMPLE = APP.parent / "anchorbolt_sample"
# Words that say nothing of what is in a file.
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}


def sources(root: Path = APP, least: int = 50) -> Iterator[tuple[str, ast.Module]]:
    """Every file of a package, by its path below the package. `least`: it has more files than so many."""
    files = sorted(root.rglob("*.py"))
    assert len(files) > least, f"{root} is not where the code is"
    for file in files:
        yield file.relative_to(root).as_posix(), ast.parse(file.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports, also within a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reads_the_environment(tree: ast.Module) -> bool:
    """Whether a file names os.environ, os.getenv or their like."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    of_os = any(isinstance(node, ast.Attribute) and node.attr in names for node in ast.walk(tree))
    return of_os or any(name in {f"os.{one}" for one in names} for name in imports(tree))


# Who else reads the environment, and why.
READ_THE_ENVIRONMENT = {
    "drain.py": "`preStop` starts it without anything but the standard library, for it must start at once",
    "cli/send.py": "with --url and --secret it needs one variable, and the settings take a third of a second to import",
    "testing/plugin.py": "pytest loads it in every run of a team's, so it imports nothing of the product",
    "testing/kit.py": "it keeps a developer's real token from the tests, and puts it back",
}


def test_only_the_settings_read_the_environment() -> None:
    """One package reads os.environ: whoever wants to know what can be set reads settings/. Exceptions have a reason."""
    found = {path for path, tree in sources() if reads_the_environment(tree)}
    assert {path for path in found if not path.startswith("settings/")} == set(READ_THE_ENVIRONMENT)


def test_only_telemetry_knows_the_sdk_of_opentelemetry() -> None:
    """Exporters and SDK are named in telemetry/ alone."""
    found = {
        path
        for path, tree in sources()
        if any(
            name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client"))
            for name in imports(tree)
        )
    }
    assert {path for path in found if not path.startswith("telemetry/")} == set()
    assert found, "nobody imports it: this test would prove nothing"


def test_only_the_composition_root_names_a_database() -> None:
    """SQLite and PostgreSQL are chosen in one file, for the server and for operators; all others know the inbox."""
    concrete = ("anchorbolt.inbox.sqlite", "anchorbolt.inbox.postgresql")
    found = {path for path, tree in sources() if any(name.startswith(concrete) for name in imports(tree))}
    assert {path for path in found if not path.startswith(("inbox/sqlite/", "inbox/postgresql/"))} == {
        "inbox/opening.py",
        "workspaces/stores/tables.py",  # reads the database of another app, to import its installations
    }


def test_slack_bolt_is_imported_where_it_is_run_and_adapted() -> None:
    """Slack Bolt is imported by bolt/, for its FastAPI adapter by http/, for its requests and responses by others."""
    found = {
        path.split("/")[0] for path, tree in sources() if any(name.startswith("slack_bolt") for name in imports(tree))
    }
    assert found == {"bolt", "http", "socket_mode", "testing"}


def test_no_file_is_called_nothing() -> None:
    """A file or folder is named after what is in it."""
    words = {word for path, _ in sources() for word in path.removesuffix(".py").split("/")}
    assert words & EMPTY_WORDS == set()


def test_the_sample_app_knows_nothing_of_ours() -> None:
    """A team's listeners need nothing but Bolt: the sample app imports itself, and nothing of the product."""
    for path, tree in sources(SAMPLE, least=20):
        assert [name for name in imports(tree) if name.split(".")[0] == "anchorbolt"] == [], path
