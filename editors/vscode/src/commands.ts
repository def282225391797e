// What the command palette offers. The names differ from the server's own (devflow.explain ...), which
// the client library registers when the server announces them.
import * as vscode from "vscode";
import { ExecuteCommandRequest, type LanguageClient, type Location } from "vscode-languageclient/node";
import type { Answers } from "./answers";
import { asStatus, type StatusItem } from "./status";

export interface Running {
  client(): LanguageClient | undefined;
  restart(): Promise<void>;
  readonly answers: Answers;
  readonly status: StatusItem;
  readonly log: vscode.LogOutputChannel;
}

const SNOOZED_MINUTES = 30;
const LONGEST_SNOOZE = 24 * 60;

interface Hit {
  location: Location;
  title?: string;
  excerpt?: string;
}

/** The Markdown in an answer, or "". */
export function markdownOf(answer: unknown): string {
  if (typeof answer === "string") {
    return answer;
  }
  const markdown = (answer as { markdown?: unknown } | null | undefined)?.markdown;
  return typeof markdown === "string" ? markdown : "";
}

export function registerCommands(running: Running): vscode.Disposable[] {
  const commands: Record<string, () => unknown> = {
    "devflow.explainSelection": () => explain(running),
    "devflow.askQuestion": () => ask(running),
    "devflow.searchCode": () => search(running),
    "devflow.reviewFile": () => review(running),
    "devflow.rebuildIndex": () => reindex(running),
    "devflow.showWhy": () => showWhy(running),
    "devflow.snoozeGhostText": () => snooze(running),
    "devflow.showStatus": () => showStatus(running),
    "devflow.showLog": () => running.log.show(),
    "devflow.restart": () => running.restart(),
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run));
}

async function explain(running: Running): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = running.client();
  if (!editor || !client) {
    return;
  }
  const target = {
    uri: client.code2ProtocolConverter.asUri(editor.document.uri),
    range: client.code2ProtocolConverter.asRange(editor.selection),
  };
  await show(running, "Explanation", await call(running, "devflow.explain", [target], "explaining"));
}

async function ask(running: Running): Promise<void> {
  const question = await vscode.window.showInputBox({ prompt: "What do you want to know about this workspace?" });
  if (question) {
    await show(running, "Answer", await call(running, "devflow.ask", [question], "looking"));
  }
}

async function search(running: Running): Promise<void> {
  const query = await vscode.window.showInputBox({ prompt: "Find code by name, text or meaning" });
  const client = running.client();
  if (!query || !client) {
    return;
  }
  const answer = await call(running, "devflow.search", [query], "searching");
  const hits = ((answer as { hits?: Hit[] } | undefined)?.hits ?? []).flatMap((hit) => {
    const location = client.protocol2CodeConverter.asLocation(hit.location);
    return location
      ? [
          {
            label: hit.title ?? "",
            description: `${vscode.workspace.asRelativePath(location.uri)}:${location.range.start.line + 1}`,
            detail: (hit.excerpt ?? "").trim().split("\n", 1)[0],
            location,
          },
        ]
      : [];
  });
  if (answer !== undefined && hits.length === 0) {
    const why = (answer as { reason?: string }).reason ?? "";
    void vscode.window.showInformationMessage(`DevFlow: nothing in the workspace fits "${query}". ${why}`.trim());
    return;
  }
  const chosen = await vscode.window.showQuickPick(hits, { matchOnDescription: true, matchOnDetail: true });
  if (chosen) {
    await vscode.window.showTextDocument(chosen.location.uri, { selection: chosen.location.range });
  }
}

async function review(running: Running): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = running.client();
  if (!editor || !client) {
    return;
  }
  const uri = client.code2ProtocolConverter.asUri(editor.document.uri);
  const answer = await call(running, "devflow.review", [{ uri }], "reviewing");
  if (answer !== undefined) {
    const count = (answer as { findings?: unknown } | null)?.findings;
    void vscode.window.showInformationMessage(
      count === 0 ? "DevFlow: nothing was found." : "DevFlow: the findings are in the Problems view.",
    );
  }
}

async function reindex(running: Running): Promise<void> {
  if ((await call(running, "devflow.reindex", [], "starting")) !== undefined) {
    void vscode.window.showInformationMessage("DevFlow: the workspace is being indexed again.");
  }
}

async function showWhy(running: Running): Promise<void> {
  await show(running, "Why", await call(running, "devflow.why", [], "asking"));
}

async function snooze(running: Running): Promise<void> {
  const given = await vscode.window.showInputBox({
    prompt: "For how many minutes shall there be no ghost text? 0 brings it back.",
    value: String(SNOOZED_MINUTES),
    validateInput: (text) =>
      /^\d+$/.test(text.trim()) && Number(text) <= LONGEST_SNOOZE ? undefined : `A number from 0 to ${LONGEST_SNOOZE}`,
  });
  if (given === undefined) {
    return;
  }
  const minutes = Number(given);
  if ((await call(running, "devflow.snooze", [minutes], "asking")) !== undefined) {
    running.status.snooze(minutes);
  }
}

async function showStatus(running: Running): Promise<void> {
  const answer = await call(running, "devflow.status", [], "asking");
  if (answer !== undefined) {
    const status = asStatus(answer);
    running.status.set(status);
    await running.answers.show("Status", `# DevFlow: ${status.state}\n\n${status.text}\n\n${status.details}`);
  }
}

async function show(running: Running, title: string, answer: unknown): Promise<void> {
  const markdown = markdownOf(answer);
  if (markdown) {
    await running.answers.show(title, markdown);
  } else if (answer !== undefined) {
    void vscode.window.showInformationMessage("DevFlow: there is no answer to show.");
  }
}

/** Ask the server; undefined after a failure the user has been told of, or after Cancel. */
async function call(running: Running, command: string, values: unknown[], doing: string): Promise<unknown> {
  const client = running.client();
  if (!client?.isRunning()) {
    void vscode.window.showWarningMessage("DevFlow does not run. See DevFlow: Show log, then DevFlow: Restart the server.");
    return undefined;
  }
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `DevFlow: ${doing} …`, cancellable: true },
    async (_, token) => {
      try {
        return await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: values }, token);
      } catch (error) {
        if (!token.isCancellationRequested) {
          void vscode.window.showErrorMessage(`DevFlow: ${error instanceof Error ? error.message : String(error)}`);
        }
        return undefined;
      }
    },
  );
}
