"""What a path's name tells about how it is shared."""

from __future__ import annotations

import pytest

from gitbot.fileclasses import FileClass, advice, file_class, lock_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("package-lock.json", FileClass.LOCK),
        ("web/yarn.lock", FileClass.LOCK),
        ("package.json", FileClass.MANIFEST),
        ("requirements-dev.txt", FileClass.MANIFEST),
        ("src/App/App.csproj", FileClass.MANIFEST),
        ("tsconfig.build.json", FileClass.BUILD),
        ("Makefile", FileClass.BUILD),
        (".github/workflows/ci.yml", FileClass.CI),
        ("app/migrations/0002_users.py", FileClass.SEQUENCE),
        ("db/schema.rb", FileClass.SEQUENCE),
        ("sql/V7__users.sql", FileClass.SEQUENCE),
        ("docs/adr/0012-queue.md", FileClass.SEQUENCE),
        ("specs/004-search/spec.md", FileClass.SEQUENCE),
        ("src/pkg/__init__.py", FileClass.WIRING),
        ("src/routes.tsx", FileClass.WIRING),
        ("Data/ShopDbContext.cs", FileClass.WIRING),
        ("src/locales/de/common.json", FileClass.STRINGS),
        ("po/de.po", FileClass.STRINGS),
        ("ui/dist/index.js", FileClass.GENERATED),
        ("api/types.pb.go", FileClass.GENERATED),
        ("CHANGELOG.md", FileClass.DOCS),
        (".planning/STATE.md", FileClass.COORDINATION),
        ("src/parser.py", None),
        ("my-package.json", None),
        ("src/package.json.ts", None),
        ("", None),
        ("package.json\n", None),
    ],
)
def test_a_path_has_the_class_of_its_name(path: str, expected: FileClass | None) -> None:
    assert file_class(path) is expected


def test_a_manifest_implies_the_lock_files_beside_it() -> None:
    assert "web/package-lock.json" in lock_of("web/package.json")
    assert lock_of("Cargo.toml") == ("Cargo.lock",)
    assert lock_of("src/App/App.csproj") == ("src/App/packages.lock.json",)
    assert lock_of("src/parser.py") == ()


@pytest.mark.parametrize("manifest", ["package.json", "a/pyproject.toml", "go.mod", "x/Gemfile", "flake.nix"])
def test_what_implies_a_lock_is_a_manifest_and_what_it_implies_is_a_lock(manifest: str) -> None:
    assert file_class(manifest) is FileClass.MANIFEST
    assert {file_class(lock) for lock in lock_of(manifest)} == {FileClass.LOCK}


@pytest.mark.parametrize("each", FileClass)
def test_every_class_has_one_line_of_advice(each: FileClass) -> None:
    assert advice(each)
    assert "\n" not in advice(each)
