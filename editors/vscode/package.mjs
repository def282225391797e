// Make devflow-VERSION.vsix. A .vsix is a zip with the extension under `extension/`, a manifest and a list
// of content types; writing it here saves the 240 packages of the usual tool.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { strToU8, zipSync } from "fflate";

const description = JSON.parse(readFileSync("package.json", "utf8"));
const escape = (text) =>
  String(text).replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const manifest = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escape(description.name)}" Version="${escape(description.version)}" Publisher="${escape(description.publisher)}"/>
    <DisplayName>${escape(description.displayName)}</DisplayName>
    <Description xml:space="preserve">${escape(description.description)}</Description>
    <Tags>${escape((description.keywords ?? []).join(","))}</Tags>
    <Categories>${escape(description.categories.join(","))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${escape(description.engines.vscode)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionDependencies" Value=""/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionPack" Value=""/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="${escape(description.extensionKind.join(","))}"/>
      <Property Id="Microsoft.VisualStudio.Code.LocalizedLanguages" Value=""/>
      <Property Id="Microsoft.VisualStudio.Code.ExecutesCode" Value="true"/>
    </Properties>
    <License>extension/LICENSE.txt</License>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/readme.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
`;

const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json"/>
  <Default Extension=".js" ContentType="application/javascript"/>
  <Default Extension=".md" ContentType="text/markdown"/>
  <Default Extension=".txt" ContentType="text/plain"/>
  <Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
`;

// What VS Code reads at run time; scripts and devDependencies stay here.
const { scripts, devDependencies, private: _, ...shipped } = description;

const files = {
  "extension.vsixmanifest": strToU8(manifest),
  "[Content_Types].xml": strToU8(contentTypes),
  "extension/package.json": strToU8(JSON.stringify(shipped, null, 2)),
  "extension/readme.md": readFileSync("README.md"),
  "extension/LICENSE.txt": readFileSync("../../LICENSE"),
  "extension/THIRD-PARTY.txt": strToU8(licences()),
  "extension/out/extension.js": readFileSync("out/extension.js"),
};

// Libraries that are bundled, with the text their licences ask to keep.
function licences() {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
  const parts = [];
  const seen = new Set();
  const add = (name) => {
    const entry = lock[`node_modules/${name}`];
    if (seen.has(name) || !entry) return;
    seen.add(name);
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "License.txt", "license.txt"]
      .map((candidate) => `node_modules/${name}/${candidate}`)
      .find(existsSync);
    if (!file) throw new Error(`${name} has no licence file`);
    parts.push(`${name} ${entry.version} (${entry.license})\n\n${readFileSync(file, "utf8").trim()}\n`);
    Object.keys(entry.dependencies ?? {}).forEach(add);
  };
  add("vscode-languageclient");
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

// One fixed date, so that the same sources make the same file.
const when = new Date(1980, 0, 1);
const target = `devflow-${description.version}.vsix`;
writeFileSync(target, zipSync(files, { level: 9, mtime: when }));
console.log(target);
