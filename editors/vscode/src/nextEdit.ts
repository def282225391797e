// The edit that comes next: shown where it would be made, gone to and made by one key, sent away by another.
// What follows in another file is a hint at the cursor's line; who goes there is shown the edit.
import * as vscode from "vscode";
import { ExecuteCommandRequest, type Command, type LanguageClient, type Range } from "vscode-languageclient/node";
import { LANGUAGES } from "./server";

const METHOD = "textDocument/copilotInlineEdit";
const DELAY = 200;
const SHOWN = "devflow.nextEditShown";
const ON_TAB = "devflow.nextEditOnTab";

interface Answer {
  edits?: { text: string; range: Range; command: Command }[];
  jumps?: { uri: string; range: Range; text: string; title: string; command?: Command }[];
}

/** What is on the screen: an edit of the document, or a place in another one. */
interface Offer {
  document: vscode.TextDocument;
  target: vscode.Uri;
  range: vscode.Range;
  /** None: the place alone is told, or it is in another document. */
  text?: string;
  title: string;
  command: Command;
}

export class NextEdits implements vscode.Disposable {
  private offer: Offer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private asking: vscode.CancellationTokenSource | undefined;
  private readonly removed = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("diffEditor.removedTextBackground"),
  });
  private readonly added = vscode.window.createTextEditorDecorationType({
    after: { backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground") },
  });
  private readonly hint = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorGhostText.foreground"), margin: "0 0 0 2em" },
  });
  private readonly item = vscode.window.createStatusBarItem("devflow.nextEdit", vscode.StatusBarAlignment.Right, 89);
  private readonly registrations: vscode.Disposable[];

  constructor(private readonly client: () => LanguageClient | undefined) {
    this.item.name = "DevFlow: next edit";
    this.item.command = "devflow.nextEdit.accept";
    this.registrations = [
      vscode.commands.registerCommand("devflow.nextEdit.accept", () => this.accept()),
      vscode.commands.registerCommand("devflow.nextEdit.reject", () => this.reject()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && document === vscode.window.activeTextEditor?.document) {
          this.askSoon();
        }
      }),
      // What was edited in another document may go on here.
      vscode.window.onDidChangeActiveTextEditor(() => this.askSoon()),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (this.offer?.document === textEditor.document) {
          this.draw(textEditor, this.offer);
        }
      }),
    ];
  }

  private askSoon(): void {
    this.hide();
    this.timer = setTimeout(() => void this.ask(), DELAY);
  }

  /** Ask what comes next at the cursor, and show it. */
  private async ask(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const client = this.client();
    if (!editor || !client?.isRunning() || !isOurs(editor.document) || !offersThem(client)) {
      return;
    }
    const document = editor.document;
    const version = document.version;
    const asking = new vscode.CancellationTokenSource();
    this.asking?.cancel();
    this.asking = asking;
    let answer: Answer | null;
    try {
      answer = await client.sendRequest<Answer | null>(
        METHOD,
        {
          textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri), version },
          position: client.code2ProtocolConverter.asPosition(editor.selection.active),
          context: { triggerKind: 2 },
        },
        asking.token,
      );
    } catch {
      return; // edited meanwhile, or the server has ended: nothing comes next
    }
    const stale = asking.token.isCancellationRequested || document.version !== version;
    if (stale || vscode.window.activeTextEditor !== editor) {
      return;
    }
    const offer = offerOf(client, document, answer);
    if (offer) {
      this.show(client, editor, offer);
    }
  }

  private show(client: LanguageClient, editor: vscode.TextEditor, offer: Offer): void {
    this.hide();
    this.offer = offer;
    this.draw(editor, offer);
    void vscode.commands.executeCommand("setContext", SHOWN, true);
    if (offer.text !== undefined) {
      void client.sendNotification("textDocument/didShowInlineEdit", { item: { command: offer.command } });
    }
  }

  private draw(editor: vscode.TextEditor, offer: Offer): void {
    const { active } = editor.selection;
    const here = offer.text !== undefined;
    const away = !here || offer.range.start.line !== active.line;
    if (offer.text !== undefined) {
      const [first = "", ...rest] = offer.text.split(/\r?\n/);
      const hoverMessage = new vscode.MarkdownString(`DevFlow: ${offer.title}`);
      if (rest.length > 0) {
        hoverMessage.appendCodeblock(offer.text, editor.document.languageId);
      }
      const contentText = [first, ...rest.map((line) => line.trim())].join(" ⏎ ").replaceAll(" ", "\u00a0");
      editor.setDecorations(this.removed, offer.range.isEmpty ? [] : [offer.range]);
      editor.setDecorations(this.added, [
        {
          range: new vscode.Range(offer.range.end, offer.range.end),
          hoverMessage,
          renderOptions: contentText ? { after: { contentText } } : {},
        },
      ]);
    }
    const where = `${here ? "line " : `${vscode.workspace.asRelativePath(offer.target)}:`}${offer.range.start.line + 1}`;
    const { end } = editor.document.lineAt(active.line).range;
    const onTab = away && isBehindText(editor);
    const contentText = `→ ${where}  ${offer.title} (${onTab ? "Tab" : "Alt+N"})`.replaceAll(" ", "\u00a0");
    editor.setDecorations(
      this.hint,
      away ? [{ range: new vscode.Range(end, end), renderOptions: { after: { contentText } } }] : [],
    );
    this.item.text = `$(arrow-right) ${where}`;
    this.item.tooltip = `DevFlow: ${offer.title}`;
    this.item.show();
    // Tab belongs to the user: in the indentation of a line it indents.
    void vscode.commands.executeCommand("setContext", ON_TAB, isBehindText(editor));
  }

  /** Go to what is shown; being there already, make it. */
  private async accept(): Promise<void> {
    const offer = this.offer;
    const client = this.client();
    const editor = vscode.window.activeTextEditor;
    if (!offer || !client || editor?.document !== offer.document) {
      return;
    }
    if (offer.text === undefined) {
      this.hide();
      tell(client, offer.command);
      const selection = new vscode.Range(offer.range.start, offer.range.start);
      await vscode.window.showTextDocument(offer.target, { selection });
      this.askSoon();
    } else if (editor.selection.active.line !== offer.range.start.line) {
      editor.selection = new vscode.Selection(offer.range.start, offer.range.start);
      editor.revealRange(offer.range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    } else {
      const text = offer.text;
      this.hide();
      if (await editor.edit((builder) => builder.replace(offer.range, text))) {
        tell(client, offer.command);
      }
    }
  }

  /** Send away what is shown; it is not offered again. */
  private reject(): void {
    const client = this.client();
    if (this.offer && client) {
      tell(client, { ...this.offer.command, command: "devflow.rejected" });
    }
    this.hide();
  }

  private hide(): void {
    clearTimeout(this.timer);
    this.asking?.cancel();
    if (this.offer === undefined) {
      return;
    }
    this.offer = undefined;
    for (const editor of vscode.window.visibleTextEditors) {
      for (const type of [this.removed, this.added, this.hint]) {
        editor.setDecorations(type, []);
      }
    }
    this.item.hide();
    void vscode.commands.executeCommand("setContext", SHOWN, false);
    void vscode.commands.executeCommand("setContext", ON_TAB, false);
  }

  dispose(): void {
    this.hide();
    for (const each of [...this.registrations, this.removed, this.added, this.hint, this.item]) {
      each.dispose();
    }
  }
}

