// What the user set, and nothing else: VS Code's own answer would fill in its defaults, and those would
// hide what stands in the user's devflow.toml.
import * as vscode from "vscode";

type Tree = { [name: string]: unknown };

/** Settings that are for this extension and not for the server. */
const OWN = new Set(["path", "arguments", "trace"]);

export interface Setting {
  /** Without `devflow.` */
  name: string;
  /** Only the user may set it, no workspace. */
  machine: boolean;
}

export function explicitSettings(settings: readonly Setting[], scope?: vscode.ConfigurationScope): Tree {
  const section = vscode.workspace.getConfiguration("devflow", scope);
  const tree: Tree = {};
  for (const { name, machine } of settings) {
    if (OWN.has(name.split(".")[0] ?? "")) {
      continue;
    }
    const found = section.inspect(name);
    const value = machine
      ? found?.globalValue
      : (found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue);
    if (value !== undefined) {
      put(tree, name.split("."), value);
    }
  }
  return tree;
}

/** All settings this extension contributes. */
export function contributedSettings(extension: vscode.Extension<unknown>): Setting[] {
  const properties: unknown = extension.packageJSON?.contributes?.configuration?.properties;
  return Object.entries((properties ?? {}) as Record<string, { scope?: string }>).map(([name, { scope }]) => ({
    name: name.replace(/^devflow\./, ""),
    machine: scope === "machine",
  }));
}

function put(tree: Tree, path: string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) {
    return;
  }
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = (tree[head] ??= {}) as Tree;
  put(inner, rest, value);
}
