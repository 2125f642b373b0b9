"""`./dev`: the menu of chores, the set-up, and what it checks by itself."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHORES = [
    "demo",
    "test",
    "check",
    "fix",
    "docs",
    "serve",
    "bench",
    "weights",
    "shots",
    "picture",
    "lock",
    "build",
    "caniemail",
]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, without a trace of it left on the disk."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def elsewhere(dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own with the same locks, and nothing set up."""
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "requirements-browser.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name, path in {
        "ROOT": tmp_path,
        "BIN": tmp_path / ".venv" / "bin",
        "RUNTIME": tmp_path / "requirements.lock",
        "EVERYTHING": tmp_path / "requirements-dev.lock",
        "BROWSER": tmp_path / "requirements-browser.lock",
    }.items():
        monkeypatch.setattr(dev, name, path)
    return tmp_path


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "dev", *words], capture_output=True, text=True, check=False)


def test_alone_it_prints_the_menu() -> None:
    done = call()

    assert done.returncode == 0
    assert re.findall(r"^  (\w+) +\S", done.stdout, re.MULTILINE) == CHORES
    assert "\033" not in done.stdout  # no colours into a pipe


def test_an_unknown_chore_is_wrong_usage() -> None:
    done = call("tset")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "no chore “tset”" in done.stderr


