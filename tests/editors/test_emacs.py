"""The real Emacs with Eglot, devflow.el and our server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devflow.models.feedback import Feedback, feedback_file
from support import editors
from support.feedback import summed

pytestmark = pytest.mark.editor

LIBRARY = editors.ROOT / "editors/emacs/devflow.el"

FILES = {
    "shapes.py": (
        "def rectangle_area(width, height):\n"
        '    """Area of a rectangle in square metres."""\n'
        "    return width * height\n"
    ),
    "main.py": (
        "from shapes import rectangle_area\n\n"
        "rectangle_area(1, 2, 3)\n"
        "size = rectangle_area(5, 6)\n"
        "\n\ndef small(shape):\n    width, height = shape.size\n    return rectangle_area(width, height)\n"
        "\n\ndef middle(shape):\n    width, height = shape.size\n    return rectangle_area(width, height)\n"
        "\n\nrectangle_a\n"
    ),
}

# What a user does by hand, in order; the answers go out as one JSON object.
SCRIPT = r"""
(require 'devflow)
(require 'json)
(setq devflow-command '{command}
      eglot-sync-connect 120 eglot-connect-timeout 120 eglot-autoshutdown t
      devflow-test nil)
(setq-default eglot-events-buffer-config '(:size 0))
(defun devflow-test-wait (what ask)
  (let ((end (time-add nil {patience})) answer)
    (while (and (not (setq answer (funcall ask))) (time-less-p nil end))
      (accept-process-output nil 0.05))
    (push (cons what (or answer :json-false)) devflow-test)))
(setq vc-handled-backends nil)
(find-file "main.py")
(python-mode)
(apply #'eglot (eglot--guess-contact))
(devflow-test-wait 'server (lambda () (format "%s" (eieio-object-class (eglot-current-server)))))
(devflow-test-wait 'diagnostics
  (lambda () (flymake-start)
    (mapcar (lambda (d) (vector (line-number-at-pos (flymake-diagnostic-beg d)) (flymake-diagnostic-text d)))
            (flymake-diagnostics))))
(goto-char (point-min)) (search-forward "rectangle_area(5") (backward-char 4)
(devflow-test-wait 'hover
  (lambda () (let ((answer (jsonrpc-request (eglot-current-server) :textDocument/hover
                                            (eglot--TextDocumentPositionParams))))
               (plist-get (plist-get answer :contents) :value))))
(devflow-test-wait 'definition
  (lambda () (mapcar (lambda (x) (let ((at (xref-item-location x)))
                                   (vector (file-name-nondirectory (xref-location-group at))
                                           (xref-location-line at))))
                     (xref-backend-definitions 'eglot (xref-backend-identifier-at-point 'eglot)))))
(goto-char (point-max)) (backward-char 1)
(devflow-test-wait 'completion
  (lambda () (let ((found (eglot-completion-at-point)))
               (and found (mapcar #'substring-no-properties
                                  (all-completions "rectangle_a" (nth 2 found)))))))
(goto-char (point-max)) (forward-line -1) (delete-region (point) (point-max))
(insert "def large(shape):\n    width, height = shape.size\n    return ")
(devflow-test-wait 'ghost
  (lambda () (let* ((found (eglot-completion-at-point))
                    (all (and found (mapcar #'substring-no-properties (all-completions "" (nth 2 found))))))
               (and (member "rectangle_area(width, height)" all) all))))
(devflow-test-wait 'accepted
  (lambda () (let* ((found (eglot-completion-at-point)) (item "rectangle_area(width, height)")
                    (chosen (car (member item (all-completions "" (nth 2 found)))))
                    (done (plist-get (nthcdr 3 found) :exit-function)))
               (when chosen
                 (insert chosen) (funcall done chosen 'finished)
                 (buffer-substring (line-beginning-position) (line-end-position))))))
(devflow-status)
(devflow-test-wait 'status (lambda () (plist-get devflow-last-status :state)))
(devflow-snooze 5)
(devflow-why)
(devflow-test-wait 'why
  (lambda () (and (get-buffer "*devflow why*")
                  (with-current-buffer "*devflow why*" (buffer-string)))))
(princ (concat "ANSWERS" (json-encode devflow-test) "\n"))
(set-buffer-modified-p nil)
(eglot-shutdown-all)
"""


@pytest.fixture(scope="module")
def emacs() -> editors.Program:
    return editors.find("emacs")


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_the_library_compiles_without_a_warning(emacs: editors.Program, tmp_path: Path) -> None:
    copy = tmp_path / LIBRARY.name
    copy.write_text(LIBRARY.read_text())
    strict = "(setq byte-compile-error-on-warn t)"
    done = emacs.run("--batch", "-Q", "--eval", strict, "-f", "batch-byte-compile", copy)
    assert done.returncode == 0, done.stderr


def test_eglot_completes_hovers_navigates_and_shows_findings(emacs: editors.Program, tmp_path: Path) -> None:
    folder = tmp_path / "a work space"
    (folder / ".git").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    script = tmp_path / "script.el"
    command = f"({' '.join(map(_string, editors.server_command()))})"
    script.write_text(SCRIPT.replace("{command}", command).replace("{patience}", f"{editors.PATIENCE:.0f}"))
    done = emacs.run(
        "--batch", "-Q", "-L", LIBRARY.parent, "-l", script, env=editors.server_environment(), cwd=folder
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWERS")]
    assert lines, done.stderr[-3000:]
    answers = json.loads(lines[0].removeprefix("ANSWERS"))
    assert answers["server"] == "devflow-server"
    assert "rectangle_area" in [word.split("(")[0] for word in answers["completion"]]
    assert "square metres" in answers["hover"]
    assert answers["definition"] == [["shapes.py", 1]]
    assert 3 in [line for line, _ in answers["diagnostics"]]
    assert "rectangle_area(width, height)" in answers["ghost"]  # what other editors show as ghost text
    assert answers["accepted"] == "    return rectangle_area(width, height)"
    store = Feedback(feedback_file())
    counted = summed(store, kind="item")
    store.close()
    assert (counted.accepted, counted.whole, counted.rejected) == (1, 1, 0)
    assert "rectangle_area" in answers["why"] or "last" in answers["why"].lower()
    assert "DevFlow: no suggestions for 5 minutes" in done.stderr
    assert answers["status"] in ("starting", "indexing", "ready", "limited")
