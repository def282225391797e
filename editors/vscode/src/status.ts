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

  private status: Status = { state: "starting", text: "The server is starting.", details: "" };
  private snoozedUntil = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = "DevFlow";
    this.item.command = "devflow.showStatus";
    this.draw();
    this.item.show();
  }

  set(status: Status): void {
    if (status.state === "stopped" || status.state === "failed") {
      this.snooze(0); // a server started again does not know of it
    }
    this.status = status;
    this.draw();
  }

  /** There is no ghost text for so many minutes from now. */
  snooze(minutes: number): void {
    clearTimeout(this.timer);
    this.snoozedUntil = Date.now() + minutes * 60_000;
    if (minutes > 0) {
      this.timer = setTimeout(() => this.draw(), minutes * 60_000);
    }
    this.draw();
  }

  private draw(): void {
    const { status } = this;
    const snoozed = this.snoozedUntil > Date.now();
    const until = new Date(this.snoozedUntil).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const icon = snoozed ? "$(bell-slash)" : (ICONS[status.state] ?? "$(info)");
    this.item.text = `${icon} DevFlow`;
    const lines = [`**DevFlow: ${status.state}**`, status.text, snoozed ? `No ghost text until ${until}.` : "", status.details];
    // Untrusted Markdown: no command links, no HTML.
    this.item.tooltip = new vscode.MarkdownString(lines.filter(Boolean).join("\n\n"));
    this.item.backgroundColor =
      status.state === "failed" ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }
}
