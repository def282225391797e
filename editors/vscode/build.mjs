// Bundle the extension and its one library into out/extension.js.
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "out/extension.js",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"], // VS Code provides it
  minify: true,
  sourcemap: false,
  legalComments: "none", // package.mjs adds the licences,
  logLevel: "warning",
});