function isOurs(document: vscode.TextDocument): boolean {
  return document.uri.scheme === "file" && LANGUAGES.includes(document.languageId);
}

/** Whether the server has the feature, and it is not switched off. */
function offersThem(client: LanguageClient): boolean {
  const experimental: unknown = client.initializeResult?.capabilities.experimental;
  return (experimental as { copilotInlineEdit?: unknown } | undefined)?.copilotInlineEdit === true;
}

function isBehindText(editor: vscode.TextEditor): boolean {
  const { active, isEmpty } = editor.selection;
  return isEmpty && editor.document.lineAt(active.line).text.slice(0, active.character).trim() !== "";
}

function offerOf(client: LanguageClient, document: vscode.TextDocument, answer: Answer | null): Offer | undefined {
  const converter = client.protocol2CodeConverter;
  const edit = answer?.edits?.[0];
  if (edit) {
    const range = converter.asRange(edit.range);
    return { document, target: document.uri, range, text: edit.text, title: edit.command.title, command: edit.command };
  }
  const jump = answer?.jumps?.find((each) => each.command !== undefined);
  if (!jump?.command) {
    return undefined;
  }
  const target = converter.asUri(jump.uri);
  return { document, target, range: converter.asRange(jump.range), title: jump.title, command: jump.command };
}

/** What became of an offer; a server that has ended need not know. */
function tell(client: LanguageClient, { command, arguments: values }: Command): void {
  client.sendRequest(ExecuteCommandRequest.type, { command, arguments: values }).catch(() => undefined);
}