def test_it_is_executable() -> None:
    assert os.access(ROOT / "dev", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_colours_only_for_people_who_want_them(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org"""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert dev.bold("word") == "\033[1mword\033[0m"

    monkeypatch.setenv("NO_COLOR", "1")
    assert dev.bold("word") == "word"


def test_an_old_python_is_told_what_is_needed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\.18"):
        dev.main([])


def test_a_newer_python_on_the_path_takes_over(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[str] = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "python3.12" else None)
    monkeypatch.setattr(os, "execvp", lambda _, words: became.extend(words) or sys.exit(0))

    with pytest.raises(SystemExit):
        dev.main(["test", "-q"])
    assert became == ["python3.12", str(ROOT / "dev"), "test", "-q"]


def test_a_debian_without_venv_is_told_the_package(
    dev: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "find_spec", lambda _: None)

    with pytest.raises(SystemExit, match=r"apt-get install python3\.\d+-venv"):
        dev.set_up(dev.RUNTIME)


class TestSetUp:
    """What makes the environment new, and what leaves it alone."""

    @pytest.fixture(autouse=True)
    def ready(self, dev: ModuleType, elsewhere: Path) -> None:
        dev.BIN.mkdir(parents=True)
        (dev.BIN / "python").touch()

    def test_a_stamped_environment_costs_nothing(
        self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dev.stamp(dev.EVERYTHING).write_text(dev.fingerprint(dev.EVERYTHING))
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it ran something"))

        dev.set_up(dev.EVERYTHING)
        dev.set_up(dev.RUNTIME)  # which is a part of everything

    def test_the_runtime_alone_is_not_enough_for_tests(self, dev: ModuleType) -> None:
        dev.stamp(dev.RUNTIME).write_text(dev.fingerprint(dev.RUNTIME))

        assert dev.is_current(dev.RUNTIME)
        assert not dev.is_current(dev.EVERYTHING)

    @pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
    def test_a_change_of_lock_or_project_asks_for_a_new_set_up(
        self, dev: ModuleType, elsewhere: Path, changed: str
    ) -> None:
        dev.stamp(dev.RUNTIME).write_text(dev.fingerprint(dev.RUNTIME))
        with (elsewhere / changed).open("a") as file:
            file.write("# changed\n")

        assert not dev.is_current(dev.RUNTIME)

    def test_an_environment_that_was_moved_is_made_anew(
        self, dev: ModuleType, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its scripts name the folder where it was made."""
        (dev.BIN / "pip").touch()
        dev.stamp(dev.RUNTIME).write_text("/somewhere/else\n0\n")
        ran: list[tuple[str, ...]] = []
        monkeypatch.setattr(dev, "run", lambda *words: ran.append(words) or "")

        dev.make_venv()

        assert ran == [(sys.executable, "-m", "venv", "--clear", str(elsewhere / ".venv"))]

    def test_a_failed_set_up_leaves_no_stamp(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dev, "run", lambda *_: "no network")

        with pytest.raises(SystemExit, match="no network"):
            dev.set_up(dev.RUNTIME)
        assert not dev.is_current(dev.RUNTIME)

    def test_where_uv_is_not_to_be_had_pip_does_it(
        self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With the same hashes."""
        ran: list[str] = []

        def run(*words: str) -> str:
            ran.append(" ".join(words))
            return "no uv here" if words[-1].endswith("uv.lock") else ""

        monkeypatch.setattr(dev, "run", run)
        dev.set_up(dev.RUNTIME)

        assert not any(words.startswith("uv ") for words in ran)
        assert any(words.endswith(f"--require-hashes -r {dev.RUNTIME}") for words in ran)
        assert dev.is_current(dev.RUNTIME)

    def test_uv_comes_by_its_own_hashes(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dev, "run", lambda *_: "")
        assert not dev.has_uv()  # nothing came, whatever pip says

        lines = (dev.BIN.parent / "uv.lock").read_text().splitlines()
        assert re.fullmatch(r"uv==[\d.]+ \\", lines[0])
        assert all(line.startswith("    --hash=sha256:") for line in lines[1:])
        assert len(lines) > 1


def test_what_a_program_complains_about_is_passed_on(dev: ModuleType) -> None:
    assert dev.run(sys.executable, "-c", "") == ""
    assert dev.run(sys.executable, "-c", "import sys; sys.exit('sorry')") == "sorry"
    assert dev.run(sys.executable, "-c", "import sys; sys.exit(7)").endswith("ended with 7.")


class TestPassedOn:
    """Chores that are programs of their own."""

    @pytest.fixture
    def became(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        became: list[str] = []
        monkeypatch.setattr(dev, "set_up", lambda _: None)
        monkeypatch.setattr(dev, "become", lambda *words: became.extend(words) or 0)
        return became

    @pytest.mark.parametrize("given", [["--against", "a5e2332"], ["--against=a5e2332"]])
    def test_a_bench_against_another_revision_has_a_program(
        self, dev: ModuleType, became: list[str], given: list[str]
    ) -> None:
        assert dev.main(["bench", *given, "-k", "desk"]) == 0

        assert became == ["python", "tests/benchmark/against.py", *given, "-k", "desk"]
        assert (ROOT / became[1]).exists()

    def test_a_bench_alone_is_pytest(self, dev: ModuleType, became: list[str]) -> None:
        assert dev.main(["bench", "-k", "desk"]) == 0

        assert became[:3] == ["python", "-m", "pytest"]
        assert became[-3:] == ["tests/benchmark", "-k", "desk"]

    def test_the_weights_are_scored_where_the_program_is(
        self, dev: ModuleType, became: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "score.py").touch()
        monkeypatch.setattr(dev, "ROOT", tmp_path)
        monkeypatch.setattr(dev, "WEIGHTS", tmp_path / "score.py")

        assert dev.main(["weights", "--scan"]) == 0
        assert became == ["python", "score.py", "--scan"]

    def test_a_checkout_without_it_says_so(
        self,
        dev: ModuleType,
        became: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(dev, "WEIGHTS", ROOT / "tests" / "nothing.py")

        assert dev.main(["weights"]) == 1
        assert became == []
        assert "There is no tests/nothing.py" in capsys.readouterr().err


class TestLocks:
    def test_they_are_of_this_project(self, dev: ModuleType) -> None:
        assert dev.lock_findings() == []

    def test_a_new_dependency_makes_them_old(self, dev: ModuleType, elsewhere: Path) -> None:
        project = elsewhere / "pyproject.toml"
        project.write_text(project.read_text().replace("dependencies = [", 'dependencies = [\n  "attrs",', 1))

        assert len(dev.lock_findings()) == 3

    def test_other_settings_do_not(self, dev: ModuleType, elsewhere: Path) -> None:
        project = elsewhere / "pyproject.toml"
        project.write_text(project.read_text().replace("line-length = 110", "line-length = 100"))

        assert dev.lock_findings() == []

    def test_an_address_in_a_lock_is_found(self, dev: ModuleType, elsewhere: Path) -> None:
        with dev.RUNTIME.open("a") as file:
            file.write("--index-url https://packages.example/simple\n")

        assert [finding.split()[0] for finding in dev.lock_findings()] == ["requirements.lock"]


PAGE = """# A page

## What's new, and old?

[there](other.md), [here](#whats-new-and-old), [both](other.md#a-part), [outside](https://blog.example/)

```toml
[a]
b = 1
```
"""


class TestDocumentation:
    @pytest.fixture
    def page(self, tmp_path: Path) -> Path:
        (tmp_path / "other.md").write_text("# Other\n\n### A part\n")
        (tmp_path / "page.md").write_text(PAGE)
        return tmp_path / "page.md"

    def test_a_sound_page_has_no_findings(self, dev: ModuleType, page: Path) -> None:
        assert dev.page_findings(page) == []

    @pytest.mark.parametrize(
        ("change", "finding"),
        [
            (("](other.md)", "](gone.md)"), "the link gone.md leads nowhere"),
            (("#whats-new-and-old", "#whats-new"), "the link #whats-new leads nowhere"),
            (("#a-part", "#b-part"), "the link other.md#b-part leads nowhere"),
            (("b = 1", "b = one"), "an example in toml does not parse"),
        ],
    )
    def test_what_is_wrong_is_found(
        self, dev: ModuleType, page: Path, change: tuple[str, str], finding: str
    ) -> None:
        page.write_text(PAGE.replace(*change))

        assert [found[: len(finding)] for found in dev.page_findings(page)] == [finding]


def test_every_program_that_tests_need_can_be_installed(dev: ModuleType) -> None:
    assert dev.needed_programs() - set(dev.APT) == set()


class TestPrograms:
    """What `test --all` brings from Debian."""

    @pytest.fixture
    def ran(self, dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        ran: list[str] = []
        monkeypatch.setattr(dev, "run", lambda *words: ran.append(" ".join(words)) or "")
        monkeypatch.setattr(dev, "needed_programs", lambda: {"chromium", "spamassassin"})
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        return ran

    def test_only_what_is_missing_is_installed(
        self, dev: ModuleType, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: None if name == "spamassassin" else name)
        dev.install_programs()

        assert ran == ["apt-get update -q", "apt-get install -q -y --no-install-recommends spamassassin"]

    def test_with_everything_there_nobody_is_asked(
        self, dev: ModuleType, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: name)
        dev.install_programs()

        assert ran == []

    def test_who_may_not_install_is_told_what_is_missing(
        self,
        dev: ModuleType,
        ran: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: name if name == "apt-get" else None)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        dev.install_programs()

        assert ran == []
        assert capsys.readouterr().err == "Missing, to be installed by root: chromium spamassassin\n"


class TestJudges:
    """What `test --all` brings by npm, and what their lock may say."""

    @pytest.fixture
    def judges(self, dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(ROOT / "tests" / "judges" / name, tmp_path / name)
        (tmp_path / "node_modules").mkdir()
        monkeypatch.setattr(dev, "JUDGES", tmp_path)
        return tmp_path

    def test_they_are_installed_once_for_each_lock(
        self, dev: ModuleType, judges: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[str] = []
        monkeypatch.setattr(dev, "run", lambda *words: ran.append(words[-1]) or "")
        monkeypatch.setattr(shutil, "which", lambda name: name)
        dev.install_judges()
        dev.install_judges()
        assert ran == ["ci"]

        (judges / "package-lock.json").write_text("{}")
        dev.install_judges()
        assert ran == ["ci", "ci"]

    def test_without_npm_the_tests_say_what_is_missing(
        self,
        dev: ModuleType,
        judges: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: None)
        dev.install_judges()

        assert capsys.readouterr().err.startswith("Missing: npm")

    @pytest.mark.parametrize(
        ("file", "old", "new", "said"),
        [
            ("package.json", '"mjml": "5.', '"mjml": "6.', "not of this package.json"),
            (
                "package-lock.json",
                '"integrity"',
                '"resolved": "https://npm.example/", "integrity"',
                "address",
            ),
            ("package-lock.json", '"integrity"', '"none"', "no hash"),
        ],
    )
    def test_a_wrong_lock_is_found(
        self, dev: ModuleType, judges: Path, file: str, old: str, new: str, said: str
    ) -> None:
        assert dev.judges_lock_findings() == []
        text = (judges / file).read_text()
        (judges / file).write_text(text.replace(old, new, 1))

        assert [said in finding for finding in dev.judges_lock_findings()] == [True]


PACKAGE = {"name": "caniemail", "version": "3.0.0", "license": "MIT"}
FEATURE = {
    "slug": "css-x",
    "title": "x",
    "category": "css",
    "url": "https://features.example/x",
    "last_test_date": "2026-01-01",
    "description": "Long.",
    "stats": {"gmail": {"ios": {"2020-01": "n", "2019-01": "a #1"}, "android": {}}},
    "notes_by_num": {"1": "Partly “so”."},
}


class TestCaniemail:
    """The data of the compatibility report: what is kept of a published package."""

    def trimmed(self, dev: ModuleType, *, package: object = PACKAGE, **feature: object) -> str:
        data = {"last_update_date": "2026-06-01 12:00:00 +0000", "data": [FEATURE | feature]}
        return str(dev.trimmed_caniemail(json.dumps(package).encode(), json.dumps(data).encode()))

    def test_the_last_version_that_was_tested_is_kept(self, dev: ModuleType) -> None:
        facts = json.loads(self.trimmed(dev))

        assert (facts["version"], facts["licence"], facts["date"]) == ("3.0.0", "MIT", "2026-06-01")
        assert facts["features"][0]["stats"] == {"gmail": {"ios": {"2019-01": "a #1"}}}
        assert facts["features"][0]["notes_by_num"] == {"1": "Partly “so”."}
        assert "description" not in facts["features"][0]
        assert facts["sha256"] == dev.features_sha256(facts["features"])

    def test_a_feature_is_a_line(self, dev: ModuleType) -> None:
        """So that a newer version can be read as a difference."""
        assert sum("css-x" in line for line in self.trimmed(dev).splitlines()) == 1

    def test_another_licence_stops_it(self, dev: ModuleType) -> None:
        with pytest.raises(SystemExit, match="no longer MIT"):
            self.trimmed(dev, package=PACKAGE | {"license": "UNLICENSED"})

    @pytest.mark.parametrize("stats", [{}, {"gmail": {"ios": {"1": "maybe"}}}])
    def test_answers_that_nobody_can_read_stop_it(self, dev: ModuleType, stats: object) -> None:
        with pytest.raises(SystemExit, match="css-x"):
            self.trimmed(dev, stats=stats)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({}, ""),
            ({"version": "3.0.1", "source_sha256": "b", "date": "2026-07-01"}, ""),
            ({"source_sha256": "b"}, "not what it was"),
            ({"version": "2.0.0", "source_sha256": "b", "date": "2025-01-01"}, "ours of 2026-06-01"),
        ],
    )
    def test_data_are_not_replaced_by_worse(
        self, dev: ModuleType, change: dict[str, str], complaint: str
    ) -> None:
        old = {"version": "3.0.0", "source_sha256": "a", "date": "2026-06-01"}

        said = dev.caniemail_complaint(old, old | change)
        assert complaint in said
        assert bool(said) == bool(complaint)

    def test_a_file_that_is_gone_is_named(self, dev: ModuleType, tmp_path: Path) -> None:
        with tarfile.open(tmp_path / "a.tgz", "w:gz"):
            pass
        with (
            tarfile.open(tmp_path / "a.tgz") as package,
            pytest.raises(SystemExit, match=r"no data/x.json any more"),
        ):
            dev.packed(package, "data/x.json")


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["dev"])
    monkeypatch.setattr(sys.stdout, "isatty", interrupt, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)

    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "dev"), run_name="__main__")
    assert stop.value.code == 130


NEEDY = """
import pytest

needs = pytest.mark.needs

@needs("a-program-that-nobody-has")
def test_with_a_program():
    pass

@needs("sh")
def test_with_a_shell():
    pass

def test_with_the_shared_folder(shared_folder):
    pass

@pytest.mark.xfail
def test_of_the_future():
    assert False
"""


@pytest.mark.parametrize(
    ("cores", "args", "expected"),
    [
        (2, [], ["-n", "2"]),
        (64, ["-v", "--durations=9"], ["-n", "4"]),
        (1, [], []),
        (None, [], []),
        (2, ["tests/unit"], []),
        (2, ["-kselection"], []),
        (2, ["-n0"], []),
        (2, ["--pdb"], []),
    ],
)
def test_all_tests_run_in_a_process_per_core_and_chosen_ones_in_one(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, cores: int | None, args: list[str], expected: list[str]
) -> None:
    monkeypatch.setattr(dev.os, "cpu_count", lambda: cores)
    assert dev.workers(args) == expected


@pytest.mark.parametrize(
    ("everything", "outcome"),
    [("", "1 passed, 2 skipped, 1 xfailed"), ("1", "1 passed, 1 skipped, 1 xfailed, 1 error")],
)
def test_under_all_a_missing_program_is_a_failure(tmp_path: Path, everything: str, outcome: str) -> None:
    """And says which; a missing shared folder may be skipped even there."""
    (tmp_path / "checkout" / "tests").mkdir(parents=True)
    for name in ("conftest.py", "workers.py", "compiled.py"):
        shutil.copyfile(ROOT / "tests" / name, tmp_path / "checkout" / "tests" / name)
    (tmp_path / "checkout" / "tests" / "test_needy.py").write_text(NEEDY)
    (tmp_path / "checkout" / "pytest.ini").write_text("[pytest]\nmarkers = needs(name)\n")
    pytest_there = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "-p", "no:randomly"]

    done = subprocess.run(
        pytest_there,
        cwd=tmp_path / "checkout",
        env=os.environ | {"DIGEST_TEST_ALL": everything},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome in done.stdout
    assert "a-program-that-nobody-has is not installed; ./dev test --all brings it" in done.stdout
