"""Steps: other releases under load, and the catalogue lost and brought back."""

from __future__ import annotations

import re
from pathlib import Path

from tests.deploy.host import releases
from tests.deploy.host.load import Load
from tests.deploy.host.machine import Machine
from tests.deploy.host.stage import Stage, insist
from tests.deploy.host.waiting import wait_for


def _under_load(stage: Stage, tag: str, playbook: str, *options: str) -> str:
    with Load(stage.visitor, tag) as load:
        stage.operator.play(playbook, *options)
    insist(not load.lost, f"lost {len(load.lost)} requests: {load.lost[:5]}")
    insist(min(load.counts[kind] for kind in ("read", "write", "import")) > 0, f"{load.counts}")
    counted = ", ".join(f"{load.counts[kind]} {kind}s" for kind in ("read", "write", "import"))
    return f"{counted}, none lost"


def upgrade(stage: Stage) -> str:
    before = stage.release_of("current")
    newer = releases.newer(stage.release)
    seen = _under_load(stage, "up", "deploy", f"--extra-vars=ecatalog_release_file={newer}")
    insist(stage.version() == releases.NEW_VERSION, f"version {stage.version()} serves")
    _insist_on_releases(stage, newer.stem.removeprefix("ecatalog-"), before)
    return seen


def rollback(stage: Stage) -> str:
    seen = _under_load(stage, "back", "rollback")
    insist(stage.version() != releases.NEW_VERSION, "the new release still serves")
    _insist_on_releases(stage, stage.release.stem.removeprefix("ecatalog-"), f"{releases.NEW_VERSION}-newer")
    return seen


def _insist_on_releases(stage: Stage, current: str, previous: str) -> None:
    for machine in stage.group("app"):
        for link, wanted in (("current", current), ("previous", previous)):
            found = stage.release_of(link, machine)
            insist(found == wanted, f"{link} of {machine.name} is {found}, not {wanted}")
        insist_on_one_instance(stage, machine)
    _insist_on_search_texts(stage)


def _insist_on_search_texts(stage: Stage) -> None:
    """They are made anew for the release that serves, without a word and in time."""
    release = stage.release_of("current")

    def made() -> bool:
        return stage.machine.try_run("cat", "/var/lib/ecatalog/search-texts").stdout.strip() == release

    wait_for(made, 60, f"the search texts are made for {release}")


def insist_on_one_instance(stage: Stage, machine: Machine) -> None:
    live = stage.release_of("live", machine)
    for name in ("a", "b"):
        for question, wanted in (("is-active", "active"), ("is-enabled", "enabled")):
            told = machine.try_run("systemctl", question, f"ecatalog@{name}").stdout.strip()
            insist(
                (told == wanted) == (name == live), f"{live} is live, but ecatalog@{name} {question}: {told}"
            )


def broken(stage: Stage) -> str:
    """A release that cannot work."""
    return insist_on_refusal(stage, "broken", releases.broken(stage.release), "broken on purpose")


def insist_on_refusal(stage: Stage, tag: str, release: Path, reason: str) -> str:
    """Deploy a release that must not stay, under load: the operator is told, and nobody else notices."""
    before = [stage.release_of("current", machine) for machine in stage.group("app")]
    version = stage.version()
    with Load(stage.visitor, tag) as load:
        recap, status = stage.operator.try_play("deploy", f"--extra-vars=ecatalog_release_file={release}")
    insist(status, f"{release.stem} was deployed")
    insist(reason in recap.output, f"nobody tells why:\n{recap.output[-3000:]}")
    insist(not load.lost, f"lost {len(load.lost)} requests: {load.lost[:5]}")
    for machine, current in zip(stage.group("app"), before, strict=True):
        insist(stage.release_of("current", machine) == current, f"{machine.name} has another release")
        insist_on_one_instance(stage, machine)
    # Also where nginx leads to: of several hosts each answers some of these.
    insist({stage.version() for _ in range(10)} == {version}, "another release answers")
    return f"refused, {before[0]} serves on, {sum(load.counts.values())} requests, none lost"


def lose_and_restore(stage: Stage) -> str:
    """The rows and the media of this host; those on S3 are not in the backup."""
    stage.operator.play("backup")
    rows = stage.rows()
    cursor = stage.visitor.get("/api/v1/nomenklatura/changes/?limit=1").data["next"]
    media = _media(stage)
    insist(media or stage.layout.inventory != "single", "there are no media to lose")
    script = (
        "DROP DATABASE ecatalog WITH (FORCE)",
        "CREATE DATABASE ecatalog OWNER ecatalog ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'",
    )
    for statement in script:
        stage.group("db")[0].run(
            "setpriv", "--reuid=postgres", "--clear-groups", "--regid=postgres", "psql", "-qc", statement
        )
    stage.machine.run("sh", "-c", "rm -rf /var/lib/ecatalog/media/*")
    insist(stage.visitor.ask("GET", "/readyz").status == 503, "/readyz does not notice the loss")
    recap = stage.operator.play("restore", "--extra-vars=really=yes")
    stage.visitor.sign_in("deploy", stage.password)
    insist(stage.rows() == rows, "the rows are not what they were")
    insist(_media(stage) == media, "the media are not what they were")
    old = stage.visitor.ask("GET", f"/api/v1/nomenklatura/changes/?since={cursor}")
    insist(old.status == 410, f"a cursor from before the restore is answered {old.status}")
    told = re.search(r"Restored the database.*?rows", recap.output)
    count = sum(map(len, rows.values()))
    return f"{count} rows and {len(media)} files are what they were{f' ({told[0]})' if told else ''}"


def _media(stage: Stage) -> list[str]:
    script = "cd /var/lib/ecatalog/media && find . -type f -exec sha256sum {} + | sort"
    return stage.machine.run("sh", "-c", script).splitlines()
