;;; devflow.el --- DevFlow through Eglot  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0
;; Package-Requires: ((emacs "29.1"))

;;; Commentary:

;; Makes Eglot start DevFlow, and adds the commands that LSP has no place for:
;; `devflow-explain', `devflow-ask', `devflow-search', `devflow-review',
;; `devflow-reindex', `devflow-why', `devflow-snooze' and `devflow-status'.
;;
;;   (add-to-list 'load-path "THE FOLDER OF THIS FILE")
;;   (require 'devflow)
;;   (add-hook 'python-base-mode-hook #'eglot-ensure)
;;
;; Eglot shows no ghost text; the same suggestions come as completions.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'xref)

(defgroup devflow nil
  "A language server that knows the whole codebase."
  :group 'tools
  :prefix "devflow-")

(defcustom devflow-command '("devflow-lsp")
  "The server's program and its arguments.
A file or a directory of a project cannot set this."
  :type '(repeat string)
  :risky t)

(defcustom devflow-timeout 120
  "Seconds to wait for an answer that may come from a language model."
  :type 'natnum)

(defcustom devflow-modes
  '((python-mode :language-id "python")
    (python-ts-mode :language-id "python")
    (js-mode :language-id "javascript")
    (js-ts-mode :language-id "javascript")
    (typescript-mode :language-id "typescript")
    (typescript-ts-mode :language-id "typescript")
    (tsx-ts-mode :language-id "typescriptreact")
    (go-mode :language-id "go")
    (go-ts-mode :language-id "go")
    (java-mode :language-id "java")
    (java-ts-mode :language-id "java")
    (rust-mode :language-id "rust")
    (rust-ts-mode :language-id "rust")
    (c-mode :language-id "c")
    (c-ts-mode :language-id "c")
    (c++-mode :language-id "cpp")
    (c++-ts-mode :language-id "cpp")
    (csharp-mode :language-id "csharp")
    (csharp-ts-mode :language-id "csharp")
    (ruby-mode :language-id "ruby")
    (ruby-ts-mode :language-id "ruby"))
  "Major modes Eglot starts DevFlow for, as in `eglot-server-programs'.
Eglot runs one server per buffer: leave out the modes in which another
server shall run.  Set this before `devflow' is loaded."
  :type 'sexp
  :risky t)

(defclass devflow-server (eglot-lsp-server) ()
  :documentation "DevFlow as Eglot talks to it.")

(defvar devflow-last-status nil
  "The last status the server told, as a plist, or nil.")

(defun devflow-contact (&rest _)
  "How Eglot starts the server."
  (cons 'devflow-server devflow-command))

(add-to-list 'eglot-server-programs (cons devflow-modes #'devflow-contact))

;;;; What the server is told and sends

(cl-defmethod eglot-client-capabilities ((_server devflow-server))
  "Eglot's own capabilities, and that `devflow/status' is understood."
  (plist-put (cl-call-next-method) :experimental '(:devflowStatus t)))

(cl-defmethod eglot-handle-notification
  ((_server devflow-server) (_method (eql devflow/status)) &rest status)
  "Remember STATUS."
  (setq devflow-last-status status)
  (force-mode-line-update t))

(cl-defmethod eglot-execute ((server devflow-server) action)
  "Run ACTION on SERVER; an explanation that a code action asks for is shown."
  (if (equal (plist-get action :command) "devflow.explain")
      (devflow--call server "devflow.explain" (plist-get action :arguments)
                     (lambda (answer) (devflow--show "explanation" (devflow--markdown answer))))
    (cl-call-next-method)))

;;;; Commands

(defun devflow--server ()
  "The DevFlow server of this buffer, or an error the user can act on."
  (let ((server (eglot-current-server)))
    (unless (and server (object-of-class-p server 'devflow-server))
      (user-error "DevFlow does not run in this buffer; start it with M-x eglot"))
    server))

(defun devflow--call (server command arguments done)
  "Ask SERVER for COMMAND with the vector ARGUMENTS; DONE gets the answer."
  (jsonrpc-async-request
   server :workspace/executeCommand
   (list :command command :arguments (vconcat arguments))
   :timeout devflow-timeout
   :success-fn done
   :error-fn (lambda (failure) (message "DevFlow: %s" (plist-get failure :message)))
   :timeout-fn (lambda () (message "DevFlow gave no answer within %s s" devflow-timeout))))

(defun devflow--run (command arguments done)
  "Run COMMAND with ARGUMENTS on this buffer's server; DONE gets the answer."
  (let ((server (devflow--server)))
    (eglot--signal-textDocument/didChange)
    (devflow--call server command arguments done)))

(defun devflow--markdown (answer)
  "The Markdown in ANSWER."
  (if (stringp answer) answer (or (plist-get answer :markdown) "")))

(defun devflow--show (title markdown)
  "Show MARKDOWN in a window called TITLE."
  (if (string-blank-p markdown)
      (message "DevFlow: there is no answer to show")
    (with-current-buffer (get-buffer-create (format "*devflow %s*" title))
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert markdown)
        (goto-char (point-min)))
      (if (fboundp 'gfm-view-mode) (gfm-view-mode) (special-mode))
      (visual-line-mode 1)
      (display-buffer (current-buffer)))))

(defun devflow--uri ()
  "The URI of this buffer's file."
  (eglot-path-to-uri (or buffer-file-name (user-error "This buffer has no file"))))

;;;###autoload
(defun devflow-explain (start end)
  "Explain the code between START and END, or the symbol at point."
  (interactive (if (use-region-p)
                   (list (region-beginning) (region-end))
                 (list (point) (point))))
  (devflow--run "devflow.explain"
                (list (list :uri (devflow--uri)
                            :range (list :start (eglot--pos-to-lsp-position start)
                                         :end (eglot--pos-to-lsp-position end))))
                (lambda (answer) (devflow--show "explanation" (devflow--markdown answer)))))

;;;###autoload
(defun devflow-ask (question)
  "Answer QUESTION about the workspace."
  (interactive "sWhat do you want to know? ")
  (devflow--run "devflow.ask" (list question)
                (lambda (answer) (devflow--show "answer" (devflow--markdown answer)))))

;;;###autoload
(defun devflow-search (query)
  "Find code that fits QUERY and list it as cross-references."
  (interactive "sSearch for: ")
  (devflow--run
   "devflow.search" (list query)
   (lambda (answer)
     (let ((found (mapcar #'devflow--xref (plist-get answer :hits))))
       (if found
           (xref-show-xrefs (lambda () found) nil)
         (message "DevFlow: nothing in the workspace fits %S. %s"
                  query (or (plist-get answer :reason) "")))))))

(defun devflow--xref (hit)
  "HIT of a search as an xref."
  (let* ((location (plist-get hit :location))
         (start (plist-get (plist-get location :range) :start)))
    (xref-make (or (plist-get hit :title) "")
               (xref-make-file-location (eglot-uri-to-path (plist-get location :uri))
                                        (1+ (plist-get start :line))
                                        (plist-get start :character)))))

;;;###autoload
(defun devflow-review ()
  "Review this file; the findings are diagnostics."
  (interactive)
  (message "DevFlow: reviewing ...")
  (devflow--run "devflow.review" (list (list :uri (devflow--uri)))
                (lambda (answer)
                  (message "DevFlow: %s found" (or (plist-get answer :findings) "something may be")))))

;;;###autoload
(defun devflow-reindex ()
  "Build the index of the workspace again."
  (interactive)
  (devflow--run "devflow.reindex" nil
                (lambda (_answer) (message "DevFlow: the workspace is being indexed again"))))

;;;###autoload
(defun devflow-why ()
  "Show what the last suggestion was made of, and why there was none."
  (interactive)
  (devflow--run "devflow.why" nil
                (lambda (answer) (devflow--show "why" (devflow--markdown answer)))))

;;;###autoload
(defun devflow-snooze (minutes)
  "Have no ghost text for MINUTES; 0 brings it back."
  (interactive (list (read-number "Minutes without suggestions (0 brings them back): " 30)))
  (devflow--run "devflow.snooze" (list minutes)
                (lambda (_answer)
                  (if (zerop minutes)
                      (message "DevFlow: suggestions are back")
                    (message "DevFlow: no suggestions for %s minutes" minutes)))))

;;;###autoload
(defun devflow-status ()
  "Show what the server is doing, and with what."
  (interactive)
  (devflow--run "devflow.status" nil
                (lambda (answer)
                  (setq devflow-last-status answer)
                  (devflow--show "status"
                                 (format "%s\n\n%s\n\n%s"
                                         (or (plist-get answer :state) "")
                                         (or (plist-get answer :text) "")
                                         (or (plist-get answer :details) ""))))))

(provide 'devflow)
;;; devflow.el ends here
