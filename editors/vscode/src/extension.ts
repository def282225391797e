// Starts the server with VS Code, and stops it.
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";
import { Answers } from "./answers";
import { registerCommands } from "./commands";
import { NextEdits } from "./nextEdit";
import { createClient, findServer } from "./server";
import { contributedSettings } from "./settings";
import { asStatus, StatusItem } from "./status";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("DevFlow", { log: true });
  const answers = new Answers();
  const status = new StatusItem();
  const settings = contributedSettings(context.extension);
  // One start or stop at a time: settings may change while the server starts.
  let turn: Promise<void> = Promise.resolve();

  const start = async (): Promise<void> => {
    await stop();
    const command = findServer();
    if (command === undefined) {
      status.set({ state: "failed", text: "devflow-lsp was not found.", details: "" });
      void offerSettings();
      return;
    }
    log.info(`starting ${command}`);
    const started = createClient(command, settings, answers, log);
    client = started;
    started.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped) {
        status.set({ state: "stopped", text: "The server does not run.", details: "" });
      } else if (newState === State.Running) {
        status.set({ state: "ready", text: "The server runs.", details: "" });
      }
    });
    started.onNotification("devflow/status", (value: unknown) => status.set(asStatus(value)));
    try {
      await started.start();
    } catch (error) {
      log.error(`the server did not start: ${error instanceof Error ? error.message : String(error)}`);
      status.set({ state: "failed", text: "The server did not start; see the log.", details: "" });
    }
  };
  const restart = (): Promise<void> => {
    turn = turn.then(start, start);
    return turn;
  };

  context.subscriptions.push(
    log,
    answers,
    status,
    new NextEdits(() => client),
    ...registerCommands({ client: () => client, restart, answers, status, log }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("devflow.path") || event.affectsConfiguration("devflow.arguments")) {
        void restart();
      }
    }),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  try {
    await running?.dispose(2000);
  } catch {
    // It had ended already.
  }
}

async function offerSettings(): Promise<void> {
  const settings = "Open settings";
  const chosen = await vscode.window.showErrorMessage(
    "DevFlow: devflow-lsp was not found. Install it (pipx install . in a checkout of DevFlow), or give its full path in the setting devflow.path.",
    settings,
  );
  if (chosen === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "devflow.path");
  }
}
