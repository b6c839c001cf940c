"""`crossdock demo`: the whole main job in a temporary folder, told and checked step by step; leaves nothing behind."""

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path

import httpx
import typer

from cli.connection import Json
from cli.demo import other_acts, webhook_acts
from cli.demo.hub_process import HubProcess
from cli.demo.stage import Stage
from cli.demo.story import StepFailed, Story
from cli.examples import examples
from cli.hub_client import HubClient
from cli.output import complain, print_json

EXAMPLES = examples(("see it work", "crossdock demo"), ("for a program", "crossdock demo --json | jq .ok"))


def demo(as_json_: Json = False) -> None:
    """Show the whole of it in a temporary folder: a hub starts, carriers and partners come, everything is checked."""
    story = Story(silent=as_json_)
    folder = Path(tempfile.mkdtemp(prefix="crossdock-demo-"))
    hub = HubProcess(folder)
    try:
        asyncio.run(_tell(story, hub))
    except StepFailed:
        if not as_json_:
            complain(f"the hub's last words:\n{hub.last_words()}")
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json_:
        seconds = round(story.seconds, 3)
        print_json({"ok": story.ok, "seconds": seconds, "steps": [step.as_dict() for step in story.steps]})
    elif story.ok:
        story.say(f"\n{len(story.steps)} steps, {story.checks} checks, {story.seconds:.0f} s: all as it should be.")
        story.say("Start a hub of your own with `crossdock up --demo-data`.", "dim")
    if not story.ok:
        raise typer.Exit(1)


async def _tell(story: Story, process: HubProcess) -> None:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        with story.step("A hub starts: PostgreSQL, services and gateway, each a process") as step:
            ready = await process.start()
            step.tell(f"crossdock up --demo-data → gRPC {ready['grpc']}, HTTP {ready['http']}")
            async with HubClient(ready["grpc"]) as anybody, httpx.AsyncClient(trust_env=False) as http:
                step.expect("gRPC health", await anybody.health(), "SERVING")
                step.expect("HTTP readiness", (await http.get(f"{ready['http']}/readyz")).status_code, 200)
        async with (
            HubClient(ready["grpc"], ready["account_token"]) as hub,
            httpx.AsyncClient(base_url=ready["http"], trust_env=False, timeout=30.0) as http,
        ):
            stage = Stage(ready, hub, http)
            async with other_acts.watching(stage) as received:
                await webhook_acts.documented_webhook(stage, story)
                lived = await webhook_acts.a_life(stage, story)
                await other_acts.compare(stage, story, lived, received)
            await other_acts.rest(stage, story)
            await webhook_acts.forgeries(stage, story)
            await webhook_acts.parking(stage, story)
        with story.step("The hub stops when it is told to") as step:
            step.expect("exit status of `crossdock up`", await process.stop(), 0)
    finally:
        await process.stop()
