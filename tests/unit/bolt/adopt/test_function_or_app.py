"""Which one LISTENERS means where a module has both an app and a function, and functions that make an app."""

from __future__ import annotations

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from slack_bolt.workflows.step.async_step_middleware import AsyncWorkflowStepMiddleware
from structlog.testing import capture_logs

from tests.unit.bolt.adopt.conftest import Refusal, Team
from tests.unit.bolt.adopt.test_forms import APP, names_of

LISTENERS = """
    def mentioned(): ...
    def register_listeners(app):
        app.event("app_mention")(mentioned)
"""
TEMPLATE = """
    from slack_bolt import App
    from {listeners} import register_listeners
    app = App(token="xoxb-1", raise_error_for_unhandled_request=True)
    register_listeners(app)
    @app.event("x")
    def own(): ...
"""


def test_a_template_with_more_than_its_listeners_is_taken_whole(bolt: BoltApp, team: Team) -> None:
    """Slack's templates import `register_listeners`: what they add to the app themselves is taken, options too."""
    register(bolt, team(TEMPLATE.format(listeners=team(LISTENERS))))
    assert names_of(bolt) == ["mentioned", "own"]
    assert bolt._raise_error_for_unhandled_request


def test_an_app_with_nothing_but_middleware_is_taken_too(bolt: BoltApp, team: Team) -> None:
    """An assistant is a middleware, and the only thing that some apps have."""
    listeners = team("""
        from slack_bolt import Assistant
        assistant = Assistant()
        @assistant.thread_started
        def started(): ...
        def register_listeners(app):
            app.assistant(assistant)
    """)
    source = f"""
        from slack_bolt import App
        from {listeners} import register_listeners
        app = App(token="xoxb-1")
        register_listeners(app)
        @app.middleware
        def first(next): next()
    """
    register(bolt, team(source))
    names = [type(one).__name__ for one in bolt._async_middleware_list]
    assert names[-2:] == ["AsyncAssistant", "ThreadMiddleware"]


def test_a_function_of_the_module_that_it_has_called(bolt: BoltApp, team: Team) -> None:
    """A function that the module has called with its app has nothing more to register."""
    register(bolt, team(APP + '\n    def register(given):\n        given.event("x")(mentioned)\n    register(app)\n'))
    assert names_of(bolt) == ["mentioned", "mentioned"]


def test_an_app_that_the_main_block_completes_is_named(bolt: BoltApp, team: Team, refusal: Refusal) -> None:
    """Neither the app nor the function is all of it then, so neither is taken without a word."""
    source = TEMPLATE.format(listeners=team(LISTENERS)).replace("    register_listeners(app)\n", "")
    name = team(source + '\n    if __name__ == "__main__":\n        register_listeners(app)\n        app.start()\n')
    (problem,) = refusal(name)
    assert f"as {name}:__main__, or only the function as {name}:register_listeners" in problem
    register(bolt, f"{name}:__main__")
    assert names_of(bolt) == ["own", "mentioned"]


FACTORIES = {
    "without arguments": "def create():",
    "with a default": "def create(token=None):",
    "with keywords": "def create(**options):",
}


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_function_that_makes_the_app(bolt: BoltApp, team: Team, factory: str) -> None:
    """A function that asks for no argument is called, and what it returns is the app, with all that it has."""
    body = APP.replace("\n    ", "\n        ").replace("    from", f"{FACTORIES[factory]}\n        from", 1)
    name = team("\n    " + body.strip() + "\n        return app\n")
    register(bolt, f"{name}:create")
    assert names_of(bolt) == ["mentioned"]


HOLDERS = {"a bot": "type('Bot', (), {'app': app})()", "the app and its handler": "app, object()"}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_function_that_returns_what_holds_the_app(bolt: BoltApp, team: Team, holder: str) -> None:
    """The only app that the function has made is taken, whatever it returns it in."""
    body = APP.replace("\n    ", "\n        ").strip()
    register(bolt, team(f"\n    def create():\n        {body}\n        return {HOLDERS[holder]}\n") + ":create")
    assert names_of(bolt) == ["mentioned"]


def test_a_function_that_starts_the_app_it_makes(bolt: BoltApp, team: Team) -> None:
    """`main()` of a script may be named as it is: the call ends at the start of the app."""
    body = APP.replace("\n    ", "\n        ").strip()
    register(bolt, team(f"\n    def main():\n        {body}\n        app.start()\n") + ":main")
    assert names_of(bolt) == ["mentioned"]


