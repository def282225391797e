// Drives VS Code in a browser as a user would: node vscode.mjs ADDRESS CHROMIUM FILE
// Types into FILE (saved at the end of each step) and prints one JSON object with what was seen.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [address, chromium, file, libraries] = process.argv.slice(2);
const { chromium: browserType } = createRequire(path.join(libraries, "x.js"))("playwright-core");
const PATIENCE = 90_000;
const seen = {};
const browser = await browserType.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  page.setDefaultTimeout(PATIENCE);
  const ghost = page.locator(".monaco-editor .ghost-text-decoration, .monaco-editor .ghost-text-decoration-preview");
  const text = async () => (await ghost.allTextContents()).join("").replaceAll("\u00a0", " ");
  const saved = async (wanted) => {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      await page.keyboard.press("Control+S");
      await page.waitForTimeout(300);
      const now = readFileSync(file, "utf-8");
      if (wanted(now)) {
        return now;
      }
    }
    throw new Error(`the file did not become what was expected: ${readFileSync(file, "utf-8").slice(-200)}`);
  };
  await page.goto(address, { timeout: PATIENCE });
  await page.locator(".monaco-workbench").waitFor();
  await page.locator(".explorer-folders-view .monaco-list-row", { hasText: path.basename(file) }).dblclick();
  await page.locator(".monaco-editor .view-lines").first().click();
  await page.getByText("DevFlow", { exact: false }).first().waitFor();

  // As often as a user would: the index may not be ready at the first key.
  const begin = async () => {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Backspace");
      await page.keyboard.type(" ");
      try {
        await ghost.first().waitFor({ state: "visible", timeout: 4_000 });
        return await text();
      } catch {
        await page.keyboard.press("Escape");
      }
    }
    throw new Error("no ghost text came");
  };
  // Never twice in one place: what was sent away is not offered there again.
  const another = async (name) => {
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\n\n");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.type(`def ${name}(shape):\nwidth, height = shape.size\nreturn `);
    return begin();
  };
  seen.shown = await begin();
  await page.keyboard.press("Control+ArrowRight");
  seen.word = await saved((now) => !now.endsWith("return "));
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Control+Backspace");
  await begin();
  await page.keyboard.press("Tab");
  seen.whole = await saved((now) => now.endsWith(")"));
  await another("huge");
  await page.keyboard.press("Escape");
  await ghost.first().waitFor({ state: "detached" });
  seen.vanished = true;
} catch (error) {
  seen.error = String(error);
  if (process.env.DEVFLOW_PICTURE) {
    await browser.contexts()[0].pages()[0].screenshot({ path: process.env.DEVFLOW_PICTURE });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
