"""The command line loads what it is asked for, and turns errors into messages and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import anchorbolt.cli
import pytest
import typer
from anchorbolt.__main__ import main
from anchorbolt.cli import COMMANDS
from anchorbolt.errors import AnchorboltError, InvalidSettingsError, ListenersError, StoreLockedError
from typer.testing import CliRunner


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`anchorbolt`, as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "anchorbolt", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_help_names_every_command() -> None:
    """`anchorbolt --help` lists each command with its sentence and ends with 0."""
    result = CliRunner().invoke(anchorbolt.cli.app, ["--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for name, sentence in COMMANDS.items():
        assert name in result.output
        assert sentence in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(name: str) -> None:
    """Each command can be loaded, and says what it does."""
    result = CliRunner().invoke(anchorbolt.cli.app, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.split()) > 20


def test_help_imports_nothing_heavy() -> None:
    """Asking for help costs neither Bolt nor the database nor an HTTP client."""
    code = (
        "import sys, anchorbolt.cli\ntry:\n    anchorbolt.cli.main()\n"
        "finally:\n    import json; print(json.dumps(list(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout.splitlines()[-1])
    assert not {"slack_bolt", "sqlalchemy", "httpx", "fastapi", "pydantic_settings"} & set(loaded)


def loaded_by(statements: str) -> set[str]:
    """The names of all modules that a new Python has loaded once it has executed these statements."""
    code = f"{statements}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


def test_what_serves_imports_no_rich() -> None:
    """A pod's processes go without what only draws on terminals: structlog would bring it, with the time it takes."""
    loaded = loaded_by("import anchorbolt.cli.serve, anchorbolt.main")
    assert "structlog" in loaded
    assert not {"rich", "pygments"} & loaded


def test_the_master_holds_nothing_of_what_serves() -> None:
    """The process that waits above the worker has gunicorn, and none of what the worker would have a copy of."""
    loaded = loaded_by("import anchorbolt.__main__, anchorbolt.master as one; one.of_master.read()")
    assert "gunicorn.arbiter" in loaded
    serving = {"asyncio", "uvloop", "uvicorn", "pydantic", "structlog", "opentelemetry", "typer", "sqlalchemy"}
    assert not serving & loaded


def test_what_serves_loads_fastapi_and_no_command_line_of_uvicorns() -> None:
    """FastAPI is loaded at the start. uvicorn's command line never is, and what else is uvicorn's is as it was."""
    loaded = loaded_by("import anchorbolt.main, uvicorn; uvicorn.Server.serve")
    assert "fastapi" in loaded
    assert not {"click", "uvicorn.main"} & loaded


def test_fastapis_models_of_openapi_wait_for_who_serves_a_document() -> None:
    """A pod does without them, 1 MiB; a team's application (ROUTES) that has a document gets it all the same."""
    code = (
        "import anchorbolt.main, fastapi, json, pydantic\n"
        "from fastapi.openapi.models import OpenAPI\n"
        "application = fastapi.FastAPI()\n"
        "application.get('/ready')(lambda: 1)\n"
        "built = OpenAPI.__pydantic_complete__\n"
        "print(json.dumps([built, list(application.openapi()['paths']), pydantic.BaseModel.model_config]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == [False, ["/ready"], {}]


def test_a_pod_on_sqlite_loads_nothing_of_postgresql() -> None:
    """Each database has its dialect and its driver, and a process loads those of one."""
    loaded = loaded_by("import anchorbolt.main, anchorbolt.inbox.sqlite")
    assert not {"sqlalchemy.dialects.postgresql", "asyncpg", "sqlalchemy.orm"} & loaded


def test_a_pod_on_postgresql_loads_nothing_of_sqlite() -> None:
    """Neither the dialect nor what opens a file is loaded; the driver, sqlite3, comes with Bolt."""
    loaded = loaded_by("import anchorbolt.main, anchorbolt.inbox.postgresql.database")
    assert not {"sqlalchemy.dialects.sqlite", "anchorbolt.inbox.sqlite", "sqlalchemy.orm"} & loaded


def test_what_few_pods_need_is_not_loaded_by_others() -> None:
    """Socket Mode, and installation in workspaces, are loaded where a setting asks for them."""
    loaded = loaded_by("import anchorbolt.main, anchorbolt.lifecycle.loop")
    packages = {name.split(".")[1] for name in loaded if name.startswith("anchorbolt.")}
    assert "worker" in packages
    assert not {"socket_mode", "workspaces"} & packages


def test_a_command_that_does_not_exist_is_a_mistake() -> None:
    """A typing error ends with 2 and the command that was meant."""
    result = run("sned")
    assert result.returncode == 2
    assert "Did you mean 'send'?" in result.stderr


def test_no_command_shows_the_help() -> None:
    """`anchorbolt` alone tells what there is."""
    assert "send" in CliRunner().invoke(anchorbolt.cli.app, []).output


@pytest.mark.parametrize(
    ("error", "code", "messages"),
    [
        (InvalidSettingsError(["PORT: is a number", "HOST: is missing"]), 2, ["PORT: is a number", "HOST: is missing"]),
        (ListenersError("no register(app) in x"), 2, ["no register(app) in x"]),
        (StoreLockedError("another process serves from it"), 1, ["another process serves from it"]),
    ],
)
def test_an_error_of_ours_is_a_message(
    error: AnchorboltError,
    code: int,
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong settings end with 2, other errors with 1; the message is on standard error, without a traceback."""

    def failing() -> None:
        """Fails."""
        raise error

    def load(name: str) -> Callable[..., object]:
        alone = typer.Typer()
        alone.command(name)(failing)
        return typer.main.get_command(alone)

    monkeypatch.setattr(anchorbolt.cli, "load", load)
    monkeypatch.setattr(sys, "argv", ["app", "send"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all(message in printed.err for message in messages)
    assert "Traceback" not in printed.err


def test_wrong_settings_are_named_without_their_values() -> None:
    """A setting that is no number is named on standard error with exit code 2, and what it held is not shown."""
    result = subprocess.run(
        [sys.executable, "-m", "anchorbolt", "send"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PORT": "secret-value"},
    )
    assert result.returncode == 2
    assert "PORT" in result.stderr
    assert "secret-value" not in result.stderr
    assert "Traceback" not in result.stderr
