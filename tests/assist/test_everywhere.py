"""Every function answers at every offset of whole and of broken code, with nothing but the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.base import Codebase
from devflow.server.assist.complete import complete, document_item
from devflow.server.assist.hover import hover
from devflow.server.assist.inline import inline
from devflow.server.assist.navigate import definition, references
from devflow.server.assist.rename import prepare_rename
from devflow.server.assist.signature_help import signature_help
from devflow.server.settings import Completion, Hover, Inline
from support.codebase import document, workspace

CODE = {
    "a.py": 'import os\nclass A(B):\n    """D."""\n    x: int = f(1, é="😋")\n    def g(self): self.x.y(',
    "a.ts": "class A extends B { x = 1; f(a: T) { this.x.y(`${a}`, ",
    "a.go": 'package m\nfunc (a *A) F(b int) { a.b.C(1, "x\n',
    "a.rs": "impl A { fn f(&self, b: &'a str) { self.x.y(b, ",
    "A.java": "class A extends B { int x; void f(C c) { c.x.y(1, ",
    "a.rb": "class A < B\n  def f(a)\n    a.b.c(1,\n",
    "a.c": 'struct a { int b; };\nint f(struct a *p) { return p->b + g(1, "',
    "a.txt": "just words. and more words.\n",
    "b.py": "\0\r\n\f\ud800.x(\r",
    "c.py": "",
}


@pytest.mark.parametrize("name", CODE)
async def test_every_offset_has_an_answer(name: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, "<|>") as space:
        doc = document(CODE[name], tmp_path / name)
        code = Codebase((tmp_path,), space)
        size = len(doc.text)
        for at in range(size + 1):
            found = await complete(doc, at, code, Completion(deadline_ms=5_000))
            for item in found.items:
                for edit in (item.edit, *item.additional):
                    assert 0 <= edit.start <= edit.end <= size
            await document_item(doc, at, "x", code)
            card = await hover(doc, at, code, Hover())
            assert card is None or 0 <= card.start < card.end <= size
            ghost = await inline(doc, at, code, Inline())
            assert ghost is None or ghost.edit.start <= at <= ghost.edit.end
            for place in (
                *(await definition(doc, at, code)).locations,
                *await references(doc, at, code, True),
            ):
                whole = size if place.path == doc.path else len(place.path.read_text("utf-8"))
                assert 0 <= place.start <= place.end <= whole
            await prepare_rename(doc, at, code)
            await signature_help(doc, at, code)
