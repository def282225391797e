// Drives VS Code in a browser as a user would: node vscode.mjs ADDRESS CHROMIUM FILE
// Types into FILE (saved at the end of each step), and into rows.py and use.py beside it, and prints one JSON object
// with what was seen.
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
  const saved = async (wanted, of = file) => {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      await page.keyboard.press("Control+S");
      await page.waitForTimeout(300);
      const now = readFileSync(of, "utf-8");
      if (wanted(now)) {
        return now;
      }
    }
    throw new Error(`the file did not become what was expected: ${readFileSync(of, "utf-8").slice(-200)}`);
  };
  await page.goto(address, { timeout: PATIENCE });
  await page.locator(".monaco-workbench").waitFor();
  const open = (name) => page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).dblclick();
  await open(path.basename(file));
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

  // A parameter more in rows.py: its calls in use.py are gone to and made by a key, or sent away.
  const next = page.locator(".statusbar-item", { has: page.locator(".codicon-arrow-right") });
  const shows = async (words) => {
    await next.filter({ hasText: words }).waitFor();
    return (await next.textContent()).trim();
  };
  await open("rows.py");
  await page.locator(".tab.active", { hasText: "rows.py" }).waitFor();
  await page.locator(".view-line", { hasText: "load(name)" }).first().click();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.type(", strict", { delay: 20 });
  seen.jump = await shows("use.py:5");
  await page.keyboard.press("Tab");
  await page.locator(".tab.active", { hasText: "use.py" }).waitFor();
  seen.edit = await shows("line 5");
  seen.drawn = await page.evaluate(() =>
    [...document.querySelectorAll(".monaco-editor .view-line span")]
      .map((each) => getComputedStyle(each, "::after").content)
      .find((content) => content.includes("strict")) ?? "",
  );
  await page.keyboard.press("Alt+N");
  const use = path.join(path.dirname(file), "use.py");
  seen.made = await saved((now) => now.includes("load('a', strict)"), use);
  seen.second = await shows("line 9");
  await page.keyboard.press("Escape");
  await next.waitFor({ state: "detached" });
  seen.left = await saved((now) => now.includes("load('b')"), use);

  const palette = async (title) => {
    await page.keyboard.press("F1");
    await page.keyboard.type(title);
    await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
    await page.keyboard.press("Enter");
  };
  await palette("DevFlow: Snooze ghost text");
  await page.locator(".quick-input-widget", { hasText: "0 brings it back" }).waitFor();
  await page.keyboard.type("5");
  await page.keyboard.press("Enter");
  await page.locator(".statusbar-item .codicon-bell-slash").first().waitFor();
  seen.snoozed = true;
  await palette("DevFlow: Why this ghost text");
  await page.locator(".tab", { hasText: "Why" }).waitFor();
  seen.why = true;

  await open("cells.ipynb");
  await page.locator(".notebookOverlay .squiggly-error").first().waitFor();
  seen.cell = true;
} catch (error) {
  seen.error = String(error);
  if (process.env.DEVFLOW_PICTURE) {
    await browser.contexts()[0].pages()[0].screenshot({ path: process.env.DEVFLOW_PICTURE });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
