"""Moved files and the imports of a real workspace: on disk, indexed."""

from __future__ import annotations

from pathlib import Path

from devflow.server.assist.move_files import imports_after_move
from support.codebase import Workspace, workspace


async def moved(space: Workspace, old: str, new: str) -> dict[str, str]:
    made = await imports_after_move([(space.root / old, space.root / new)], space.code)
    return {
        path.relative_to(space.root).as_posix(): made.texts[path].replaced(edits).source
        for path, edits in made.edits.items()
    }


async def test_a_renamed_module_is_imported_by_its_new_name(tmp_path: Path) -> None:
    snippet = "#- pkg/__init__.py\n#- pkg/old.py\ndef f(): ...\n#- main.py\nfrom pkg.old import f<|>\n"
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await moved(space, "pkg/old.py", "pkg/new.py") == {"main.py": "from pkg.new import f\n"}


async def test_a_moved_folder_takes_its_imports_along(tmp_path: Path) -> None:
    snippet = """
        #- pkg/__init__.py
        #- pkg/sub/__init__.py
        #- pkg/sub/a.py
        from ..b import x
        from . import c
        #- pkg/sub/c.py
        #- pkg/b.py
        x = 1
        #- main.py
        import pkg.sub.a
        pkg.sub.a.x<|>
        """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        assert await moved(space, "pkg/sub", "pkg/other/sub") == {
            "main.py": "import pkg.other.sub.a\npkg.other.sub.a.x\n",
            "pkg/sub/a.py": "from pkg.b import x\nfrom . import c\n",
        }


async def test_relative_imports_of_typescript_follow(tmp_path: Path) -> None:
    snippet = """
        //- lib/shapes.ts
        import { unit } from "./unit";
        //- lib/unit.ts
        export const unit = 1;
        //- main.ts
        import { area } from "./lib/shapes";<|>
        """
    async with workspace(tmp_path, snippet, "main.ts", indexed=True) as space:
        assert await moved(space, "lib/shapes.ts", "shapes.ts") == {
            "lib/shapes.ts": 'import { unit } from "./lib/unit";\n',
            "main.ts": 'import { area } from "./shapes";\n',
        }


async def test_without_an_index_the_moved_file_itself_is_kept_right(tmp_path: Path) -> None:
    snippet = "#- pkg/__init__.py\n#- pkg/b.py\n#- pkg/a.py\nfrom . import b<|>\n"
    async with workspace(tmp_path, snippet) as space:
        assert await moved(space, "pkg/a.py", "pkg/sub/a.py") == {"pkg/a.py": "from pkg import b\n"}


async def test_a_file_of_another_language_changes_nothing(tmp_path: Path) -> None:
    async with workspace(tmp_path, "#- notes.txt\nx\n#- main.py\nimport notes<|>\n", indexed=True) as space:
        assert await moved(space, "notes.txt", "other.txt") == {}
