// Finding and starting devflow-lsp.
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import {
  type ClientCapabilities,
  CloseAction,
  ErrorAction,
  type Executable,
  type FeatureState,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type StaticFeature,
} from "vscode-languageclient/node";
import type { Answers } from "./answers";
import { markdownOf } from "./commands";
import { explicitSettings, type Setting } from "./settings";

/** Files, new ones never saved, and the cells of notebooks. */
const SCHEMES = ["file", "untitled", "vscode-notebook-cell"];

export const LANGUAGES = [
  "c",
  "cpp",
  "csharp",
  "go",
  "java",
  "javascript",
  "javascriptreact",
  "python",
  "ruby",
  "rust",
  "typescript",
  "typescriptreact",
];

/** The full path of the server, or undefined. Only the user's own setting and PATH count: a workspace
 * may bring a program of that name, and opening a folder must not run it. */
export function findServer(): string | undefined {
  const configured = vscode.workspace.getConfiguration("devflow").get<string>("path", "").trim();
  if (configured) {
    const file = configured.replace(/^~(?=$|[/\\])/, homedir());
    return path.isAbsolute(file) && isProgram(file) ? file : undefined;
  }
  const names = process.platform === "win32" ? ["devflow-lsp.exe", "devflow-lsp.cmd"] : ["devflow-lsp"];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  folders.push(path.join(homedir(), ".local", "bin"));
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Tells the server that `devflow/status` is understood. */
class StatusCapability implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), devflowStatus: true };
  }
  initialize(): void {}
  getState(): FeatureState {
    return { kind: "static" };
  }
  clear(): void {}
}

export function createClient(
  command: string,
  settings: readonly Setting[],
  answers: Answers,
  log: vscode.LogOutputChannel,
): LanguageClient {
  const args = vscode.workspace.getConfiguration("devflow").get<string[]>("arguments", []);
  const run: Executable = { command, args, options: { cwd: homedir() } };
  let ends: number[] = [];
  const options: LanguageClientOptions = {
    documentSelector: SCHEMES.flatMap((scheme) => LANGUAGES.map((language) => ({ scheme, language }))),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    markdown: { isTrusted: false, supportHtml: false },
    middleware: {
      workspace: {
        configuration: (params) =>
          params.items.map((item) => {
            const scope = item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri);
            return item.section === "devflow" ? explicitSettings(settings, scope) : null;
          }),
        // The server pulls: it must not be sent VS Code's defaults.
        didChangeConfiguration: () => client.sendNotification("workspace/didChangeConfiguration", { settings: null }),
      },
      executeCommand: async (name, values, next) => {
        const answer: unknown = await next(name, values);
        if (name === "devflow.explain") {
          // The "Explain" code action: its answer wants to be read.
          const markdown = markdownOf(answer);
          if (markdown) {
            await answers.show("Explanation", markdown);
          }
        }
        return answer;
      },
    },
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue }),
      closed: () => {
        ends = [...ends.filter((when) => when > Date.now() - 180_000), Date.now()];
        return ends.length < 5
          ? { action: CloseAction.Restart }
          : {
              action: CloseAction.DoNotRestart,
              message: "The DevFlow server ended five times within three minutes. See its log (DevFlow: Show log), then DevFlow: Restart the server.",
            };
      },
    },
  };
  const client = new LanguageClient("devflow", "DevFlow", { run, debug: run }, options);
  client.registerFeature(new StatusCapability());
  return client;
}
