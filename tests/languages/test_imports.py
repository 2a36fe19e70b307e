"""Which files an import means, language by language; and that no text stops the reader."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from resource import RUSAGE_SELF, getrusage
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.languages import grammars, modules
from gitbot.languages.imports import LARGEST, ImportReader
from gitbot.languages.modules import Modules

Tree = Mapping[str, str]


def targets(tree: Tree, path: str) -> list[tuple[int, str]]:
    """Line and file of everything in the tree that `path` imports."""
    contents = {name: dedent(text).encode() for name, text in tree.items()}
    known = Modules(tree, contents.get)
    found = ImportReader().read(path, contents[path])
    return [(each.line, target) for each in found for target in known.targets(path, each, contents[path])]


PYTHON = {
    "src/shop/__init__.py": "",
    "src/shop/cart.py": "",
    "src/shop/db/__init__.py": "",
    "src/shop/db/models.py": "",
    "src/shop/db/logging.py": "",
    "src/shop/api.py": """\
        import logging, requests
        from .cart import Cart
        from . import db
        from shop.db.models import User
        def late():
            if True:
                from .db import models as m
        from ....outside import nothing
        """,
    "tests/test_api.py": "from shop import api\nimport shop.db\n",
}
ECMASCRIPT = {
    "tsconfig.json": """\
        {"compilerOptions": {
            "paths": {"@/*": ["./app/src/*"], /* one */ "#env": ["./env.ts"],}} // two
        }""",
    "env.ts": "",
    "packages/ui/package.json": '{"name": "@acme/ui"}',
    "packages/ui/src/index.ts": "",
    "packages/ui/src/button.tsx": "",
    "app/src/auth/index.ts": "",
    "app/src/user.ts": "",
    "app/src/lazy.js": "",
    "app/src/page.vue": "<template><a/></template>\n<script lang='ts'>\nimport u from './user'\n</script>\n<style/>",
    "app/src/main.tsx": """\
        import React from 'react'
        import { login } from "./auth";
        import type { User } from './user.js';
        export * from '@/user';
        const lazy = import('./lazy'), env = require('#env');
        import { Button } from '@acme/ui';
        import b from '@acme/ui/button';
        import gone from '../../../../x';
        """,
}
GO = {
    "go.mod": "module example.com/shop\n\ngo 1.22\n",
    "cart/cart.go": "package cart",
    "cart/price.go": "package cart",
    "cart/cart_test.go": "package cart",
    "main.go": 'package main\n\nimport (\n\t"fmt"\n\tc "example.com/shop/cart"\n)\n',
}
RUST = {
    "Cargo.toml": '[workspace]\nmembers = ["core"]\n',
    "core/Cargo.toml": '[package]\nname = "shop-core"\n',
    "core/src/lib.rs": "pub mod cart;\nmod db;\n",
    "core/src/cart.rs": """\
        mod price;
        use super::db::{models::User, Pool as P};
        mod tests { use super::*; use crate::Top; }
        """,
    "core/src/cart/price.rs": "use super::super::db;\nuse self::x;\nuse std::fmt;\n",
    "core/src/db/mod.rs": "",
    "core/src/db/models.rs": "",
    "core/tests/all.rs": "mod support;\nuse shop_core::cart::Cart;\n",
    "core/tests/support/mod.rs": "",
}
JAVA = {
    "src/main/java/shop/Cart.java": """\
        package shop;
        import shop.db.User;
        import static shop.db.Rows.one;
        import java.util.List;
        """,
    "src/main/java/shop/db/User.java": "package shop.db;\nclass User { Rows rows; }\n",
    "src/main/java/shop/db/Rows.java": "package shop.db;\nimport shop.*;\nclass Rows { Cart cart; }\n",
    "src/test/java/shop/CartTest.java": "package shop;\nclass CartTest { Cart cart; }\n",
}
CSHARP = {
    "src/Shop.Core/Shop.Core.csproj": "<Project/>",
    "src/Shop.Core/Models/User.cs": "namespace Shop.Core.Models;\nclass User { }\n",
    "src/Shop.Core/Models/Order.cs": "namespace Shop.Core.Models;\nclass Order { User user; }\n",
    "src/Shop.Core/Cart.cs": """\
        using System;
        using Shop.Core.Models;
        namespace Shop.Core { class Cart { Order order; } }
        """,
}
RUBY = {
    "lib/shop.rb": "require 'set'\nrequire 'shop/cart'\nrequire_relative 'shop/db'\n",
    "lib/shop/cart.rb": "",
    "lib/shop/db.rb": "",
    "test/cart_test.rb": "require('shop/cart')\n",
}
PHP = {
    "composer.json": '{"autoload": {"psr-4": {"Shop\\\\": "src/"}}}',
    "src/Cart.php": """\
        <?php
        namespace Shop;
        use Shop\\Db\\{User, Row as R};
        use Psr\\Log;
        require __DIR__ . '/../lib/legacy.php';
        new Price();
        """,
    "src/Price.php": "<?php namespace Shop;",
    "lib/legacy.php": "<?php",
    "src/Db/User.php": "<?php namespace Shop\\Db;",
    "src/Db/Row.php": "<?php namespace Shop\\Db;",
}


@pytest.mark.parametrize(
    ("tree", "path", "found"),
    [
        (
            PYTHON,
            "src/shop/api.py",
            [
                (2, "src/shop/cart.py"),
                (3, "src/shop/db/__init__.py"),
                (4, "src/shop/db/models.py"),
                (7, "src/shop/db/models.py"),
            ],
        ),
        (PYTHON, "tests/test_api.py", [(1, "src/shop/api.py"), (2, "src/shop/db/__init__.py")]),
        (
            ECMASCRIPT,
            "app/src/main.tsx",
            [
                (2, "app/src/auth/index.ts"),
                (3, "app/src/user.ts"),
                (4, "app/src/user.ts"),
                (5, "app/src/lazy.js"),
                (5, "env.ts"),
                (6, "packages/ui/src/index.ts"),
                (7, "packages/ui/src/button.tsx"),
            ],
        ),
        (ECMASCRIPT, "app/src/page.vue", [(3, "app/src/user.ts")]),
        (GO, "main.go", [(5, "cart/cart.go"), (5, "cart/price.go")]),
        (RUST, "core/src/lib.rs", [(1, "core/src/cart.rs"), (2, "core/src/db/mod.rs")]),
        (
            RUST,
            "core/src/cart.rs",
            [
                (1, "core/src/cart/price.rs"),
                (2, "core/src/db/models.rs"),
                (2, "core/src/db/mod.rs"),
                (3, "core/src/lib.rs"),
            ],
        ),
        (RUST, "core/src/cart/price.rs", [(1, "core/src/db/mod.rs")]),
        (RUST, "core/tests/all.rs", [(1, "core/tests/support/mod.rs"), (2, "core/src/cart.rs")]),
        (
            JAVA,
            "src/main/java/shop/Cart.java",
            [(2, "src/main/java/shop/db/User.java"), (3, "src/main/java/shop/db/Rows.java")],
        ),
        (JAVA, "src/main/java/shop/db/User.java", [(1, "src/main/java/shop/db/Rows.java")]),
        (JAVA, "src/main/java/shop/db/Rows.java", [(2, "src/main/java/shop/Cart.java")]),
        (JAVA, "src/test/java/shop/CartTest.java", [(1, "src/main/java/shop/Cart.java")]),
        (CSHARP, "src/Shop.Core/Cart.cs", [(2, "src/Shop.Core/Models/Order.cs")]),
        (CSHARP, "src/Shop.Core/Models/Order.cs", [(1, "src/Shop.Core/Models/User.cs")]),
        (RUBY, "lib/shop.rb", [(2, "lib/shop/cart.rb"), (3, "lib/shop/db.rb")]),
        (RUBY, "test/cart_test.rb", [(1, "lib/shop/cart.rb")]),
        (
            PHP,
            "src/Cart.php",
            [(2, "src/Price.php"), (3, "src/Db/User.php"), (3, "src/Db/Row.php"), (5, "lib/legacy.php")],
        ),
    ],
)
def test_an_import_means_the_file_that_the_language_would_load(
    tree: Tree, path: str, found: list[tuple[int, str]]
) -> None:
    assert sorted(targets(tree, path)) == sorted(found)


def test_a_name_that_two_places_explain_equally_means_neither() -> None:
    tree = {
        "a/app/__init__.py": "",
        "a/app/x.py": "",
        "b/app/__init__.py": "",
        "b/app/x.py": "",
        "run.py": "import app.x\n",
        "a/run.py": "import app.x\n",
    }
    assert targets(tree, "run.py") == []
    assert targets(tree, "a/run.py") == [(1, "a/app/x.py")]


@pytest.mark.parametrize("manifest", ["{", "[]", '{"name": 5}', '{"compilerOptions": []}', '"' * 9, "[" * 60_000])
def test_a_manifest_that_is_none_is_passed_over(manifest: str) -> None:
    tree = {"package.json": manifest, "tsconfig.json": manifest, "composer.json": manifest, "a.ts": "import '@/b'\n"}
    assert targets(tree | {"a.php": "<?php use A\\B;"}, "a.ts") == []


@pytest.fixture
def _no_go(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    grammars.grammar_of.cache_clear()
    yield
    grammars.grammar_of.cache_clear()


@pytest.mark.usefixtures("_no_go")
def test_a_language_without_its_parser_is_named_and_the_others_are_read() -> None:
    reader = ImportReader()
    assert reader.read("main.go", GO["main.go"].encode()) == ()
    assert reader.read("a.py", b"import b")
    assert reader.missing == {"Go"}


SUFFIXES = sorted(grammars.tongues())


@given(st.sampled_from(SUFFIXES), st.binary(max_size=300))
def test_no_bytes_stop_the_reader(suffix: str, data: bytes) -> None:
    path = f"a{suffix}"
    known = Modules([path, "b.py"], lambda path: data)
    for found in ImportReader().read(path, data):
        assert set(known.targets(path, found, data)) <= {path, "b.py"}


@pytest.mark.parametrize("suffix", [".ts", ".rs", ".java", ".rb"])
def test_hostile_text_soon_uses_up_the_patience_for_all_files(suffix: str) -> None:
    """What takes a parser without end is given up, and after some of it nothing more is read."""
    reader = ImportReader()
    for text in ("a<", "'", "use {", "a?b:c<"):
        before = reader.effort
        reader.read(f"a{suffix}", (text * (LARGEST // 4 // len(text))).encode())
        assert before - reader.effort <= 31 * grammars._ERROR + LARGEST // 25


@pytest.mark.parametrize("length", [4_000, 20_000, 200_000])
def test_what_is_left_open_at_the_end_costs_little_memory(length: int) -> None:
    """A Java file of nothing but `a<` took gigabytes: its parser copies all that is open when the text ends."""
    before = getrusage(RUSAGE_SELF).ru_maxrss
    ImportReader().read("a.java", b"a<" * (length // 2))
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 300 << 10


@pytest.mark.parametrize("text", ["(", "{", "import {"])
def test_a_wide_tree_of_errors_is_searched_in_linear_time(text: str) -> None:
    assert ImportReader().read("a.js", (text * (LARGEST // len(text))).encode()) == ()


def test_imports_beside_an_error_are_found() -> None:
    found = ImportReader().read("a.ts", b"import a from 'a'\nlet = = ;\nimport b from 'b'\n")
    assert {each.name for each in found} >= {"a"}


def test_what_is_larger_than_people_write_is_not_read() -> None:
    assert ImportReader().read("a.py", b"import b\n" + b"#" * LARGEST) == ()


def test_deep_braces_of_names_are_cut_off() -> None:
    assert len(ImportReader().read("a.rs", b"use a::" + b"{b::" * 300 + b"c" + b"}" * 300 + b";")) <= 300


def test_words_are_only_looked_up_by_whole_names() -> None:
    assert modules._words(b"User UserTest") == {b"User", b"UserTest"}
