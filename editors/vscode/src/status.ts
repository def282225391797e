// The status bar item: what the server is doing, never silent about what is missing.
import * as vscode from "vscode";

export interface Status {
  state: string;
  text: string;
  details: string;
}

const ICONS: Record<string, string> = {
  starting: "$(sync~spin)",
  indexing: "$(sync~spin)",
  ready: "$(check)",
  limited: "$(info)",
  failed: "$(error)",
  stopped: "$(circle-slash)",
};

/** Make a status of what the server sent; anything odd becomes text. */
export function asStatus(value: unknown): Status {
  const fields = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const word = (name: string): string => (typeof fields[name] === "string" ? (fields[name] as string) : "");
  return { state: word("state") || "ready", text: word("text"), details: word("details") };
}

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("devflow", vscode.StatusBarAlignment.Right, 90);

  constructor() {
    this.item.name = "DevFlow";
    this.item.command = "devflow.showStatus";
    this.set({ state: "starting", text: "The server is starting.", details: "" });
    this.item.show();
  }

  set(status: Status): void {
    this.item.text = `${ICONS[status.state] ?? "$(info)"} DevFlow`;
    // Untrusted Markdown: no command links, no HTML.
    this.item.tooltip = new vscode.MarkdownString(`**DevFlow: ${status.state}**\n\n${status.text}\n\n${status.details}`);
    this.item.backgroundColor =
      status.state === "failed" ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  }

  dispose(): void {
    this.item.dispose();
  }
}
