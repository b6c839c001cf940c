import stat
from pathlib import Path

import pytest

from cli.hub import demo_data
from cli.hub.folders import Folder
from services.server import Server
from tests.conftest import SYSTEM_TOKEN


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "data")
    folder.make()
    return folder


async def test_it_is_made_once_and_kept_for_its_owner_alone(server: Server, folder: Folder) -> None:
    made = await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN)

    assert await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN) == made
    assert stat.S_IMODE(folder.demo.stat().st_mode) == 0o600


async def test_a_lost_file_is_written_again_for_the_same_account(server: Server, folder: Folder) -> None:
    made = await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN)
    folder.demo.unlink()

    again = await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN)

    assert (again["tenant_id"], again["location_id"]) == (made["tenant_id"], made["location_id"])
    assert [each["id"] for each in again["sources"].values()] == [each["id"] for each in made["sources"].values()]
    assert again["sources"]["evermile"]["secret"] not in ("", made["sources"]["evermile"]["secret"])


async def test_the_file_of_another_database_is_replaced(server: Server, folder: Folder) -> None:
    made = await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN)
    document = folder.demo.read_text().replace(made["account_token"], "xd_of_another_database")
    folder.demo.write_text(document)

    again = await demo_data.find_or_make(folder, server.address, SYSTEM_TOKEN)

    assert again["account_token"] not in (made["account_token"], "xd_of_another_database")
