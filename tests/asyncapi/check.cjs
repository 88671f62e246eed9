// Reads an AsyncAPI document with the parser of asyncapi.com and says what that finds.
//
// usage: node check.cjs FOLDER FILE     FOLDER has the packages of package-lock.json beside this file
//
// Prints one JSON object: the channels, operations and messages that the parser sees, and its diagnostics. Ends with
// code 1 where one of those is an error or a warning.

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [folder, file] = process.argv.slice(2);
const { Parser } = createRequire(path.resolve(folder, "package.json"))("@asyncapi/parser");

/** Severities of the parser: 0 error, 1 warning, 2 information, 3 hint. */
const WARNING = 1;

async function main() {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(file, "utf8"));
  const findings = diagnostics.map(({ severity, code, message, path: where }) => ({
    severity, code, message, at: where.join("/"),
  }));
  const ids = (all) => (all ?? []).map((one) => one.id());
  console.log(JSON.stringify({
    version: document?.version() ?? null,
    channels: ids(document?.channels().all()),
    operations: ids(document?.operations().all()),
    messages: ids(document?.messages().all()),
    findings,
  }));
  process.exitCode = !document || findings.some(({ severity }) => severity <= WARNING) ? 1 : 0;
}

main();