def test_a_function_without_arguments_that_makes_no_app(team: Team, refusal: Refusal) -> None:
    """What it returned is told, with what each kind of function has to do."""
    (problem,) = refusal(team("def create(): return 1\nasync def other(): ...\n") + ":create")
    assert "create() returned int: a function without arguments has to return an App or an AsyncApp" in problem


def test_a_function_without_arguments_that_fails_shows_its_line(team: Team, refusal: Refusal) -> None:
    """As an import that fails does."""
    name = team("def create():\n    raise LookupError('x')\n")
    (problem,) = refusal(f"{name}:create")
    assert "LookupError: x (" in problem
    assert f"{name}.py:2" in problem


def test_an_app_with_nothing_but_a_workflow_step_is_taken_too(bolt: BoltApp, team: Team) -> None:
    """A step is a middleware of Bolt's own, and yet a part that the team has added."""
    source = """
        from slack_bolt import App
        app = App(token="xoxb-1")
        def nothing(): ...
        app.step("our_step", edit=nothing, save=nothing, execute=nothing)
        def register(given): raise AssertionError("not called, because the app has parts of its own")
    """
    register(bolt, team(source + "    register.__module__ = 'elsewhere'\n"))
    steps = [one.step for one in bolt._async_middleware_list if isinstance(one, AsyncWorkflowStepMiddleware)]
    assert [step.callback_id for step in steps] == ["our_step"]


def test_an_app_without_listeners_is_named_in_the_log(bolt: BoltApp, team: Team) -> None:
    """What a web server's startup hook would register is missing, and each request would be answered 404."""
    name = team("""
        from slack_bolt.async_app import AsyncApp
        app = AsyncApp(token="xoxb-1")
        async def on_startup(web_app):
            app.event("app_mention")(on_startup)
    """)
    with capture_logs() as logs:
        register(bolt, name)
        register(bolt, team(APP))
    assert [line["app"] for line in logs if line["event"].startswith("the app has no listeners")] == [name]


ASYNCHRONOUS = """
    import asyncio
    async def mentioned(): ...
    async def events(app):
        app.event("app_mention")(mentioned)
    async def register(app):
        await events(app)
"""


def test_an_asynchronous_function_registers_its_listeners(bolt: BoltApp, team: Team) -> None:
    """Some apps have `async def register_listeners`, which waits for nothing but others of its kind."""
    register(bolt, team(ASYNCHRONOUS))
    assert names_of(bolt) == ["mentioned"]


async def test_an_asynchronous_function_that_waits_is_refused(team: Team, refusal: Refusal) -> None:
    """The start cannot wait for it, and half of the listeners must not be served without a word."""
    name = team(ASYNCHRONOUS + "        await asyncio.sleep(1)\n")
    (problem,) = refusal(name)
    assert problem.startswith(f"LISTENERS={name}: register(app) waits for something")


def test_what_the_module_of_routes_registers_with_the_app_is_taken_too(bolt: BoltApp, team: Team) -> None:
    """A web server starts from that module, which imports the modules with the listeners: plain Bolt would run them."""
    name = team('from slack_bolt.async_app import AsyncApp\napp = AsyncApp(token="xoxb-1")\n')
    main = team(f"""
        from {name} import app as bolt
        @bolt.event("app_mention")
        async def mentioned(): ...
        @bolt.middleware
        async def first(next): await next()
    """)
    with capture_logs() as logs:
        register(bolt, name, f"{main}:api")
    assert names_of(bolt) == ["mentioned"]
    assert type(bolt._async_middleware_list[-1]).__name__ == "AsyncCustomMiddleware"
    assert logs == []


def test_a_module_of_routes_that_cannot_be_imported_hides_no_problem(team: Team, refusal: Refusal) -> None:
    """What is wrong with LISTENERS is told; what is wrong with ROUTES is told where the routes are looked for."""
    bolt = BoltApp(token="xoxb-made-up", api_url="http://127.0.0.1:9/api/")
    register(bolt, team(APP), team("import nothing_of_that_name\n"))
    assert names_of(bolt) != []
    assert len(refusal(team("1 / 0\n"))) == 1
